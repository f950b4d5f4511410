# Gandhi-Navarro-Rivers by R's gnrprod 1.1.2, for tests/production/test_gnr.py.
#
# From the repository's root (production_gmm_input.csv comes from make_production_gmm_input.py):
#   Rscript tests/reference/production_gnr.R         -> production_gnr.json
#   Rscript tests/reference/production_gnr.R FILE    and for gnrprod's Colombian plants in FILE
#                         (colombian_311.csv)        -> production_gnr_colombia.json
suppressPackageStartupMessages({
  library(gnrprod)
  library(jsonlite)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
arguments <- commandArgs(trailingOnly = TRUE)

versions <- list(
  R = paste(R.version$major, R.version$minor, sep = "."),
  gnrprod = as.character(packageVersion("gnrprod"))
)

# The package's answer and the value of its second-stage criterion (the sum of squared mean moments,
# lags by row) there; and, for the small panel, the same with the share regression run to the end.
run <- function(d, fixed, degrees, tight) {
  one <- function(first, second) {
    fit <- gnrprod(
      output = "output", fixed = fixed, flex = "flex", share = "share", id = "id", time = "year",
      data = d, fs_control = first, ss_control = second
    )
    list(
      elasticities = unname(fit$estimates$elas),
      sd_rows = unname(apply(fit$data[, (ncol(fit$data) - 2 - length(fixed)):(ncol(fit$data) - 2)],
        2, sd)),
      share_coefficients = as.vector(fit$first_stage$coefficients),
      ssr = fit$first_stage$SSR,
      iterations = fit$first_stage$iterations,
      terms = names(fit$second_stage$optim_info$par),
      coefficients = unname(fit$second_stage$optim_info$par),
      value = fit$second_stage$optim_info$value,
      convergence = fit$second_stage$optim_info$convergence,
      mean_log_productivity = mean(log(fit$data$productivity)),
      sd_log_productivity = sd(log(fit$data$productivity))
    )
  }
  second <- list(degree_w = degrees[3], degree_tau = degrees[2])
  list(
    degrees = degrees,
    default = one(list(degree = degrees[1]), second),
    tight_first = if (tight) one(list(degree = degrees[1], reltol = 1e-9, maxit = 300), second)
  )
}

write <- function(x, name) {
  write_json(x, file.path(here, name), digits = I(15), auto_unbox = TRUE, pretty = TRUE)
}

all <- function(d, fixed, tight) {
  list(
    versions = versions,
    degrees_333 = run(d, fixed, c(3, 3, 3), tight),
    degrees_223 = run(d, fixed, c(2, 2, 3), tight)
  )
}

x <- read.csv(file.path(here, "production_gmm_input.csv"))
d <- data.frame(
  id = x$firm, year = x$year, output = x$y, l = x$l1, k = x$k, flex = x$m, share = x$share
)
write(all(d, c("l", "k"), TRUE), "production_gnr.json")

if (length(arguments)) {
  x <- read.csv(arguments[1])
  d <- data.frame(
    id = x$id, year = x$year, output = x$RGO, l = x$L, k = x$K, flex = x$RI, share = x$share
  )
  write(all(d, c("l", "k"), FALSE), "production_gnr_colombia.json")
}
