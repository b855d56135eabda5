"""Which states can cooperate: one exact expectation for each demand, on the real graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lexgraph.codes import InputError
from lexgraph.engine import Engine

Answer = dict[str, Any]
Cooperate = Callable[..., Answer]

TREATIES = {"treaty", "union-law"}
RELIED = {"available", "conditional", "refusable", "reciprocity"}


def codes(found: list[dict[str, Any]]) -> set[str]:
    return {entry["code"] for entry in found}


def instruments(answer: Answer, *statuses: str) -> set[str]:
    return {b["instrument"] for b in answer["bases"] if not statuses or b["status"] in statuses}


def basis(answer: Answer, instrument: str) -> dict[str, Any]:
    return next(dict(b) for b in answer["bases"] if b["instrument"] == instrument)


# --- the United States ask Russia for the intruders of 2000

GORSHKOV = {"conduct_date": "2000-06-01"}


def test_russia_does_not_hand_over_its_nationals_and_no_treaty_binds_it(cooperate: Cooperate) -> None:
    answer = cooperate("US", "RU", "extradition", "2000-11-10", **GORSHKOV, person={"nationality": ["RU"]})
    assert answer["status"] in {"barred", "no-basis"}
    assert {"treaty-gap", "nationality-bar"} <= codes(answer["obstacles"])
    (bar,) = [b for b in answer["bars"] if b["code"] == "nationality-bar"]
    assert bar["basis"]["kind"] == "national"
    assert bar["basis"]["instrument"].startswith("ru-")
    assert any(text in bar["basis"]["citation"] for text in ("Const. 61", "art. 61", "13(1)"))
    assert bar["basis"]["from"] <= "2000-11-10"
    assert not [b for b in answer["bases"] if b["kind"] in TREATIES]


def test_no_treaty_carried_quick_preservation_but_interpol_was_there(cooperate: Cooperate) -> None:
    answer = cooperate("US", "RU", "expedited-preservation", "2000-11-10", **GORSHKOV)
    assert answer["status"] not in RELIED
    assert not [b for b in answer["bases"] if b["kind"] in TREATIES]
    assert {"treaty-gap", "evidence-volatility"} <= codes(answer["obstacles"])
    assert "no-communication-channel" not in codes(answer["obstacles"])
    assert ("interpol", "police-cooperation") in {(p["organisation"], p["measure"]) for p in answer["police_channels"]}


# --- France asks the United States about the auction of 2000


def test_dual_criminality_bars_the_extradition_to_france(cooperate: Cooperate) -> None:
    facts = {"offences": ["racist-xenophobic-material"], "conduct_date": "2000-05-22"}
    answer = cooperate("FR", "US", "extradition", "2000-11-20", **facts)
    assert answer["status"] == "barred"
    assert codes(answer["bars"]) == {"dual-criminality-lacking"}
    assert {"dual-criminality-lacking", "legal-system-difference"} <= codes(answer["obstacles"])
    assert "treaty-gap" not in codes(answer["obstacles"])
    (treaty,) = [b for b in answer["bases"] if b["kind"] == "treaty"]
    # The treaty of 1909 held until that of 1996 entered into force in 2002.
    assert (treaty["instrument"], treaty["status"]) == ("bilateral:FR-US:extradition:1909", "barred")
    assert treaty["dual_criminality"]["status"] == "not-met"


# --- France and Algeria


@pytest.mark.parametrize(("requesting", "requested"), [("FR", "DZ"), ("DZ", "FR")])
@pytest.mark.parametrize(
    ("day", "treaty"),
    [
        ("2008-06-01", "bilateral:DZ-FR:mla:1964"),
        ("2018-04-30", "bilateral:DZ-FR:mla:1964"),
        ("2018-05-01", "bilateral:DZ-FR:mla:2016"),
        ("2026-11-21", "bilateral:DZ-FR:mla:2016"),
    ],
)
def test_france_and_algeria_assist_each_other_under_the_convention_of_the_day(
    cooperate: Cooperate, requesting: str, requested: str, day: str, treaty: str
) -> None:
    answer = cooperate(requesting, requested, "mutual-assistance-general", day)
    assert answer["status"] == "available"
    found = {i for i in instruments(answer, "available") if i.startswith("bilateral:DZ-FR:mla")}
    assert treaty in found
    others = {"bilateral:DZ-FR:mla:1964", "bilateral:DZ-FR:mla:2016"} - {treaty}
    assert not others & found
    # Algeria is no party to the Budapest Convention.
    assert "ets-185" not in instruments(answer)
    assert "evidence-volatility" in codes(answer["obstacles"])


@pytest.mark.parametrize("day", ["2008-06-01", "2026-11-21"])
def test_algeria_extradites_to_france_but_not_its_nationals(cooperate: Cooperate, day: str) -> None:
    answer = cooperate("FR", "DZ", "extradition", day)
    assert answer["status"] in {"available", "conditional"}
    assert any(i.startswith("bilateral:DZ-FR:extradition") for i in instruments(answer, "available", "conditional"))
    barred = cooperate("FR", "DZ", "extradition", day, person={"nationality": ["DZ"]})
    assert barred["status"] == "barred"
    assert codes(barred["bars"]) == {"nationality-bar"}
    assert barred["bars"][0]["basis"]["instrument"].startswith("dz-")
    assert barred["fallback"]["code"] == "extradite-or-prosecute"
    # Its own law lets Algeria try them; the convention on organised crime covers no lone intruder.
    assert barred["fallback"]["basis"]["instrument"].startswith(("dz-", "bilateral:DZ-FR:"))
    assert codes(answer["bars"]) == set()
    assert answer["fallback"] is None


@pytest.mark.parametrize("day", ["2008-06-01", "2026-11-21"])
def test_no_treaty_between_france_and_algeria_gives_quick_preservation(cooperate: Cooperate, day: str) -> None:
    answer = cooperate("FR", "DZ", "expedited-preservation", day)
    assert not [b for b in answer["bases"] if b["kind"] in TREATIES]
    assert {"treaty-gap", "evidence-volatility"} <= codes(answer["obstacles"])


# --- Azerbaijan and the Budapest Convention


@pytest.mark.parametrize(("day", "party"), [("2010-06-30", False), ("2010-07-01", True), ("2026-11-21", True)])
def test_azerbaijan_is_a_party_from_the_first_of_july_2010(
    engine: Engine, cooperate: Cooperate, day: str, party: bool
) -> None:
    parties = {p["code"]: p for p in engine.instrument("ets-185", day)["parties"]}
    assert ("AZ" in parties) is party
    if party:
        assert (parties["AZ"]["from"], parties["AZ"]["until"]) == ("2010-07-01", None)
    answer = cooperate("DE", "AZ", "expedited-preservation", day)
    assert (answer["status"] == "available") is party
    assert ("ets-185" in instruments(answer)) is party


# --- what an answer shows


def test_the_best_basis_decides_and_every_basis_is_shown(cooperate: Cooperate) -> None:
    answer = cooperate("DE", "FR", "extradition", "2010-06-01")
    assert answer["status"] == "available"
    assert {"eu-fd-2002-584", "ets-185", "ets-024", "untoc"} <= instruments(answer)
    warrant = basis(answer, "eu-fd-2002-584")
    assert (warrant["kind"], warrant["status"], warrant["channel"]) == ("union-law", "available", "direct-judicial")


def test_treaties_come_before_domestic_law(cooperate: Cooperate) -> None:
    answer = cooperate("UA", "RU", "extradition", "2012-06-01", person={"nationality": ["RU"]})
    # Domestic law would allow reciprocity; a treaty that bars decides.
    assert answer["status"] == "barred"


def test_an_existing_treaty_on_assistance_goes_before_the_default_regime(cooperate: Cooperate) -> None:
    answer = cooperate("US", "NL", "mutual-assistance-general", "2012-06-01")
    assert basis(answer, "bilateral:NL-US:mla:1981")["status"] == "available"
    (default,) = [b for b in answer["bases"] if b["provision"] == "ets-185/27/1"]
    assert "27(1)" in default["precedence"]


def test_a_barred_national_is_to_be_tried_at_home_under_article_24_6(cooperate: Cooperate) -> None:
    answer = cooperate("US", "DE", "extradition", "2012-06-01", person={"nationality": ["DE"]})
    assert answer["status"] == "barred"
    assert codes(answer["bars"]) == {"nationality-bar"}
    assert answer["fallback"]["code"] == "extradite-or-prosecute"
    assert answer["fallback"]["basis"]["provision"] == "ets-185/24/6"


def test_nobody_is_barred_who_is_no_national(cooperate: Cooperate) -> None:
    for person in ({}, {"nationality": ["US"]}):
        answer = cooperate("US", "DE", "extradition", "2012-06-01", person=person)
        assert answer["status"] == "available"
        assert answer["bars"] == []
        assert answer["fallback"] is None


def test_what_is_available_names_no_bar(cooperate: Cooperate) -> None:
    # Germany surrenders its nationals within the Union.
    answer = cooperate("FR", "DE", "extradition", "2012-06-01", person={"nationality": ["DE"]})
    assert answer["status"] == "available"
    assert basis(answer, "eu-fd-2002-584")["status"] == "available"
    assert answer["bars"] == []
    assert "nationality-bar" not in codes(answer["obstacles"])
    assert answer["fallback"] is None


def test_a_plea_makes_an_answer_refusable_and_never_barred(cooperate: Cooperate) -> None:
    free = cooperate("CH", "FR", "extradition", "2010-06-01")
    assert free["status"] == "available"
    pleaded = cooperate("CH", "FR", "extradition", "2010-06-01", pleas=["political-offence"])
    assert pleaded["status"] == "refusable"
    ground = next(r for r in basis(pleaded, "ets-024")["refusal_grounds"] if r["code"] == "political-offence")
    # The text says must; a plea alone never counts for more than may.
    assert (ground["live"], ground["effect"], ground["counts_as"]) == (True, "mandatory", "optional")


def test_own_proceedings_make_an_answer_refusable_a_final_judgment_bars(cooperate: Cooperate) -> None:
    pending = cooperate("CH", "FR", "extradition", "2010-06-01", proceedings_in=["FR"])
    assert pending["status"] == "refusable"
    judged = cooperate("CH", "FR", "extradition", "2010-06-01", judged_in=["FR"])
    assert judged["status"] == "barred"
    elsewhere = cooperate("CH", "FR", "extradition", "2010-06-01", judged_in=["CH"], proceedings_in=["CH"])
    assert elsewhere["status"] == "available"


def test_territory_of_the_requested_state_makes_an_answer_refusable(cooperate: Cooperate) -> None:
    answer = cooperate("CH", "FR", "extradition", "2010-06-01", conduct_in=["FR"])
    assert answer["status"] == "refusable"
    ground = next(r for r in basis(answer, "ets-024")["refusal_grounds"] if r["code"] == "territoriality")
    assert ground["live"]


def test_a_convention_on_organised_crime_does_not_answer_for_a_lone_intruder(cooperate: Cooperate) -> None:
    alone = cooperate("US", "HK", "extradition", "2021-01-01", offences=["data-interference"])
    group = cooperate(
        "US", "HK", "extradition", "2021-01-01", offences=["data-interference"], features=["organised-group"]
    )
    assert basis(alone, "untoc")["scope"]["status"] == "unknown"
    assert basis(group, "untoc")["scope"]["status"] == "met"


def test_a_corruption_convention_covers_no_intrusion(cooperate: Cooperate) -> None:
    answer = cooperate("FR", "DZ", "extradition", "2026-11-21")
    assert {b["status"] for b in answer["bases"] if b["instrument"] == "uncac"} == {"not-covered"}


def test_the_best_of_several_offences_decides(cooperate: Cooperate) -> None:
    both = ["racist-xenophobic-material", "illegal-access"]
    answer = cooperate("FR", "US", "extradition", "2012-06-01", offences=both)
    assert answer["status"] == "available"
    assert basis(answer, "bilateral:FR-US:extradition:1996")["offence"] == "illegal-access"


def test_a_narrower_provision_with_a_higher_penalty_keeps_the_threshold_open(cooperate: Cooperate) -> None:
    # Hong Kong: a fine for access (Telecommunications Ordinance s. 27A), five years with dishonest intent
    # (Crimes Ordinance s. 161). Which of the two it is, the facts do not say.
    answer = cooperate("US", "HK", "extradition", "2019-06-01")
    found = basis(answer, "bilateral:HK-US:extradition:1996")
    assert found["penalty_threshold"]["status"] == "unknown"
    assert found["status"] == "conditional"


def test_several_requests_for_one_person_are_said_to_concur(engine: Engine) -> None:
    question = {"requested": "GB", "offences": ["illegal-access"], "measures": ["extradition"], "as_of": "2012-06-01"}
    several = engine.cooperate({**question, "requesting": ["US", "FR"]})["answers"]
    assert [(a["requesting"], a["requested"]) for a in several] == [("US", "GB"), ("FR", "GB")]
    assert all("concurrent-requests" in codes(a["obstacles"]) for a in several)
    (one,) = engine.cooperate({**question, "requesting": ["US"]})["answers"]
    assert "concurrent-requests" not in codes(one["obstacles"])


def test_every_measure_is_answered_when_none_is_named(engine: Engine) -> None:
    question = {"requesting": "FR", "requested": "DE", "offences": ["illegal-access"], "as_of": "2012-06-01"}
    found = [a["measure"] for a in engine.cooperate(question)["answers"]]
    assert len(found) == len(set(found)) == 20


def test_every_basis_relied_on_names_its_source_days_and_certainty(cooperate: Cooperate) -> None:
    for found in cooperate("CH", "FR", "extradition", "2010-06-01")["bases"]:
        assert found["citation"]
        assert found["derived_from"]
        assert found["certainty"] in {"shown", "computed", "recalled"}
        assert found["from"] is None or found["from"] <= "2010-06-01"
        assert found["until"] is None or found["until"] > "2010-06-01"


def test_the_day_of_the_request_must_not_lie_before_the_act(cooperate: Cooperate) -> None:
    with pytest.raises(InputError) as caught:
        cooperate("US", "RU", "extradition", "2000-11-10", conduct_date="2000-11-11")
    assert caught.value.field == "conduct_date"


def test_a_state_cannot_ask_itself(cooperate: Cooperate) -> None:
    with pytest.raises(InputError) as caught:
        cooperate("FR", "France", "extradition", "2010-06-01")
    assert caught.value.field == "requested"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"measures": ["extraditon"]}, "measures"),
        ({"measures": ["assistance"]}, "measures[0]"),
        ({"person": {"nationalty": ["FR"]}}, "person.nationalty"),
        ({"pleas": ["boredom"]}, "pleas"),
        ({"requested": ["DE", "Frnace"]}, "requested[1]"),
        ({"requested": []}, "requested"),
        ({"as_of": "soon"}, "as_of"),
    ],
)
def test_what_cannot_be_read_is_refused_by_field(engine: Engine, facts: dict[str, Any], field: str) -> None:
    question: dict[str, Any] = {"requesting": "FR", "requested": "DE", "offences": ["illegal-access"], **facts}
    with pytest.raises(InputError) as caught:
        engine.cooperate(question)
    assert caught.value.field == field


def test_too_many_pairs_at_once_are_sent_to_the_export(engine: Engine) -> None:
    everyone = sorted(engine.codes.states)[:30]
    with pytest.raises(InputError, match="at most 400"):
        engine.cooperate({"requesting": everyone, "requested": everyone, "offences": ["illegal-access"]})
