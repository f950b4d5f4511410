"""Collect what Stata's ivreg2 reports on two simulated data sets, for tests/panel/test_iv.py.

Data and results are the fixtures of the R package ivreg2r (MIT licence, copyright Francis
DiTraglia; github.com/restatr/ivreg2r, tests/stata-benchmarks/fixtures, made there by
generate-fixtures.do with ivreg2 ... small). From the repository's root:

    python tests/reference/ivreg2_simulated.py FIXTURES

writes ivreg2_simulated.json and the two data sets beside it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

MODELS = {
    "sim_multi_endo": ("y ~ x1 + x2 | endo1 + endo2 ~ z1 + z2 + z3 + z4", ("iid", "hc1")),
    "sim_multi_endo_liml": ("y ~ x1 + x2 | endo1 + endo2 ~ z1 + z2 + z3 + z4", ("iid", "hc1")),
    "sim_cluster": ("y ~ x1 | endo1 ~ z1 + z2", ("iid", "hc1", "cl")),
}
COLUMNS = {
    "sim_multi_endo": ["x1", "x2", "z1", "z2", "z3", "z4", "endo1", "endo2", "y"],
    "sim_cluster": ["cluster_id", "x1", "z1", "z2", "endo1", "y"],
}
SCALARS = ["sargan", "j", "idstat", "idp", "iddf", "cdf", "widstat"]


def collect(folder: Path) -> dict[str, object]:
    """Read coefficients, standard errors, tests and first stages."""
    found: dict[str, object] = {
        "source": "ivreg2 (Baum, Schaffer & Stillman), as stored by ivreg2r (MIT), commit "
        "8c666db1f275793cd5fe6a6a3dcf1078e18f9314",
    }
    for name, (formula, kinds) in MODELS.items():
        for kind in kinds:
            read = {
                part: pd.read_csv(folder / f"{name}_{part}_{kind}_small.csv")
                for part in ("coef", "diagnostics", "firststage")
            }
            coef = read["coef"].replace({"term": {"_cons": "Intercept"}}).set_index("term")
            stage = read["firststage"].set_index("statistic")
            scalars = read["diagnostics"].iloc[0]
            found[f"{name} {kind}"] = {
                "formula": formula,
                "data": name.removesuffix("_liml"),
                "params": coef["estimate"].to_dict(),
                "std_errors": coef["std_error"].to_dict(),
                "first_stage_f": stage.loc["F"].to_dict(),
                "partial_r2": stage.loc["pr2"].to_dict(),
                **{key: float(scalars[key]) for key in SCALARS if pd.notna(scalars[key])},
            }
    return found


def main() -> None:
    """Write the results and the data."""
    here, folder = Path(__file__).parent, Path(sys.argv[1])
    text = json.dumps(collect(folder), indent=1)
    (here / "ivreg2_simulated.json").write_text(text + "\n", encoding="utf-8")
    for name, columns in COLUMNS.items():
        pd.read_csv(folder / f"{name}_data.csv", dtype=str)[columns].to_csv(
            here / f"ivreg2_{name}.csv", index=False
        )


if __name__ == "__main__":
    main()
