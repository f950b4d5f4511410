"""p-values of the package wildboottest, for tests/inference/test_wild.py.

    pip install wildboottest
    python tests/reference/inference_wild.py              -> inference_wild.json

Every dummy is a regressor there. All sign combinations are enumerated, so the numbers have no
Monte Carlo error. ``ties`` counts the draws whose |t| equals the estimate's to 9 digits: the
package counts strictly above, which then hangs on rounding, so its count is made without them.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from wildboottest.wildboottest import WildboottestCL

HERE = Path(__file__).parent
frame = pd.read_csv(HERE / "panel_input.csv")


def dummies(effects):
    blocks = [np.ones((len(frame), 1))]
    for effect in effects:
        labels = frame[effect.split("^")].astype(str).agg("|".join, axis=1)
        blocks.append(pd.get_dummies(labels, drop_first=True).to_numpy(dtype=float))
    return np.hstack(blocks)


def case(effects, cluster, term, null, variant, impose_null):
    X = np.hstack([frame[["x", "z"]].to_numpy(dtype=float), dummies(effects)])
    R = np.zeros(X.shape[1])
    R[["x", "z"].index(term)] = 1
    boot = WildboottestCL(
        X=X,
        Y=(frame["y"] - null * frame[term]).to_numpy(),
        cluster=frame[cluster],
        R=R,
        B=9999,
        seed=1,
        parallel=False,
    )
    boot.get_scores(bootstrap_type=variant, impose_null=impose_null, adj=True, cluster_adj=True)
    boot.get_weights(weights_type="rademacher")
    boot.get_numer()
    boot.get_denom()
    boot.get_tboot()
    boot.get_vcov()
    boot.get_tstat()
    drawn, t = np.abs(np.asarray(boot.t_boot)), abs(float(boot.t_stat))
    tie = np.abs(drawn - t) <= 1e-9 * t
    n, k, groups = len(frame), X.shape[1], frame[cluster].nunique()
    return {
        "effects": effects,
        "cluster": cluster,
        "term": term,
        "null": null,
        "variant": variant,
        "impose_null": impose_null,
        "draws": len(drawn),
        "t": float(boot.t_stat),
        "p_value": float(np.mean(drawn[~tie] > t) * np.mean(~tie)),
        "ties": int(tie.sum()),
        "parameters": k,
        "nobs": n,
        "clusters": groups,
    }


cases = [
    case(effects, cluster, term, null, variant, impose)
    for effects, cluster in (
        ([], "industry"),
        (["year"], "industry"),
        (["industry", "year"], "region"),
    )
    for term, null in (("x", 0.7), ("z", -0.3), ("z", 0.0))
    for variant in ("11", "31")
    for impose in (True, False)
    if not (variant != "11" and effects == ["industry", "year"])
]
record = {
    "versions": {name: version(name) for name in ("wildboottest", "numpy", "pandas", "numba")},
    "cases": cases,
}
(HERE / "inference_wild.json").write_text(json.dumps(record, indent=1) + "\n")
