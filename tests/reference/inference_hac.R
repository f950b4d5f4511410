# Driscoll-Kraay, Newey-West and Conley covariances by plm and fixest, for
# tests/inference/test_hac.py and test_conley.py.
#
# From the repository's root:
#   Rscript tests/reference/inference_hac.R               -> inference_hac.json
suppressPackageStartupMessages({
  library(plm)
  library(fixest)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
versions <- c(
  list(R = paste(R.version$major, R.version$minor, sep = ".")),
  lapply(c(plm = "plm", fixest = "fixest"), function(name) as.character(packageVersion(name)))
)
data <- read.csv(file.path(here, "inference_input.csv"))
panel <- pdata.frame(data, index = c("firm", "year"))
slopes <- c("x", "z")
pick <- function(V) unname(as.matrix(V)[slopes, slopes])

by_plm <- function(effect, effects) {
  model <- plm(y ~ x + z, panel, model = if (is.null(effect)) "pooling" else "within",
    effect = if (is.null(effect)) "individual" else effect)
  lags <- c(0, 1, 2, 4)
  list(
    effects = effects,
    default_lags = floor(max(pdim(model)$Tint$Ti)^(1 / 4)),
    lags = lags,
    scc = lapply(lags, function(l) pick(vcovSCC(model, type = "HC0", maxlag = l))),
    scc_sss = pick(vcovSCC(model, type = "sss", maxlag = 2)),
    nw = lapply(lags, function(l) pick(vcovNW(model, type = "HC0", maxlag = l)))
  )
}

none <- ssc(adj = FALSE, cluster.adj = FALSE)
by_fixest <- function(formula, effects, weights = NULL) {
  model <- if (is.null(weights)) {
    feols(formula, data, fixef.rm = "none", fixef.tol = 1e-11)
  } else {
    feols(formula, data, weights = data[[weights]], fixef.rm = "none", fixef.tol = 1e-11)
  }
  cutoffs <- c(200, 600, 1500)
  list(
    effects = effects, weights = weights, cutoffs = cutoffs, nobs = nobs(model),
    conley = lapply(cutoffs, function(cutoff) {
      pick(vcov(model, vcov_conley(lat = "lat", lon = "lon", cutoff = cutoff,
        distance = "spherical"), ssc = none))
    }),
    dk = lapply(c(1, 2), function(l) pick(vcov(model, DK(l) ~ year, ssc = none))),
    dk_default = pick(vcov(model, DK(2) ~ year)),
    nw = lapply(c(1, 2), function(l) pick(vcov(model, NW(l) ~ firm + year, ssc = none)))
  )
}

jsonlite::write_json(
  list(
    versions = versions,
    plm = list(
      by_plm(NULL, list()), by_plm("individual", list("firm")),
      by_plm("twoways", list("firm", "year"))
    ),
    fixest = list(
      by_fixest(y ~ x + z, list()),
      by_fixest(y ~ x + z | firm, list("firm")),
      by_fixest(y ~ x + z | firm + industry^year, list("firm", "industry^year")),
      by_fixest(y ~ x + z | firm, list("firm"), "w")
    )
  ),
  file.path(here, "inference_hac.json"),
  auto_unbox = TRUE, digits = I(17), pretty = TRUE, null = "null"
)
