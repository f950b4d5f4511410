# Leverage, partial leverage and omit-one-cluster estimates by summclust; for
# tests/inference/test_diagnostics.py.
#
# From the repository's root:
#   Rscript tests/reference/inference_influence.R      -> inference_influence.json
suppressPackageStartupMessages({
  library(jsonlite)
  library(summclust)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
data <- read.csv(file.path(here, "inference_input.csv"))
data$yr <- factor(data$year)
data$ind <- factor(data$industry)
data$reg <- factor(data$region)

# No effect may be nested in the clusters: without one the dummies would be collinear.
one <- function(formula, cluster, effects) {
  model <- lm(formula, data)
  found <- summclust(model, cluster = reformulate(cluster), params = c("x", "z"))
  clusters <- as.character(found$cluster)
  order <- order(as.numeric(clusters))
  list(
    effects = effects, cluster = cluster, clusters = clusters[order],
    sizes = as.numeric(table(data[[cluster]])[clusters[order]]),
    leverage = unname(found$leverage_g)[order],
    partial_leverage = lapply(c(x = "x", z = "z"), function(t) unname(found$partial_leverage[t, order])),
    without = lapply(c(x = "x", z = "z"), function(t) unname(found$beta_jack[t, order])),
    jackknife = as.list(sqrt(diag(found$vcov))[c("x", "z")]),
    cv_sizes = unname(found$coef_var_N_G),
    cv_leverage = unname(found$coef_var_leverage_g),
    cv_partial_leverage = as.list(found$coef_var_partial_leverage)
  )
}

out <- list(
  versions = list(
    R = paste(R.version$major, R.version$minor, sep = "."),
    summclust = as.character(packageVersion("summclust"))
  ),
  cases = list(
    one(y ~ x + z, "industry", list()),
    one(y ~ x + z + yr, "industry", list("year")),
    one(y ~ x + z + yr + reg, "industry", list("year", "region")),
    one(y ~ x + z + yr, "region", list("year"))
  )
)
write_json(out, file.path(here, "inference_influence.json"), digits = 14, auto_unbox = TRUE)
