# Oster's (2019) delta and bias-adjusted effect by robomit; for tests/inference/test_oster.py.
#
# From the repository's root:
#   Rscript tests/reference/inference_oster.R      -> inference_oster.json
suppressPackageStartupMessages({
  library(jsonlite)
  library(robomit)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
data <- read.csv(file.path(here, "inference_input.csv"))
# The outcome gains controls that are related to x, in the direction that selection implies.
data$c1 <- data$x + sin(seq_len(nrow(data)) * 1.7)
data$c2 <- 0.3 * data$x + cos(seq_len(nrow(data)) * 0.9)
data$out <- data$y + 0.6 * data$c1 + 0.4 * data$c2

value <- function(table, name) table$Value[table$Name == name]

one <- function(y, controls, r_max, delta) {
  beta <- suppressWarnings(o_beta(
    y = y, x = "x", con = controls, delta = delta, R2max = r_max, type = "lm", data = data
  ))
  needed <- o_delta(
    y = y, x = "x", con = controls, beta = 0, R2max = r_max, type = "lm", data = data
  )
  list(
    outcome = y, controls = controls, r_max = r_max, delta = delta,
    beta_star = value(beta, "beta*"), delta_for_zero = value(needed, "delta*"),
    short = value(beta, "Uncontrolled Coefficient"), long = value(beta, "Controlled Coefficient"),
    r2_short = value(beta, "Uncontrolled R-square"), r2_long = value(beta, "Controlled R-square")
  )
}

cases <- list()
for (r_max in c(0.4, 0.5, 1)) {
  for (delta in c(1, 0.5, 2)) {
    cases <- c(cases, list(one("out", "c1 + c2", r_max, delta)))
    cases <- c(cases, list(one("out", "c1 + c2 + z", r_max, delta)))
  }
}
out <- list(
  versions = list(
    R = paste(R.version$major, R.version$minor, sep = "."),
    robomit = as.character(packageVersion("robomit"))
  ),
  note = "robomit rounds beta* and delta* to 6 digits",
  cases = cases
)
write_json(out, file.path(here, "inference_oster.json"), digits = 14, auto_unbox = TRUE)
