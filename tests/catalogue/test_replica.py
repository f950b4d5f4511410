"""Replicas: labelled synthetic, repeatable, and with the published coefficient as the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.catalogue.run import not_offered

LEVEL = "t5_domestic"


def _draws(study: str, equation: str | None, seeds: int, scale: float) -> pd.DataFrame:
    chosen = sp.studies[study]
    return pd.concat(
        [chosen.replica(seed, equation=equation, scale=scale).compare() for seed in range(seeds)]
    )


def test_the_same_seed_gives_the_same_panel():
    study = sp.studies["kinuthia_2016"]
    one, two, other = (study.replica(seed, scale=0.2).panel for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(one, two)
    assert not one["tfp"].equals(other["tfp"])


def test_the_truth_is_what_was_published_per_unit_share():
    replica = sp.studies["javorcik2004"].replica(1, equation=LEVEL, scale=0.1)
    assert dict(replica.truth) == pytest.approx(
        {"backward": 0.86, "forward": 0.01, "horizontal": 0.4}
    )
    assert replica.chosen == ()
    chosen = sp.studies["kinuthia_2016"].replica(1, scale=0.1)
    assert set(chosen.chosen) == set(chosen.truth)
    assert "(chosen)" in repr(chosen)


def test_noise_gives_the_published_standard_error():
    replica = sp.studies["blalock_gertler_2008"].replica(2, scale=0.2)
    found = replica.compare().set_index("term")
    assert found.loc["backward", "std_error"] == pytest.approx(0.091 / 4.48, rel=0.25)


def test_the_size_follows_the_paper():
    study = sp.studies["javorcik2004"]
    replica = study.replica(1, equation=LEVEL)
    fit = replica.run().fits[LEVEL]
    assert 0.75 < fit.nobs / 10216 < 1.33
    years = replica.panel["year"]
    assert (years.min(), years.max()) == (1996, 2000)


@pytest.mark.parametrize(
    ("study", "equation", "scale"),
    [
        ("javorcik_2004", LEVEL, 0.15),
        ("blalock_gertler_2008", None, 0.15),
        ("aitken_harrison_1999", None, 0.5),
        ("merlevede_schoors_2008", None, 0.5),
        ("dimelis_louri_2002", None, 0.5),
        ("buthe_milner_2008", None, 0.5),
    ],
)
def test_the_truth_is_recovered_on_average(study, equation, scale):
    draws = _draws(study, equation, seeds=10, scale=scale)
    grouped = draws.assign(gap=draws["estimate"] - draws["truth"]).groupby("term")["gap"]
    z = grouped.mean() / (grouped.std() / np.sqrt(grouped.size()))
    assert (z.abs() < 4.3).all(), z  # t(9) beyond 4.3 has probability 0.002


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, s in sp.studies.items() if s.equations])
def test_every_study_recovers_its_truth(name):
    study = sp.studies[name]
    absent = not_offered(study.equation(study.replica_design.equation))
    if absent:
        pytest.skip(f"sp.fit takes no {', '.join(absent)}")
    draws = _draws(name, None, seeds=40, scale=0.5)
    grouped = draws.assign(gap=draws["estimate"] - draws["truth"]).groupby("term")["gap"]
    z = grouped.mean() / (grouped.std() / np.sqrt(grouped.size()))
    assert (z.abs() < 4.0).all(), z


def test_leaving_sector_effects_out_turns_the_sign():
    """Aitken & Harrison (1999): foreign firms choose productive sectors."""
    replica = sp.studies["aitken_harrison_1999"].replica(1)
    result = replica.run("no_industry", "industry", "domestic")
    assert result.fits["no_industry"].params["horizontal"] > 0.5
    assert result.fits["domestic"].params["horizontal"] < 0


def test_another_studys_method_shows_what_would_have_been_concluded():
    """The own sector belongs to the truth; without it Horizontal takes it up."""
    replica = sp.studies["lenaerts_merlevede"].replica(1, scale=0.5)
    right = replica.run("included").fits["included"]
    wrong = sp.studies["kinuthia_2016"].run(replica.panel, replica.io, equations=["malaysia"])
    assert abs(right.tstats["horizontal"]) < 3
    assert wrong.fits["malaysia"].params["horizontal"] - right.params["horizontal"] > 0.08


def test_arguments_are_checked():
    study = sp.studies["javorcik2004"]
    with pytest.raises(sp.SchemaError, match="scale=0"):
        study.replica(scale=0)
    with pytest.raises(sp.SchemaError, match="no equation"):
        study.replica(equation="t6")
    with pytest.raises(sp.SchemaError, match="no verified coefficient"):
        sp.studies["kinuthia_2016"].replica(equation="kenya")
    replica = sp.studies["kinuthia_2016"].replica(1, scale=0.2)
    with pytest.raises(sp.SchemaError, match="no equation 'malaysia'"):
        replica.compare(replica.run("kenya"))
