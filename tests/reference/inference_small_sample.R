# CR2, CR3 and degrees of freedom by clubSandwich and dfadjust; HC2 and HC3 by sandwich; for
# tests/inference/test_small_sample.py.
#
# From the repository's root:
#   Rscript tests/reference/inference_small_sample.R      -> inference_small_sample.json
suppressPackageStartupMessages({
  library(clubSandwich)
  library(sandwich)
  library(dfadjust)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
versions <- c(
  list(R = paste(R.version$major, R.version$minor, sep = ".")),
  lapply(
    c(clubSandwich = "clubSandwich", sandwich = "sandwich", dfadjust = "dfadjust"),
    function(name) as.character(packageVersion(name))
  )
)
data <- read.csv(file.path(here, "inference_input.csv"))
data$firm <- factor(data$firm)
data$yr <- factor(data$year)
slopes <- c("x", "z")

# Weights are precisions: the regression of columns times their square roots. (clubSandwich's own
# CR2 of a weighted lm takes another root of the same matrix.) CR3 cannot invert where dummies are
# nested in clusters: `sweep` takes firm means out first.
transformed <- function(formula, weights, sweep) {
  w <- if (is.null(weights)) rep(1, nrow(data)) else data[[weights]]
  columns <- cbind(y = data$y, model.matrix(formula, data))
  if (sweep) {
    columns <- columns[, !grepl("^firm|Intercept", colnames(columns))]
    columns <- apply(columns, 2, function(v) {
      v - (tapply(w * v, data$firm, sum) / tapply(w, data$firm, sum))[data$firm]
    })
  }
  columns <- columns[, apply(columns, 2, function(v) max(abs(v)) > 1e-10)]
  lm(y ~ . - 1, data.frame(columns * sqrt(w)))
}

one <- function(formula, cluster, effects, weights = NULL, unit = TRUE) {
  data$.w <- if (is.null(weights)) rep(1, nrow(data)) else data[[weights]]
  model <- if (is.null(weights)) lm(formula, data) else lm(formula, data, weights = .w)
  groups <- factor(data[[cluster]])
  out <- list(
    effects = effects, cluster = cluster, weights = weights, nobs = nobs(model),
    coefficients = unname(coef(model)[slopes])
  )
  for (type in c("CR2", "CR3")) {
    nested <- type == "CR3" && "firm" %in% unlist(effects)
    if (nested && cluster != "region") next
    used <- if (nested || !is.null(weights)) transformed(formula, weights, nested) else model
    V <- vcovCR(used, cluster = groups, type = type)
    tests <- coef_test(used, vcov = V, test = "Satterthwaite", coefs = slopes)
    out[[type]] <- list(
      vcov = unname(as.matrix(V)[slopes, slopes]),
      df = tests[["df_Satt"]]
    )
  }
  if (is.null(weights)) {
    places <- match(slopes, names(coef(model)))
    for (ik in c(TRUE, FALSE)) {
      found <- dfadjustSE(model, groups, ell = places, IK = ik)
      out[[if (ik) "imbens_kolesar" else "bell_mccaffrey"]] <- list(
        std_error = unname(found$coefficients[, "HC2 se"]),
        df = unname(found$coefficients[, "df"])
      )
    }
  }
  out$HC2 <- unname(vcovHC(model, type = "HC2")[slopes, slopes])
  out$HC3 <- unname(vcovHC(model, type = "HC3")[slopes, slopes])
  if (is.null(weights)) {
    out$HC2_df <- unname(dfadjustSE(model, ell = places)$coefficients[, "df"])
  }
  out
}

cases <- list(
  one(y ~ x + z, "region", list()),
  one(y ~ x + z, "industry", list()),
  one(y ~ x + z + firm, "region", list("firm")),
  one(y ~ x + z + firm + yr, "region", list("firm", "year")),
  one(y ~ x + z + firm + yr, "industry", list("firm", "year")),
  one(y ~ x + z + firm + factor(industry):yr, "firm", list("firm", "industry^year")),
  one(y ~ x + z + firm + factor(region):yr, "industry", list("firm", "region^year")),
  one(y ~ x + z, "industry", list(), "w"),
  one(y ~ x + z + firm + yr, "region", list("firm", "year"), "w"),
  one(y ~ x + z + firm + yr, "industry", list("firm", "year"), "w")
)
jsonlite::write_json(
  list(versions = versions, cases = cases), file.path(here, "inference_small_sample.json"),
  auto_unbox = TRUE, digits = I(17), pretty = TRUE, null = "null"
)
