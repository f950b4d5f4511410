# Differences by plm and instrumental variables by AER, for tests/panel/test_transforms.py and
# tests/panel/test_iv.py. From the repository's root:
#   Rscript tests/reference/panel_differences.R               panel_input.csv -> panel_differences.json
# plm's model "fd" differences rows, so it is fitted on the firms without gaps; diff() and lag() of a
# pdata.frame with shift = "time" go by the calendar, and are used on all of them.
suppressPackageStartupMessages({
  library(plm)
  library(AER)
  library(sandwich)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
versions <- c(
  list(R = paste(R.version$major, R.version$minor, sep = ".")),
  lapply(
    c(plm = "plm", AER = "AER", sandwich = "sandwich"),
    function(name) as.character(packageVersion(name))
  )
)

data <- read.csv(file.path(here, "panel_input.csv"))
data <- data[order(data$firm, data$year), ]
gap <- ave(data$year, data$firm, FUN = function(y) max(c(0, diff(y))))
whole <- data[gap <= 1, ]

describe <- function(model, vcov) {
  list(
    terms = names(coef(model)),
    nobs = nobs(model),
    coefficients = unname(coef(model)),
    vcov = unname(as.matrix(vcov))
  )
}

fd <- plm(y ~ x + z, pdata.frame(whole, index = c("firm", "year")), model = "fd")

panel <- pdata.frame(data, index = c("firm", "year"))
moved <- data.frame(
  firm = data$firm, year = data$year, y = data$y, x = data$x, z = data$z,
  lag_x = as.numeric(plm::lag(panel$x, 1, shift = "time")),
  lag2_z = as.numeric(plm::lag(panel$z, 2, shift = "time")),
  lead_x = as.numeric(plm::lead(panel$x, 1, shift = "time")),
  d_y = as.numeric(diff(panel$y, 1, shift = "time")),
  d_x = as.numeric(diff(panel$x, 1, shift = "time")),
  d_z = as.numeric(diff(panel$z, 1, shift = "time")),
  d3_y = as.numeric(data$y) - as.numeric(plm::lag(panel$y, 3, shift = "time")),
  d3_x = as.numeric(data$x) - as.numeric(plm::lag(panel$x, 3, shift = "time"))
)
lags <- lm(y ~ lag_x + lag2_z + lead_x, moved)
gaps <- lm(d_y ~ d_x + d_z, moved)
long <- lm(d3_y ~ d3_x, moved)

iv <- ivreg(y ~ z + x | z + lag_x + lead_x, data = moved)
used <- as.integer(rownames(model.frame(iv)))
firms <- data$firm[match(rownames(model.frame(iv)), rownames(moved))]
tests <- summary(iv, diagnostics = TRUE)$diagnostics

result <- list(
  versions = versions,
  fd = describe(fd, vcov(fd)),
  whole_firms = length(unique(whole$firm)),
  lags = describe(lags, vcov(lags)),
  gaps = describe(gaps, vcov(gaps)),
  long = describe(long, vcov(long)),
  iv = describe(iv, vcov(iv)),
  iv_hc1 = unname(vcovHC(iv, type = "HC1")),
  iv_cluster = unname(vcovCL(iv, cluster = firms, type = "HC1")),
  iv_weak = list(f = tests["Weak instruments", "statistic"], sargan = tests["Sargan", "statistic"],
                 sargan_p = tests["Sargan", "p-value"])
)
writeLines(
  jsonlite::toJSON(result, digits = 15, auto_unbox = TRUE, pretty = TRUE),
  file.path(here, "panel_differences.json")
)
