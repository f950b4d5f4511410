# Olley-Pakes and Wooldridge by R's prodest 1.0.1, by industry of the Chilean census.
#
#   Rscript production_plants.R plants.csv production_plants.json
#
# plants.csv comes from make_production_plants.py. For op, plants without positive investment are
# left out and there is no correction for exit (a plant that does not invest would count as gone).
# prodest draws its starting value: the seed is fixed; `value` is its criterion where it stopped.
suppressMessages({library(prodest); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)

op <- function(p) {
  p <- p[!is.na(p$investment), ]
  set.seed(1)
  fit <- tryCatch(
    prodestOP(p$value_added, p$employment, p$capital, p$investment, p$firm, p$year, R = 2),
    error = function(e) conditionMessage(e)
  )
  if (is.character(fit)) return(list(rows = nrow(p), error = fit))
  list(rows = nrow(p), beta = as.numeric(fit@Estimates$pars),
       value = as.numeric(fit@Model$opt.outcome$value))
}

wooldridge <- function(p) {
  fit <- tryCatch(
    prodestWRDG_GMM(p$value_added, p$employment, p$capital, p$materials, p$firm, p$year),
    error = function(e) conditionMessage(e)
  )
  if (is.character(fit)) return(list(error = fit))
  list(beta = as.numeric(fit@Estimates$pars), std_errors = as.numeric(fit@Estimates$std.errors))
}

plants <- read.csv(args[1], colClasses = c(industry = "character"))
result <- list(
  versions = list(R = as.character(getRversion()),
                  prodest = as.character(packageVersion("prodest"))),
  plants = lapply(split(plants, plants$industry), function(p) {
    list(rows = nrow(p), op = op(p), wooldridge = wooldridge(p))
  })
)
writeLines(toJSON(result, digits = 15, auto_unbox = TRUE, pretty = TRUE), args[2])
