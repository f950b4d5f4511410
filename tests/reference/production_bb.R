# System GMM of a production function's dynamic form by R's plm, for tests/production/test_bb.py.
#
# From the repository's root (production_gmm_input.csv comes from make_production_gmm_input.py):
#   Rscript tests/reference/production_bb.R         -> production_bb.json
#   Rscript tests/reference/production_bb.R FILE    and for Blundell & Bond's US firms in FILE
#                        (RDPerfComp.csv of pder)   -> production_bb_teaching.json
suppressPackageStartupMessages({
  library(plm)
  library(jsonlite)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
arguments <- commandArgs(trailingOnly = TRUE)

versions <- list(
  R = paste(R.version$major, R.version$minor, sep = "."),
  plm = as.character(packageVersion("plm"))
)

one <- function(p, steps, low, collapse) {
  lags <- low:99
  form <- switch(as.character(low),
    "2" = y ~ lag(y, 1) + n + lag(n, 1) + k + lag(k, 1) |
      lag(y, 2:99) + lag(n, 2:99) + lag(k, 2:99),
    "3" = y ~ lag(y, 1) + n + lag(n, 1) + k + lag(k, 1) |
      lag(y, 3:99) + lag(n, 3:99) + lag(k, 3:99)
  )
  fit <- pgmm(
    form, data = p, effect = "twoways", model = steps, transformation = "ld", collapse = collapse
  )
  robust <- vcovHC(fit)
  test <- sargan(fit)
  list(
    call = paste(steps, "lags from", low, "collapse", collapse),
    steps = steps, low = low, collapse = collapse,
    terms = c("lag(y)", "n", "lag(n)", "k", "lag(k)"),
    coefficients = unname(coef(fit)[1:5]),
    constant_and_years = unname(coef(fit)[-(1:5)]),
    vcov_robust = unname(robust[1:5, 1:5]),
    sargan = unname(test$statistic),
    sargan_df = unname(test$parameter),
    instruments = ncol(fit$W[[1]]),
    m1 = unname(c(mtest(fit, 1, vcov = robust)$statistic)),
    m2 = unname(c(mtest(fit, 2, vcov = robust)$statistic))
  )
}

all <- function(d) {
  p <- pdata.frame(d, index = c("id", "year"))
  cases <- list(
    list("onestep", 2, FALSE), list("twosteps", 2, FALSE), list("twosteps", 3, FALSE),
    list("onestep", 3, FALSE), list("twosteps", 2, TRUE)
  )
  list(versions = versions, fits = lapply(cases, function(a) one(p, a[[1]], a[[2]], a[[3]])))
}

write <- function(x, name) {
  write_json(x, file.path(here, name), digits = I(15), auto_unbox = TRUE, pretty = TRUE)
}

x <- read.csv(file.path(here, "production_gmm_input.csv"))
write(all(data.frame(id = x$firm, year = x$year, y = x$va, n = x$l1, k = x$k)), "production_bb.json")

if (length(arguments)) {
  x <- read.csv(arguments[1])
  write(all(x[, c("id", "year", "y", "n", "k")]), "production_bb_teaching.json")
}
