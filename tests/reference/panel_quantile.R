# Quantile regressions by quantreg, for tests/panel/test_quantile.py.
#
# From the repository's root (panel_input.csv comes from make_panel_input.py):
#   Rscript tests/reference/panel_quantile.R     -> panel_quantile.json
suppressPackageStartupMessages({
  library(quantreg)
  library(jsonlite)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
data <- read.csv(file.path(here, "panel_input.csv"))
versions <- list(
  R = paste(R.version$major, R.version$minor, sep = "."),
  quantreg = as.character(packageVersion("quantreg"))
)

covariance <- function(fit, se) {
  pick <- c("(Intercept)", "x", "z")
  out <- summary(fit, se = se, covariance = TRUE)$cov
  dimnames(out) <- list(names(coef(fit)), names(coef(fit)))
  unname(out[pick, pick])
}

one <- function(formula, tau, weights = NULL) {
  fit <- if (is.null(weights)) rq(formula, tau, data) else rq(formula, tau, data, weights = w)
  pick <- c("(Intercept)", "x", "z")
  out <- list(
    formula = deparse(formula), tau = tau, weighted = !is.null(weights), terms = pick,
    coefficients = unname(coef(fit)[pick]), rho = unname(fit$rho)
  )
  if (is.null(weights)) {
    out$ker <- covariance(fit, "ker")
    out$nid <- covariance(fit, "nid")
    out$iid <- covariance(fit, "iid")
    alone <- rq(y ~ 1, tau, data)
    out$pseudo_r2 <- 1 - unname(fit$rho) / unname(alone$rho)
  }
  out
}

plain <- y ~ x + z
years <- y ~ x + z + factor(year)
fits <- c(
  lapply(c(0.1, 0.25, 0.5, 0.75, 0.9), function(tau) one(plain, tau)),
  lapply(c(0.25, 0.5, 0.75), function(tau) one(years, tau)),
  lapply(c(0.25, 0.75), function(tau) one(plain, tau, weights = TRUE))
)
set.seed(1)
boot <- boot.rq(cbind(1, data$x, data$z), data$y, 0.5, R = 2000)$B
write_json(
  list(versions = versions, fits = fits, boot_se = unname(apply(boot, 2, sd))),
  file.path(here, "panel_quantile.json"),
  auto_unbox = TRUE, digits = I(17), pretty = TRUE
)
