# Difference and system GMM by plm, for tests/panel/test_dynamic.py.
#
# From the repository's root, with the folder of R's teaching panels (EmplUK.csv):
#   Rscript tests/reference/panel_dynamic.R FOLDER     -> panel_dynamic.json
suppressPackageStartupMessages({
  library(plm)
  library(jsonlite)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
folder <- commandArgs(trailingOnly = TRUE)[1]
versions <- list(
  R = paste(R.version$major, R.version$minor, sep = "."),
  plm = as.character(packageVersion("plm"))
)
d <- read.csv(file.path(folder, "EmplUK.csv"))
d <- transform(d, n = log(emp), w = log(wage), k = log(capital), ys = log(output))
p <- pdata.frame(d[, c("firm", "year", "n", "w", "k", "ys")], index = c("firm", "year"))

one <- function(formula, k, ...) {
  fit <- pgmm(formula, data = p, ...)
  robust <- vcovHC(fit)
  at <- seq_len(k)
  test <- sargan(fit)
  list(
    call = paste(deparse(fit$call, width.cutoff = 500), collapse = ""),
    coefficients = unname(coef(fit)[at]), names = names(coef(fit))[at],
    vcov = unname(vcov(fit)[at, at]), robust = unname(robust[at, at]),
    sargan = unname(test$statistic), sargan_df = unname(test$parameter),
    m1 = unname(c(mtest(fit, 1, vcov = robust)$statistic)),
    m2 = unname(c(mtest(fit, 2, vcov = robust)$statistic)),
    instruments = ncol(fit$W[[1]])
  )
}

full <- n ~ lag(n, 1:2) + lag(w, 0:1) + lag(k, 0:2) + lag(ys, 0:2) | lag(n, 2:99)
short <- n ~ lag(n, 1:2) + lag(w, 0:1) + k + lag(ys, 0:1) | lag(n, 2:99)
endogenous <- n ~ lag(n, 1) + lag(w, 0:1) + lag(k, 0:1) |
  lag(n, 2:99) + lag(w, 2:99) + lag(k, 2:99)
fits <- list(
  a1 = one(full, 10, effect = "twoways", model = "onestep"),
  a2 = one(full, 10, effect = "twoways", model = "twosteps"),
  b = one(short, 7, effect = "twoways", model = "twosteps"),
  b_no_years = one(short, 7, effect = "individual", model = "twosteps"),
  b_collapsed = one(short, 7, effect = "twoways", model = "twosteps", collapse = TRUE),
  endogenous = one(endogenous, 5, effect = "twoways", model = "onestep"),
  system1 = one(
    endogenous, 5, effect = "twoways", model = "onestep", transformation = "ld"
  ),
  system2 = one(
    endogenous, 5, effect = "twoways", model = "twosteps", transformation = "ld"
  ),
  system_collapsed = one(
    endogenous, 5, effect = "twoways", model = "twosteps", transformation = "ld", collapse = TRUE
  )
)
write_json(
  list(versions = versions, fits = fits), file.path(here, "panel_dynamic.json"),
  auto_unbox = TRUE, digits = I(17), pretty = TRUE
)
