# Fixed-effects regressions by plm, lm + sandwich, and clubSandwich, for tests/panel/test_reference.py.
#
# From the repository's root:
#   Rscript tests/reference/panel_plm.R                         the made-up panel -> panel_plm.json
#   Rscript tests/reference/panel_plm.R FOLDER                  and R's teaching panels in FOLDER
#                                      (Grunfeld.csv, EmplUK.csv) -> panel_plm_teaching.json
suppressPackageStartupMessages({
  library(plm)
  library(sandwich)
  library(lmtest)
  library(clubSandwich)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
arguments <- commandArgs(trailingOnly = TRUE)

versions <- c(
  list(R = paste(R.version$major, R.version$minor, sep = ".")),
  lapply(
    c(plm = "plm", sandwich = "sandwich", lmtest = "lmtest", clubSandwich = "clubSandwich"),
    function(name) as.character(packageVersion(name))
  )
)

text <- function(call) gsub("\\s+", " ", paste(deparse(call, width.cutoff = 500), collapse = " "))

pick <- function(covariance, names) unname(as.matrix(covariance)[names, names])

# A within model: coefficients, fit, classical covariance, and Arellano's without and with plm's
# small-sample factors; two-way clusters (Thompson, Cameron-Gelbach-Miller) without factors.
within <- function(model) {
  names <- names(coef(model))
  list(
    call = text(model$call),
    terms = names,
    nobs = nobs(model),
    df_residual = df.residual(model),
    coefficients = unname(coef(model)),
    ssr = sum(residuals(model)^2),
    r2_within = unname(summary(model)$r.squared["rsq"]),
    classical = pick(vcov(model), names),
    vcovHC_arellano_HC0 = pick(vcovHC(model, method = "arellano", type = "HC0"), names),
    vcovHC_arellano_sss = pick(vcovHC(model, method = "arellano", type = "sss"), names),
    vcovHC_arellano_HC0_time =
      pick(vcovHC(model, method = "arellano", type = "HC0", cluster = "time"), names),
    vcovDC_HC0 = pick(vcovDC(model, type = "HC0"), names)
  )
}

# A regression with explicit dummies: White (HC1), clusters with and without small-sample factors.
dummies <- function(model, slopes, one, two = NULL) {
  out <- list(
    call = text(model$call),
    terms = slopes,
    nobs = nobs(model),
    rank = model$rank,
    df_residual = df.residual(model),
    coefficients = unname(coef(model)[slopes]),
    r2 = summary(model)$r.squared,
    sigma = summary(model)$sigma,
    classical = pick(vcov(model), slopes),
    vcovHC_HC1 = pick(vcovHC(model, type = "HC1"), slopes),
    vcovCL_HC1 = pick(vcovCL(model, cluster = one, type = "HC1"), slopes),
    vcovCL_HC0_unadjusted =
      pick(vcovCL(model, cluster = one, type = "HC0", cadjust = FALSE), slopes),
    vcovCR_CR0 = pick(vcovCR(model, cluster = model.frame(one, data)[[1]], type = "CR0"), slopes)
  )
  if (!is.null(two)) {
    out$twoway_HC1_multi0_FALSE <-
      pick(vcovCL(model, cluster = two, type = "HC1", multi0 = FALSE), slopes)
    out$twoway_HC1_multi0_TRUE <-
      pick(vcovCL(model, cluster = two, type = "HC1", multi0 = TRUE), slopes)
    out$twoway_HC0_unadjusted <-
      pick(vcovCL(model, cluster = two, type = "HC0", cadjust = FALSE), slopes)
  }
  out
}

write <- function(results, file) {
  jsonlite::write_json(
    c(list(versions = versions), results), file.path(here, file),
    auto_unbox = TRUE, digits = I(17), pretty = TRUE
  )
}

data <- read.csv(file.path(here, "panel_input.csv"))
data$cell <- with(data, paste(industry, year))
panel <- pdata.frame(data, index = c("firm", "year"))
write(
  list(
    within_firm = within(plm(y ~ x + z, panel, model = "within", effect = "individual")),
    within_firm_year = within(plm(y ~ x + z, panel, model = "within", effect = "twoways")),
    dummies_firm = dummies(
      lm(y ~ x + z + factor(firm), data), c("x", "z"), ~firm, ~ firm + year
    ),
    dummies_firm_year = dummies(
      lm(y ~ x + z + factor(firm) + factor(year), data), c("x", "z"), ~cell, ~ firm + year
    ),
    dummies_firm_industry_regionyear = dummies(
      lm(y ~ x + z + factor(firm) + factor(industry) + factor(region):factor(year), data),
      c("x", "z"), ~cell, ~ cell + firm
    ),
    dummies_firm_year_weighted = dummies(
      lm(y ~ x + z + factor(firm) + factor(year), data, weights = w),
      c("x", "z"), ~cell, ~ firm + year
    ),
    pooled = dummies(lm(y ~ x + z, data), c("(Intercept)", "x", "z"), ~cell, ~ firm + year)
  ),
  "panel_plm.json"
)

if (length(arguments) == 1) {
  grunfeld <- pdata.frame(read.csv(file.path(arguments, "Grunfeld.csv")), c("firm", "year"))
  empluk <- pdata.frame(read.csv(file.path(arguments, "EmplUK.csv")), c("firm", "year"))
  write(
    list(
      grunfeld_firm = within(plm(inv ~ value + capital, grunfeld, model = "within")),
      grunfeld_firm_year =
        within(plm(inv ~ value + capital, grunfeld, model = "within", effect = "twoways")),
      empluk_firm = within(
        plm(log(emp) ~ log(wage) + log(capital) + log(output), empluk, model = "within")
      ),
      empluk_firm_year = within(
        plm(log(emp) ~ log(wage) + log(capital) + log(output), empluk,
          model = "within", effect = "twoways"
        )
      )
    ),
    "panel_plm_teaching.json"
  )
}
