# Poisson, probit and logit regressions by glm and sandwich, for tests/panel/test_ppml.py and
# tests/panel/test_binary.py.
#
# From the repository's root (panel_input.csv comes from make_panel_input.py):
#   Rscript tests/reference/panel_ppml.R     -> panel_ppml.json, panel_binary.json
suppressPackageStartupMessages({
  library(sandwich)
  library(jsonlite)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
data <- read.csv(file.path(here, "panel_input.csv"))
data$sales <- pmax(data$y - 0.5, 0)
data$exports <- as.integer(data$y > 0.5)
data$large <- as.integer(data$w > 2)
versions <- list(
  R = paste(R.version$major, R.version$minor, sep = "."),
  sandwich = as.character(packageVersion("sandwich"))
)

one <- function(formula, family, terms, weights = NULL, rows = rep(TRUE, nrow(data))) {
  d <- data[rows, ]
  d$wt <- if (is.null(weights)) rep(1, nrow(d)) else d[[weights]]
  # a small epsilon also lowers the tolerance of its QR, which then misses a collinear dummy;
  # Fisher scoring of a probit needs it
  epsilon <- if (family$family == "quasibinomial") 1e-15 else 1e-10
  fit <- suppressWarnings(glm(
    formula, family, d,
    weights = wt, control = glm.control(epsilon = epsilon, maxit = 100)
  ))
  pick <- function(v) unname(v[terms, terms])
  X <- model.matrix(fit)
  mean_slopes <- if (family$family == "quasibinomial") {
    b <- coef(fit)
    eta <- drop(X %*% b)
    wt <- d$wt / sum(d$wt)
    density <- family$mu.eta(eta)
    lapply(setdiff(terms, "(Intercept)"), function(term) {
      binary <- all(X[, term] %in% 0:1)
      if (binary) {
        one <- X; one[, term] <- 1
        zero <- X; zero[, term] <- 0
        hi <- drop(one %*% b); lo <- drop(zero %*% b)
        value <- sum(wt * (family$linkinv(hi) - family$linkinv(lo)))
        gradient <- colSums(wt * (family$mu.eta(hi) * one - family$mu.eta(lo) * zero))
      } else {
        # numerical derivative of the gradient: margins by hand
        value <- sum(wt * density) * b[[term]]
        at <- function(beta) sum(wt * family$mu.eta(drop(X %*% beta))) * beta[[term]]
        step <- 1e-5
        gradient <- sapply(seq_along(b), function(j) {
          up <- b; up[j] <- up[j] + step
          down <- b; down[j] <- down[j] - step
          (at(up) - at(down)) / (2 * step)
        })
      }
      v <- vcovCL(fit, cluster = d$industry, type = "HC1")
      list(term = term, ame = value, se = sqrt(drop(t(gradient) %*% v %*% gradient)))
    })
  }
  list(
    formula = deparse(formula, width.cutoff = 500), family = family$family, link = family$link,
    weights = weights, nobs = nrow(d), rank = fit$rank, terms = terms,
    coefficients = unname(coef(fit)[terms]), deviance = fit$deviance, null = fit$null.deviance,
    hc0 = pick(sandwich(fit)),
    industry_HC1 = pick(vcovCL(fit, cluster = d$industry, type = "HC1")),
    industry_HC0 = pick(vcovCL(fit, cluster = d$industry, type = "HC0", cadjust = FALSE)),
    naive = pick(summary(fit, dispersion = 1)$cov.scaled),
    margins = mean_slopes
  )
}

write <- function(fits, name) {
  write_json(
    list(versions = versions, fits = fits), file.path(here, name),
    auto_unbox = TRUE, digits = I(17), pretty = TRUE, null = "null"
  )
}

slopes <- c("x", "z")
all <- c("(Intercept)", slopes)
alive <- ave(data$sales, data$firm, FUN = sum) > 0
write(list(
  plain = one(sales ~ x + z, quasipoisson(), all),
  weighted = one(sales ~ x + z, quasipoisson(), all, "w"),
  year = one(sales ~ x + z + factor(year), quasipoisson(), slopes),
  firm_year = one(
    sales ~ x + z + factor(firm) + factor(year), quasipoisson(), slopes, rows = alive
  ),
  firm_year_industry_weighted = one(
    sales ~ x + z + factor(firm) + factor(year) + factor(industry), quasipoisson(), slopes, "w",
    alive
  )
), "panel_ppml.json")
probit <- quasibinomial("probit")
logit <- quasibinomial("logit")
with_dummy <- c(all, "large")
write(list(
  probit = one(exports ~ x + z + large, probit, with_dummy),
  logit = one(exports ~ x + z + large, logit, with_dummy),
  probit_year = one(exports ~ x + z + factor(year), probit, slopes),
  logit_industry = one(exports ~ x + z + factor(industry), logit, slopes),
  probit_weighted = one(exports ~ x + z, probit, all, "w"),
  logit_interaction = one(exports ~ x * z, logit, c(all, "x:z"))
), "panel_binary.json")
