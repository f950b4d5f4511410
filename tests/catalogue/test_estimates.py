"""Published estimates: traced, in comparable units, recalled numbers apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.catalogue import estimates as module

ALL = sp.studies.estimates(include_recalled=True, include_suspect=True)


def test_every_estimate_has_a_study_a_source_and_a_flag():
    assert set(ALL["study"]) <= set(sp.studies)
    assert (ALL["source"].str.len() > 10).all()
    assert set(ALL["flag"]) == {"verified", "recalled"}
    assert ALL["estimate"].notna().all()
    assert set(ALL["channel"]) <= set(module.CHANNELS)


def test_recalled_and_suspect_numbers_are_left_out_by_default():
    default = sp.studies.estimates()
    assert set(default["flag"]) == {"verified"}
    assert not default["suspect"].any()
    assert len(ALL) - len(default) == 2
    suspect = sp.studies.estimates(include_suspect=True)
    assert suspect.loc[suspect["suspect"], "estimate"].tolist() == [-0.003]


def test_units_are_harmonised():
    """Javorcik (2004), Table 7: 0.0347 per percentage point is 3.47 per unit share."""
    table = sp.studies.estimates("javorcik_2004").set_index(["equation", "term"])
    row = table.loc[("t7_first_tfp_domestic", "backward")]
    assert row["estimate"] == 0.0347
    np.testing.assert_allclose([row["effect"], row["effect_se"]], [3.47, 1.93])
    blalock = sp.studies.estimates("blalock_gertler_2008").set_index(["equation", "term"])
    row = blalock.loc[("t6_1", "backward")]
    np.testing.assert_allclose([row["effect"], row["effect_se"]], [0.087, 0.087 / 4.33])
    haskel = sp.studies.estimates("haskel_pereira_slaughter_2007")
    np.testing.assert_allclose(haskel["effect"], 0.05)
    other = ALL[~ALL["unit"].isin(module.PER_SHARE)]
    assert other["effect"].isna().all()


def test_equations_and_terms_are_those_of_the_studies():
    linked = ALL[ALL["equation"] != ""]
    assert not linked[~linked["suspect"]].duplicated(["study", "equation", "term"]).any()
    for (name, equation), rows in linked.groupby(["study", "equation"]):
        study = sp.studies[name]
        if equation in ("t6_2", "t6_4", "t6_5"):  # columns that the coding does not identify
            continue
        formula = study.equation(equation).formula
        for term in rows["term"]:
            assert term in formula or term.startswith("backward_split"), (name, equation, term)


def test_channel_is_filtered_and_checked():
    table = sp.studies.estimates(channel="backward")
    assert set(table["channel"]) == {"backward"}
    with pytest.raises(sp.SchemaError, match="channel"):
        sp.studies.estimates(channel="sideways")


def test_carried_over_from_the_literature_cards(shared):
    """Every verified number of the collection stands in the catalogue, digit by digit."""
    path = shared.parent / "literature" / "verified_estimates.csv"
    if not path.is_file():
        pytest.skip("the collection of verified estimates is not here")
    cards = pd.read_csv(path)
    cards["value"] = cards["value"].astype(str).str.rstrip(" %").astype(float)
    keys = ["study", "table", "printed"]
    ours = ALL[ALL["flag"] == "verified"].copy()
    theirs = cards.rename(columns={"study_id": "study", "term": "printed"})
    assert len(ours) == len(theirs)
    for ours_column, theirs_column in (("estimate", "value"), ("std_error", "se"), ("n", "n")):
        left = ours.sort_values([*keys, "estimate", "n"])[ours_column].astype(float)
        right = theirs.sort_values([*keys, "value", "n"])[theirs_column].astype(float)
        np.testing.assert_allclose(np.sort(left), np.sort(right))


def test_no_recalled_number_enters_a_default_computation(monkeypatch):
    """Wild recalled numbers beside every equation change neither replica nor table."""
    study = sp.studies["blalock_gertler_2008"]
    before = study.replica(1, scale=0.1)
    table = study.run(before.panel, before.io, equations=["t6_3"]).table().to_text()
    real = module._table()
    wild = real.assign(flag="recalled", estimate=999.0, effect=999.0, effect_se=999.0)
    monkeypatch.setattr(module, "_table", lambda: pd.concat([wild, real], ignore_index=True))
    after = study.replica(1, scale=0.1)
    assert dict(after.truth) == dict(before.truth)
    pd.testing.assert_frame_equal(after.panel, before.panel)
    assert study.run(after.panel, after.io, equations=["t6_3"]).table().to_text() == table
    assert 999.0 not in set(sp.studies.estimates()["estimate"])


def test_chosen_coefficients_are_no_recalled_estimates():
    recalled = set(ALL.loc[ALL["flag"] == "recalled", "estimate"])
    for study in sp.studies.values():
        if study.replica_design is not None:
            assert not recalled & set(study.replica_design.truth.values())
