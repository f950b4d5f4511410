# Truth tables and solutions by R's QCA, for tests/case/test_fsqca_reference.py.
#
#     Rscript tests/reference/fsqca.R FOLDER > tests/reference/fsqca.json
#
# FOLDER holds the example data of the packages QCA and SetMethods as CSV files. Only results are
# written: which combinations are sufficient and the minimal expressions with their fit.
suppressMessages({library(QCA); library(jsonlite)})
folder <- commandArgs(trailingOnly = TRUE)[1]

specs <- list(
  list(data = "QCA_LF", outcome = "SURV", conditions = c("DEV", "URB", "LIT", "IND", "STB"), incl = 0.8, n = 1, expect = c(1, 1, 1, 1, 1)),
  list(data = "QCA_LF", outcome = "SURV", conditions = c("DEV", "URB", "LIT", "IND", "STB"), incl = 0.75, n = 2, expect = c(1, 0, 1, "-", 1)),
  list(data = "QCA_LF", outcome = "~SURV", conditions = c("DEV", "URB", "LIT", "IND", "STB"), incl = 0.8, n = 1, expect = c(0, 0, 0, 0, 0)),
  list(data = "QCA_LC", outcome = "SURV", conditions = c("DEV", "URB", "LIT", "IND", "STB"), incl = 1, n = 1, expect = c(1, 1, 1, 1, 1)),
  list(data = "QCA_CVF", outcome = "PROTEST", conditions = c("DEMOC", "ETHFRACT", "GEOCON", "POLDIS", "NATPRIDE"), incl = 0.8, n = 1, expect = c(0, 1, 1, 1, 0)),
  list(data = "QCA_CVF", outcome = "PROTEST", conditions = c("DEMOC", "ETHFRACT", "GEOCON", "POLDIS", "NATPRIDE"), incl = 0.85, n = 2, expect = c(0, 1, 1, "-", "-")),
  list(data = "QCA_CVF", outcome = "~PROTEST", conditions = c("DEMOC", "ETHFRACT", "GEOCON", "POLDIS", "NATPRIDE"), incl = 0.85, n = 1, expect = c(1, 0, 0, 0, 1)),
  list(data = "QCA_Krook", outcome = "WNP", conditions = c("ES", "QU", "WS", "WM", "LP"), incl = 0.8, n = 1, expect = c(1, 1, 1, 1, 1)),
  list(data = "QCA_Krook", outcome = "~WNP", conditions = c("ES", "QU", "WS", "WM", "LP"), incl = 0.8, n = 1, expect = c(0, 0, 0, 0, 0)),
  list(data = "QCA_HC", outcome = "VOTE", conditions = c("FOREIGN", "UNEMP", "CONV", "PRES80"), incl = 0.8, n = 1, expect = c(1, 1, 1, 1)),
  list(data = "QCA_NF", outcome = "W", conditions = c("A", "I", "M", "U"), incl = 0.8, n = 1, expect = c(1, 1, "-", 1)),
  list(data = "QCA_d.jobsecurity", outcome = "JSR", conditions = c("S", "C", "L", "R", "P", "V"), incl = 0.9, n = 1, expect = c(1, 1, 1, 1, 1, 1)),
  list(data = "QCA_d.jobsecurity", outcome = "JSR", conditions = c("S", "C", "L", "R", "P", "V"), incl = 0.8, n = 1, expect = c(1, 0, 1, 1, 0, 1)),
  list(data = "SetMethods_SCHF", outcome = "EXPORT", conditions = c("EMP", "BARGAIN", "UNI", "OCCUP", "STOCK", "MA"), incl = 0.9, n = 1, expect = c(0, 0, 0, 0, 0, 0)),
  list(data = "SetMethods_SCHF", outcome = "~EXPORT", conditions = c("EMP", "BARGAIN", "UNI", "OCCUP", "STOCK", "MA"), incl = 0.9, n = 1, expect = c(1, 1, 1, 1, 1, 1)),
  list(data = "SetMethods_LIPF", outcome = "SURVIVED", conditions = c("DEVELOPED", "URBAN", "LITERATE", "INDUSTRIAL", "STABLE"), incl = 0.75, n = 1, expect = c(1, 1, 1, 1, 1)),
  list(data = "SetMethods_PAYF", outcome = "HL", conditions = c("HE", "GG", "AH", "HI", "HW"), incl = 0.87, n = 2, expect = c(1, 1, 1, 1, 1)),
  list(data = "SetMethods_PAYF", outcome = "LL", conditions = c("HE", "GG", "AH", "HI", "HW"), incl = 0.85, n = 1, expect = c(0, 0, 0, 0, 0)),
  list(data = "SetMethods_STUF", outcome = "Y", conditions = c("A", "B", "C", "D", "E"), incl = 0.9, n = 1, expect = c(0, 1, 0, 1, "-")),
  list(data = "SetMethods_THOF", outcome = "CUSTOM", conditions = c("RESP", "SAL", "RES", "VPO", "VPL", "COERC"), incl = 0.9, n = 1, expect = c(1, 1, 1, 1, 1, 1))
)

models <- function(object, incl) {
  lapply(seq_along(object$solution), function(i) {
    fit <- if (length(object$solution) == 1) object$IC$incl.cov else object$IC$individual[[i]]$incl.cov
    whole <- if (length(object$solution) == 1) object$IC$sol.incl.cov else object$IC$individual[[i]]$sol.incl.cov
    terms <- object$solution[[i]]
    list(terms = I(terms), incl = I(fit[terms, "inclS"]), pri = I(fit[terms, "PRI"]),
         cov = I(fit[terms, "covS"]), whole = as.numeric(whole[1, c("inclS", "PRI", "covS")]))
  })
}

run <- function(spec) {
  data <- read.csv(file.path(folder, paste0(spec$data, ".csv")), row.names = 1)
  data <- data[, c(spec$conditions, sub("^~", "", spec$outcome))]
  data <- data[complete.cases(data), ]
  tt <- truthTable(data, outcome = spec$outcome, conditions = spec$conditions,
                   incl.cut = spec$incl, n.cut = spec$n, complete = TRUE)
  table <- tt$tt
  complex <- minimize(tt, details = TRUE)
  short <- minimize(tt, include = "?", details = TRUE)
  middle <- minimize(tt, include = "?", dir.exp = spec$expect, details = TRUE)
  necessity <- pof(data[, spec$conditions], data[[sub("^~", "", spec$outcome)]], relation = "necessity")$incl.cov
  list(
    spec = spec, cases = nrow(data),
    table = list(out = I(as.character(table$OUT)), n = I(table$n),
                 incl = I(suppressWarnings(as.numeric(as.character(table$incl)))),
                 pri = I(suppressWarnings(as.numeric(as.character(table$PRI))))),
    complex = models(complex), parsimonious = models(short),
    intermediate = unname(lapply(middle$i.sol, models)),
    necessity = list(incl = I(necessity$inclN), cov = I(necessity$covN), ron = I(necessity$RoN))
  )
}
result <- lapply(specs, function(s) tryCatch(run(s), error = function(e) list(spec = s, error = conditionMessage(e))))
cat(toJSON(list(software = paste(R.version.string, "QCA", packageVersion("QCA"), "admisc", packageVersion("admisc")),
                results = result), digits = 12, auto_unbox = TRUE, pretty = FALSE, na = "null"))
