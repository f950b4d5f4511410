# One timed call of prodest: Rscript productivity_prodest.R PANEL.csv LP|ACF DRAWS WORKERS
suppressPackageStartupMessages({
  library(prodest)
  library(jsonlite)
})
arguments <- commandArgs(trailingOnly = TRUE)
d <- read.csv(arguments[1])
estimator <- get(paste0("prodest", arguments[2]))
draws <- as.integer(arguments[3])
workers <- as.integer(arguments[4])
logs <- lapply(d[c("value_added", "employment", "capital", "materials")], log)
invisible(gc(reset = TRUE))
set.seed(1)
start <- proc.time()[["elapsed"]]
cluster <- if (workers > 1) makeCluster(workers) else NULL
model <- estimator(logs$value_added, logs$employment, logs$capital, logs$materials, d$firm, d$year,
                   R = draws, cluster = cluster)
if (!is.null(cluster)) stopCluster(cluster)
seconds <- proc.time()[["elapsed"]] - start
cat(toJSON(list(
  seconds = seconds, draws = draws, memory_mb = sum(gc()[, 6]),
  beta = as.numeric(model@Estimates$pars), std_error = as.numeric(model@Estimates$std.errors),
  versions = list(R = as.character(getRversion()), prodest = as.character(packageVersion("prodest")))
), digits = 10, auto_unbox = TRUE))
