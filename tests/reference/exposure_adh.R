# Exposure-robust inference by ShiftShareSE on the data of Autor, Dorn & Hanson (2013), for
# tests/inference/test_exposure.py.
#
# From the repository's root, with ShiftShareSE installed (its data set ADH is used):
#   Rscript tests/reference/exposure_adh.R            -> tests/reference/exposure_adh.json
suppressPackageStartupMessages(library(ShiftShareSE))

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)

controls <- c("t2", "l_shind_manuf_cbp", "l_sh_popedu_c", "l_sh_popfborn", "l_sh_empl_f",
              "l_sh_routine33", "l_task_outsource", "division")
sets <- list(intercept = "1", controls = paste(controls, collapse = " + "))
methods <- c("homosk", "ehw", "region_cluster", "akm", "akm0")

rows <- function(fit) {
  list(
    estimate = unname(fit$beta), se = as.list(fit$se), p = as.list(fit$p),
    low = as.list(fit$ci.l), high = as.list(fit$ci.r)
  )
}

cases <- list()
for (set in names(sets)) {
  for (weighted in c(TRUE, FALSE)) {
    for (clustered in c(TRUE, FALSE)) {
      for (level in c(0.95, 0.99)) {
        w <- if (weighted) ADH$reg$weights else NULL
        s <- if (clustered) ADH$sic else NULL
        common <- list(
          X = ADH$reg$IV, data = ADH$reg, W = ADH$W, method = methods, weights = w,
          alpha = 1 - level, region_cvar = ADH$reg$statefip, sector_cvar = s
        )
        reduced <- do.call(reg_ss, c(
          list(formula = as.formula(paste("d_sh_empl ~", sets[[set]])), beta0 = -0.1), common
        ))
        iv <- do.call(ivreg_ss, c(
          list(formula = as.formula(paste("d_sh_empl ~", sets[[set]], "| shock")), beta0 = -0.1),
          common
        ))
        label <- list(controls = set, weighted = weighted, clustered = clustered, level = level,
                      null = -0.1)
        cases[[length(cases) + 1]] <- c(label, list(model = "reg"), rows(reduced))
        cases[[length(cases) + 1]] <- c(label, list(model = "iv"), rows(iv))
      }
    }
  }
}

out <- list(
  versions = list(
    R = paste(R.version$major, R.version$minor, sep = "."),
    ShiftShareSE = as.character(packageVersion("ShiftShareSE"))
  ),
  controls = controls, cases = cases
)
out[["cases"]] <- rapply(out[["cases"]], function(x) ifelse(is.finite(x), x, as.character(x)),
                         classes = "numeric", how = "replace")
jsonlite::write_json(out, file.path(here, "exposure_adh.json"), auto_unbox = TRUE, digits = NA,
                     pretty = TRUE)
