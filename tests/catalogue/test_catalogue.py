"""A walk through the whole catalogue: every study complete, checkable and runnable."""

from __future__ import annotations

import importlib
import re
import textwrap
from dataclasses import replace

import pandas as pd
import pytest

import spillover as sp
from spillover.catalogue import study as parts
from spillover.catalogue.columns import (
    documented,
    equation_columns,
    linkage_columns,
    links_need,
)
from spillover.catalogue.run import not_offered
from spillover.panel.formula import parse_formula

CITED = {
    *("aitken_harrison_1999", "aitken_hanson_harrison_1997", "javorcik_2004", "javorcik_2006"),
    *("javorcik_saggi_spatareanu_2004", "javorcik_spatareanu_2005", "javorcik_spatareanu_2011"),
    *("hoekman_javorcik_2006", "djankov_hoekman_2000", "blalock_gertler_2008"),
    *("dimelis_louri_2002", "takii_2005", "sjoholm_1999", "sinani_meyer_2004"),
    *("gorodnichenko_svejnar_terrell_2014", "kinuthia_2016", "chen_kokko_tingvall_2011"),
    *("ali_cantner_roy_2016", "zhang_li_2014", "buthe_milner_2008", "dreher_mikosch_voigt_2015"),
    "blomstrom_kokko_1998",
}
SUCCESSORS = {
    *("javorcik_spatareanu_2008", "barrios_gorg_strobl_2011", "merlevede_schoors_2008"),
    *("merlevede_schoors_spatareanu_2014", "lenaerts_merlevede", "havranek_irsova_2011"),
    *("irsova_havranek_2013", "hampl_havranek_irsova_2020", "gorg_strobl_2001"),
    *("meyer_sinani_2009", "haskel_pereira_slaughter_2007", "keller_yeaple_2009"),
}
STUDIES = dict(sp.studies.items())
RUNNABLE = {name: study for name, study in STUDIES.items() if study.equations}
EQUATIONS = [(name, one) for name, study in RUNNABLE.items() for one in study.equations]
IDS = [f"{name}-{one.name}" for name, one in EQUATIONS]


def test_every_study_of_the_literature_is_there():
    assert set(STUDIES) >= CITED | SUCCESSORS
    assert set(sp.studies.list()["study"]) == set(STUDIES)


def test_names_work_with_and_without_underscores():
    assert sp.studies["javorcik2004"] is sp.studies["javorcik_2004"]
    assert "Javorcik 2004" in sp.studies
    with pytest.raises(sp.SchemaError, match="Did you mean 'javorcik_2004'"):
        sp.studies["javorcik_204"]
    assert "nobody_1900" not in sp.studies


@pytest.mark.parametrize("name", STUDIES)
def test_typed_fields_are_complete(name):
    study = STUDIES[name]
    assert study.citation.authors
    assert 1990 < study.citation.year < 2030
    assert study.citation.title
    assert study.citation.outlet
    assert study.question.endswith((".", "?"))
    assert study.data.country
    assert study.data.public
    assert study.findings
    assert study.traps
    assert study.criticism
    assert study.readings or name not in CITED, "the thesis cites it, but there is no reading"
    if study.kind == "regression":
        assert study.equations
        assert study.replica_design is not None
        assert study.estimator is not None
    for reading in study.readings:
        assert reading.sections
        assert all(text.endswith(".") for text in (reading.thesis, reading.source, reading.why))


@pytest.mark.parametrize("name", STUDIES)
def test_dois_are_well_formed_and_have_a_status(name):
    citation = STUDIES[name].citation
    if citation.doi is None:
        assert citation.doi_status == "open"
    else:
        assert re.fullmatch(r"10\.\d{4,9}/\S+", citation.doi)
        assert citation.doi_status in ("verified", "recalled")


def test_a_wrong_doi_is_refused():
    good = STUDIES["javorcik_2004"].citation
    with pytest.raises(sp.SchemaError, match="is no DOI"):
        replace(good, doi="doi.org/10.1257")


def test_successors_and_substitutes_are_in_the_catalogue():
    for study in STUDIES.values():
        assert set(study.successors) <= set(STUDIES), study.id
        assert study.instead in {"", *RUNNABLE}, study.id
        assert bool(study.instead) <= (not study.equations), study.id


@pytest.mark.parametrize(("name", "equation"), EQUATIONS, ids=IDS)
def test_formulas_parse_and_all_columns_are_documented(name, equation):
    study = STUDIES[name]
    model = parse_formula(equation.formula)
    assert model.outcome
    known, linkages = documented(study), linkage_columns(study)
    for column in equation_columns(equation):
        assert column in linkages or known[column].meaning
    for links in linkages.values():
        assert set(links_need(links)) <= {*known, *linkages}
    for column in study.columns:
        assert set(column.needs) <= {*known, *linkages}, column.name
        assert (column.make is None) == (not column.needs), column.name
    if equation.percent:
        assert linkages


@pytest.mark.parametrize("name", RUNNABLE)
def test_labels_name_terms_of_the_study(name):
    study = RUNNABLE[name]
    text = " ".join(one.formula for one in study.equations)
    printed = set(study.estimates()["term"])
    for term in study.labels:
        assert term in text or term in printed, term


@pytest.mark.parametrize("name", RUNNABLE)
def test_needs_lists_every_column_with_its_meaning(name):
    table = RUNNABLE[name].needs()
    assert not table["column"].duplicated().any()
    assert (table["meaning"] != "").all()


@pytest.mark.parametrize("name", RUNNABLE)
def test_each_study_runs_on_its_replica(name):
    study = RUNNABLE[name]
    offered = [one.name for one in study.equations if not not_offered(one)]
    main = study.equation(study.replica_design.equation)
    start = main.name
    if not_offered(main):
        usable = [one for one in offered if len(published_terms(study, one))]
        if not usable:
            pytest.skip(f"sp.fit takes no {', '.join(not_offered(main))}")
        start = usable[0]
    replica = study.replica(1, equation=start, scale=0.3)
    assert replica.synthetic
    assert "SYNTHETIC" in repr(replica)
    result = study.run(replica.panel, replica.io, equations=offered)
    assert result.failed == {}
    assert set(result.fits) == set(offered)
    assert result.synthetic
    for name in result.table_names:
        assert "Synthetic data." in result.table(name).to_text()
    truth = replica.compare(study.run(replica.panel, replica.io, equations=[start]))
    assert set(truth["term"]) == set(replica.truth)
    assert truth["estimate"].notna().all()
    assert (abs(truth["estimate"] - truth["truth"]) < 6 * truth["std_error"]).all()


def published_terms(study, equation):
    table = study.estimates()
    return table[(table["equation"] == equation) & table["effect"].notna()]


@pytest.mark.parametrize("name", sorted(set(STUDIES) - set(RUNNABLE)))
def test_texts_without_a_regression_say_so(name):
    panel = pd.DataFrame({"firm": [1], "year": [2000]})
    with pytest.raises(sp.SchemaError, match="no regression"):
        STUDIES[name].run(panel)
    with pytest.raises(sp.SchemaError, match="no regression"):
        STUDIES[name].replica()


@pytest.mark.parametrize("name", STUDIES)
def test_cards_print(name):
    text = repr(STUDIES[name])
    assert "Question" in text
    assert max(map(len, text.splitlines())) <= 100
    assert STUDIES[name]._repr_html_().startswith("<div>")


def test_readings_set_both_sides_beside_each_other():
    table = sp.studies.readings()
    assert set(table["study"]) == {name for name, study in STUDIES.items() if study.readings}
    assert set(table["verdict"]) <= set(parts.VERDICTS)
    by_study = table.groupby("study")["verdict"].agg(set)
    assert by_study["dimelis_louri_2002"] == {"reversed"}
    assert "overtaken" in by_study["hoekman_javorcik_2006"]
    assert by_study["zhang_li_2014"] == {"uncertain"}


def test_a_new_module_is_a_new_study(tmp_path, monkeypatch):
    folder = importlib.import_module("spillover.catalogue.studies")

    (tmp_path / "somebody_2030.py").write_text(
        textwrap.dedent(
            """
            from spillover.catalogue import Citation, Data, Study
            STUDY = Study(
                id="somebody_2030", kind="review", question="Does it?",
                citation=Citation(authors=("Somebody",), year=2030, title="T", outlet="O"),
                data=Data(country="none"),
            )
            """
        ),
        encoding="utf-8",
    )
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    assert sp.studies["somebody2030"].question == "Does it?"
    assert len(sp.studies) == len(STUDIES) + 1


def test_names_that_repeat_are_refused():
    good = STUDIES["kinuthia_2016"]
    with pytest.raises(sp.SchemaError, match="two equations"):
        replace(good, equations=good.equations * 2)
    with pytest.raises(sp.SchemaError, match="two linkage columns"):
        replace(good, links=good.links * 2)
    with pytest.raises(sp.SchemaError, match="no equation 'nowhere'"):
        good.equation("nowhere")
