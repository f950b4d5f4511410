# Olley-Pakes and Wooldridge by R's prodest 1.0.1, for tests/production/test_op.py and
# test_wooldridge.py.
#
# From the repository's root (production_gmm_input.csv comes from make_production_gmm_input.py):
#   Rscript tests/reference/production_op_wooldridge.R            -> production_op_wooldridge.json
#   Rscript tests/reference/production_op_wooldridge.R FILE       and for prodest's Chilean plants in
#                             FILE (chilean.csv)          -> production_op_wooldridge_chile.json
suppressPackageStartupMessages({
  library(prodest)
  library(jsonlite)
})

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
here <- dirname(script)
arguments <- commandArgs(trailingOnly = TRUE)

versions <- list(
  R = paste(R.version$major, R.version$minor, sep = "."),
  prodest = as.character(packageVersion("prodest"))
)

# prodest draws its starting value; the criterion has one minimum here, and its optimiser stops up
# to 1e-4 away from it. So: three seeds, and the same criterion minimised to the last digits. The
# criterion's data are rebuilt with prodest's own lags, and its probit is run to the end.
op <- function(d, exit) {
  runs <- lapply(1:3, function(seed) {
    set.seed(seed)
    fit <- prodestOP(d$Y, d$free, d$state, d$proxy, d$firm, d$year, R = 2, exit = exit)
    list(pars = unname(fit@Estimates$pars), value = fit@Model$opt.outcome$value)
  })
  lag <- function(x) prodest:::lagPanel(d$firm, d$year, x)
  s <- d$state
  i <- d$proxy
  second <- cbind(s, i, s * i, s^2, i^2)
  first <- lm(d$Y ~ d$free + second)
  bl <- coef(first)[2:(1 + ncol(d$free))]
  phi <- fitted(first) - as.vector(d$free %*% bl)
  chance <- rep(0, length(s))
  if (exit) {
    last <- ave(d$year, d$firm, FUN = max)
    leaves <- as.numeric(d$year == last & last != max(d$year))
    before <- apply(second, 2, lag)
    tight <- glm.control(epsilon = 1e-15, maxit = 100)
    probit <- glm(
      leaves ~ before, family = binomial(link = "probit"), na.action = na.exclude, control = tight
    )
    chance <- fitted(probit)
  }
  use <- complete.cases(lag(phi), chance)
  criterion <- function(b) {
    as.numeric(prodest:::gOPLP(
      b, matrix(s[use]), matrix(lag(s)[use]), matrix(phi[use]), matrix(lag(phi)[use]),
      matrix((d$Y - as.vector(d$free %*% bl))[use]), 1e-100, matrix(chance[use]), exit
    ))
  }
  fine <- optimize(criterion, c(-0.5, 1.5), tol = 1e-10)
  list(
    runs = runs, state = fine$minimum, value = fine$objective, at = c(0.1, 0.3, 0.6),
    criterion = sapply(c(0.1, 0.3, 0.6), criterion), nobs = sum(use), exit_sum = sum(chance[use])
  )
}

wooldridge <- function(d) {
  one <- function(fit) {
    list(pars = unname(fit@Estimates$pars), std_errors = unname(fit@Estimates$std.errors))
  }
  list(
    gmm = one(prodestWRDG_GMM(d$Y, d$free, d$state, d$m, d$firm, d$year)),
    pooled = one(prodestWRDG(d$Y, d$free, d$state, d$m, d$firm, d$year)),
    robinson = one(prodestROB(d$Y, d$free, d$state, d$m, d$firm, d$year))
  )
}

all <- function(d) {
  list(
    versions = versions, op = op(d, FALSE), op_exit = op(d, TRUE), wooldridge = wooldridge(d)
  )
}

write <- function(x, name) {
  write_json(x, file.path(here, name), digits = I(15), auto_unbox = TRUE, pretty = TRUE)
}

x <- read.csv(file.path(here, "production_gmm_input.csv"))
write(all(list(
  Y = x$va, free = cbind(x$l1, x$l2), state = x$k, proxy = x$i, m = x$m, firm = x$firm, year = x$year
)), "production_op_wooldridge.json")

if (length(arguments)) {
  x <- read.csv(arguments[1])
  write(all(list(
    Y = x$Y, free = cbind(x$fX1, x$fX2), state = x$sX, proxy = x$inv, m = x$pX, firm = x$idvar,
    year = x$timevar
  )), "production_op_wooldridge_chile.json")
}
