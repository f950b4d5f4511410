"""Accession as an event: on replicas, and on a real panel of 114 countries where it is at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.catalogue.country_year import weights_of_equation

pytest.importorskip("pyfixest", reason="one of the estimators is pyfixest's")
NAMES = ("buthe_milner_2008", "dreher_mikosch_voigt_2015")
COLUMNS = {
    "cname": "country",
    "fdiGDP": "fdi_gdp",
    "gatt_wto_member": "wto",
    "gdpCap": "gdp_per_capita",
    "gdpGr": "growth",
    "tradeGDP": "trade",
    "polity2": "democracy",
    "n_igo_full": "memberships",
}


@pytest.fixture(scope="module")
def real(shared):
    path = shared / "country_year" / "fdi_panel_1986_2014.csv"
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    return pd.read_csv(path).rename(columns=COLUMNS)


@pytest.mark.parametrize("name", NAMES)
def test_the_event_study_runs_on_the_replica(name):
    study = sp.studies[name]
    found = study.event_study(study.replica(1).panel)
    assert found.synthetic
    assert set(found.estimates) == {"twfe", "sun_abraham", "gardner"}
    assert found.failed == {}
    truth = study.replica(1).truth.get("wto_lag1", 0.0)
    table = found.overall()
    assert (abs(table["estimate"] - truth) < 4 * table["std_error"]).all()
    assert (table["leads_p"] > 0.001).all()


def test_leads_are_those_of_the_years_before_accession():
    """In the replica the effect comes a year after accession."""
    study = sp.studies["buthe_milner_2008"]
    table = study.event_study(study.replica(2).panel, estimators=["gardner"]).tidy()
    by_event = table.set_index("event")["estimate"]
    assert by_event.loc[1:].mean() == pytest.approx(0.8, abs=0.25)
    assert abs(by_event.loc[-4:0].mean()) < 0.25


def test_controls_of_the_equation_can_be_added():
    study = sp.studies["buthe_milner_2008"]
    panel = study.replica(1).panel
    options = {"controls": "log(gdp_lag1) + growth_lag1", "estimators": ["twfe"], "leads": 3}
    found = study.event_study(panel, **options)
    assert found.leads == 3
    assert "log(gdp_lag1)" not in found.outcome
    assert found.overall()["nobs"].item() < len(panel)  # the first year has no lag
    with pytest.raises(sp.SchemaError, match="gdp: gross domestic product"):
        study.event_study(panel.drop(columns=["gdp"]), **options)
    less = study.event_study(panel.drop(columns=["growth"]), **options)
    assert less.overall()["nobs"].item() == found.overall()["nobs"].item()


def test_weights_of_an_equation_sum_to_one():
    study = sp.studies["buthe_milner_2008"]
    panel = study.replica(1, scale=0.5).panel
    weights = weights_of_equation(study, panel, "two_way")
    assert weights.table["weight"].sum() == pytest.approx(1.0)
    assert weights.negative > 0
    with pytest.raises(sp.SchemaError, match="absorbs country"):
        weights_of_equation(study, panel, "country_effects")
    with pytest.raises(sp.SchemaError, match="no regressor 'pta'"):
        weights_of_equation(study, panel, "two_way", treatment="pta")


def test_firm_studies_have_no_event():
    with pytest.raises(sp.SchemaError, match="has no event study"):
        sp.studies["javorcik_2004"].event_study(pd.DataFrame())


# The real panel ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_equations_run_on_the_real_panel(real, name):
    result = sp.studies[name].run(real)
    assert result.failed == {}
    assert not result.synthetic
    assert all(fit.nobs > 2000 for fit in result.fits.values())


def test_the_event_study_runs_on_the_real_panel(real):
    found = sp.studies["buthe_milner_2008"].event_study(real)
    assert found.failed == {}
    assert not found.synthetic
    assert found.never >= 10
    assert found.cohorts.index.min() > real["year"].min()
    assert found.dropped["of units that leave treatment"] > 0
    table = found.overall()
    assert np.isfinite(table[["estimate", "std_error", "leads_p"]]).all(axis=None)
    assert (table["std_error"] > 0).all()


def test_two_way_effects_weigh_members_negatively_on_the_real_panel(real):
    weights = weights_of_equation(sp.studies["buthe_milner_2008"], real, "two_way")
    assert weights.negative > 100
    assert weights.negative_sum < -0.1


def test_kazakhstan_is_never_a_member_in_the_panel(real):
    here = real[real["country"].str.upper().str.startswith("KAZAKH")]
    assert len(here) > 20
    assert here["wto"].eq(0).all()
