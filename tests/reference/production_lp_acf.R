# Reference numbers of R's prodest 1.0.1 for spillover's lp and acf.
#
#   Rscript production_lp_acf.R plants.csv production_lp_acf.json
#
# plants.csv comes from make_production_plants.py; prodest's own data set `chilean` is in the
# package. prodest adds random noise to its starting values: the seeds are written down, and with
# them the point where its BFGS stopped and the value of its criterion there.
suppressMessages({library(prodest); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)

stopped <- function(model) {
  outcome <- model@Model$opt.outcome
  list(beta = as.numeric(model@Estimates$pars), value = as.numeric(outcome$value),
       convergence = outcome$convergence, calls = as.integer(outcome$counts[1]))
}

acf <- function(d, theta0 = NULL, seed = 1) {
  set.seed(seed)
  c(list(seed = seed),
    stopped(prodestACF(d$Y, d$free, d$state, d$proxy, d$id, d$year, R = 2, theta0 = theta0)))
}

lp <- function(d, seed = 1) {
  set.seed(seed)
  stopped(prodestLP(d$Y, d$free, d$state, d$proxy, d$id, d$year, R = 2))
}

data(chilean)
chile <- with(chilean, list(Y = Y, free = cbind(fX1, fX2), state = sX, proxy = pX, id = idvar,
                            year = timevar))
seeds <- 1:8
result <- list(
  versions = list(R = as.character(getRversion()),
                  prodest = as.character(packageVersion("prodest"))),
  chilean = list(
    lp = lp(chile),
    acf = lapply(seeds, function(seed) acf(chile, seed = seed)),
    # From within-firm least squares, and from near the point where the moments are all zero.
    acf_from = lapply(list(c(0.08, 0.08, 0.07), c(0.65, 0.64, 0.25)),
                      function(start) c(list(start = start), acf(chile, theta0 = start)))
  )
)

plants <- read.csv(args[1], colClasses = c(industry = "character"))
result$plants <- lapply(split(plants, plants$industry), function(p) {
  d <- list(Y = p$value_added, free = p$employment, state = p$capital, proxy = p$materials,
            id = p$firm, year = p$year)
  list(rows = nrow(p), lp = lp(d), acf = lapply(1:3, function(seed) acf(d, seed = seed)))
})
writeLines(toJSON(result, digits = 15, auto_unbox = TRUE, pretty = TRUE), args[2])
