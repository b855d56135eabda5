"""Who can prosecute: one exact expectation for each demand, on the real graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lexgraph.codes import InputError
from lexgraph.engine import Engine

Answer = dict[str, Any]
Prosecute = Callable[..., dict[str, Answer]]


def grounds(answer: Answer, **wanted: str) -> list[dict[str, Any]]:
    return [g for g in answer["grounds"] if all(g[k] == v for k, v in wanted.items())]


def crime(answer: Answer, offence: str) -> dict[str, Any]:
    return next(dict(c) for c in answer["criminalisation"] if c["offence"] == offence)


def obstacles(engine: Engine, facts: dict[str, Any]) -> set[tuple[str, str]]:
    return {(o["code"], state) for o in engine.prosecute(facts)["obstacles"] for state in o["states"]}


# --- an auction of Nazi memorabilia on a server in the United States, seen in France, 2000

YAHOO = {
    "offences": ["racist-xenophobic-material"],
    "conduct_date": "2000-05-22",
    "as_of": "2000-11-20",
    "conduct_in": ["US"],
    "effects_in": ["FR"],
}


def test_effects_in_france_establish_its_jurisdiction(prosecute: Prosecute) -> None:
    france = prosecute(**YAHOO)["FR"]
    assert france["status"] == "established"
    assert crime(france, "racist-xenophobic-material")["status"] == "criminalised"
    (ground,) = grounds(france, status="established")
    assert (ground["principle"], ground["factor"], ground["place"]) == ("territoriality-effects", "effects_in", "FR")
    assert ground["basis"]["kind"] == "national"
    assert ground["basis"]["instrument"] == "fr-penal-code"
    assert "113-2" in ground["basis"]["citation"]


def test_the_united_states_are_excluded_since_it_is_no_crime_there(engine: Engine, prosecute: Prosecute) -> None:
    answer = prosecute(**YAHOO)["US"]
    assert answer["status"] == "excluded"
    assert crime(answer, "racist-xenophobic-material")["status"] == "not-criminalised"
    assert all(g["status"] == "excluded" and "no crime" in g["excluded_by"]["why"] for g in answer["grounds"])
    assert ("legal-system-difference", "US") in obstacles(engine, YAHOO)
    # Not that its law came too late: it protects such speech.
    assert ("inadequate-law", "US") not in obstacles(engine, YAHOO)


def test_no_treaty_of_later_years_is_relied_on(prosecute: Prosecute) -> None:
    for answer in prosecute(**YAHOO).values():
        for ground in answer["grounds"]:
            assert ground["basis"]["from"] is None or ground["basis"]["from"] <= "2000-05-22"


# --- the ILOVEYOU worm, sent from Manila on 4 May 2000

ILOVEYOU = {
    "offences": ["illegal-access", "data-interference"],
    "conduct_in": ["PH"],
    "effects_in": ["US"],
    "suspects": [{"nationality": ["PH"], "present_in": ["PH"]}],
}


def test_the_philippines_had_no_law_against_the_worm(engine: Engine, prosecute: Prosecute) -> None:
    facts = {**ILOVEYOU, "conduct_date": "2000-05-04", "as_of": "2000-08-21"}
    answers = prosecute(**facts)
    assert answers["PH"]["status"] == "excluded"
    assert {c["status"] for c in answers["PH"]["criminalisation"]} == {"not-criminalised"}
    assert answers["US"]["status"] == "established"
    assert ("inadequate-law", "PH") in obstacles(engine, facts)
    assert ("legal-system-difference", "PH") not in obstacles(engine, facts)


@pytest.mark.parametrize(("day", "excluded"), [("2000-06-13", True), ("2000-06-14", False), ("2000-07-01", False)])
def test_the_electronic_commerce_act_counts_from_its_first_day(
    engine: Engine, prosecute: Prosecute, day: str, excluded: bool
) -> None:
    facts = {**ILOVEYOU, "conduct_date": day, "as_of": "2000-12-31"}
    answer = prosecute(**facts)["PH"]
    assert (answer["status"] == "excluded") is excluded
    assert (("inadequate-law", "PH") in obstacles(engine, facts)) is excluded
    if not excluded:
        held = [g for g in answer["grounds"] if g["status"] != "excluded"]
        assert any(g["basis"]["instrument"] == "ph-electronic-commerce-act-of-2000" for g in held)


# --- an attack on Algerian institutions by a foreigner from abroad

ATTACK = {
    "offences": ["illegal-access"],
    "conduct_in": ["FR"],
    "interests": ["DZ"],
    "suspects": [{"nationality": ["FR"], "present_in": ["FR"]}],
}


def test_law_04_09_protects_algerian_institutions_in_2010(prosecute: Prosecute) -> None:
    algeria = prosecute(**ATTACK, conduct_date="2010-03-01", as_of="2010-06-01")["DZ"]
    assert algeria["status"] == "established"
    held = grounds(algeria, principle="protective", status="established")
    assert [g["basis"]["provision"] for g in held] == ["dz-law-04-09/15"]
    (ground,) = held
    assert (ground["factor"], ground["place"]) == ("state_targeted", "DZ")
    assert (ground["basis"]["kind"], ground["basis"]["from"]) == ("national", "2009-08-16")
    assert {c["status"] for c in ground["conditions"]} == {"met"}
    assert {"foreigner-only", "state-interest-targeted"} <= {c["code"] for c in ground["conditions"]}
    offence = crime(algeria, "illegal-access")
    assert offence["status"] == "criminalised"
    assert any("394 bis" in citation for citation in offence["provisions"])


@pytest.mark.parametrize(("day", "held"), [("2008-03-01", False), ("2009-08-15", False), ("2009-08-16", True)])
def test_before_its_first_day_that_rule_does_not_hold(prosecute: Prosecute, day: str, held: bool) -> None:
    algeria = prosecute(**ATTACK, conduct_date=day, as_of="2010-06-01")["DZ"]
    # The general rule asks that the foreigner be found in Algeria, or be handed over.
    assert algeria["status"] == ("established" if held else "excluded")
    relied = {g["basis"]["instrument"] for g in algeria["grounds"] if g["status"] != "excluded"}
    assert ("dz-law-04-09" in relied) is held
    assert crime(algeria, "illegal-access")["status"] == "criminalised"


def test_the_rule_is_for_foreigners(prosecute: Prosecute) -> None:
    facts = {**ATTACK, "suspects": [{"nationality": ["DZ"], "present_in": ["FR"]}]}
    algeria = prosecute(**facts, conduct_date="2010-03-01", as_of="2010-06-01")["DZ"]
    assert {g["status"] for g in grounds(algeria, principle="protective")} == {"excluded"}


def test_the_rule_is_for_attacks_on_algerian_interests(prosecute: Prosecute) -> None:
    facts = {**ATTACK, "interests": ["TN"], "effects_in": ["DZ"]}
    algeria = prosecute(**facts, conduct_date="2010-03-01", as_of="2010-06-01")["DZ"]
    assert not [g for g in grounds(algeria, principle="protective") if g["status"] != "excluded"]


# --- the International Criminal Court


def court(prosecute: Prosecute, **facts: Any) -> Answer:
    return prosecute(**facts)["ICC"]


def reasons(answer: Answer) -> set[tuple[str, str]]:
    return {
        (g["offence"], g["excluded_by"]["code"])
        for g in answer["grounds"]
        if g["excluded_by"] and g["excluded_by"].get("code")
    }


GEORGIA = {
    "offences": ["system-interference", "aggression"],
    "conduct_date": "2008-08-08",
    "as_of": "2008-11-30",
    "conduct_in": ["RU"],
    "effects_in": ["GE"],
    "systems_in": ["GE"],
    "interests": ["GE"],
    "features": ["in-armed-conflict"],
}


def test_georgia_2008_is_out_of_reach_of_the_court(engine: Engine, prosecute: Prosecute) -> None:
    answer = court(prosecute, **GEORGIA)
    assert answer["status"] == "excluded"
    # Georgia was a party: it is the day that is too early for aggression.
    assert reasons(answer) == {("system-interference", "not-listed"), ("aggression", "too-early")}
    assert ("court-out-of-reach", "ICC") in obstacles(engine, GEORGIA)


def test_stuxnet_is_out_of_reach_of_the_court(engine: Engine, prosecute: Prosecute) -> None:
    facts = {
        "offences": ["system-interference", "data-interference", "aggression"],
        "conduct_date": "2010-03-01",
        "as_of": "2010-11-30",
        "effects_in": ["IR"],
        "systems_in": ["IR"],
        "interests": ["IR"],
        "features": ["critical-infrastructure"],
    }
    answer = court(prosecute, **facts)
    assert answer["status"] == "excluded"
    assert reasons(answer) == {
        ("system-interference", "not-listed"),
        ("data-interference", "not-listed"),
        ("aggression", "too-early"),
    }
    assert ("court-out-of-reach", "ICC") in obstacles(engine, facts)
    answers = prosecute(**facts)
    assert answers["IR"]["status"] in {"established", "conditional"}
    assert set(answers) == {"IR", "ICC"}


WAR_CRIME = {
    "offences": ["war-crimes"],
    "effects_in": ["GE"],
    "systems_in": ["GE"],
    "conduct_in": ["RU"],
    "suspects": [{"nationality": ["RU"]}],
    "features": ["in-armed-conflict"],
    "as_of": "2020-01-01",
}


def test_a_war_crime_by_cyber_means_against_a_party_is_within_reach(prosecute: Prosecute) -> None:
    answer = court(prosecute, **WAR_CRIME, conduct_date="2008-08-08")
    assert answer["status"] == "conditional"
    assert answer["grounds"]
    for ground in grounds(answer, status="conditional"):
        assert (ground["principle"], ground["place"]) == ("court-territory", "GE")
        assert ground["basis"]["kind"] == "court-statute"
        assert ground["basis"]["instrument"] == "rome-statute"
        found = {c["code"]: c["status"] for c in ground["conditions"]}
        assert found == {
            "in-armed-conflict": "met",
            "natural-person": "met",
            "complementarity": "unknown",
            "gravity": "unknown",
        }


@pytest.mark.parametrize(("day", "status"), [("2003-11-30", "excluded"), ("2003-12-01", "conditional")])
def test_the_statute_binds_georgia_from_its_entry_into_force(prosecute: Prosecute, day: str, status: str) -> None:
    answer = court(prosecute, **WAR_CRIME, conduct_date=day)
    assert answer["status"] == status
    assert reasons(answer) == ({("war-crimes", "too-early")} if status == "excluded" else set())


def test_no_armed_conflict_stated_is_not_none(prosecute: Prosecute) -> None:
    answer = court(prosecute, **{**WAR_CRIME, "features": []}, conduct_date="2008-08-08")
    assert answer["status"] == "conditional"
    others = [c for g in answer["grounds"] for c in g["conditions"] if c["code"] != "natural-person"]
    assert {c["status"] for c in others} == {"unknown"}


def test_a_national_of_a_party_is_within_reach_anywhere(prosecute: Prosecute) -> None:
    facts = {"offences": ["war-crimes"], "conduct_date": "2020-01-01", "conduct_in": ["IR"], "as_of": "2021-01-01"}
    answer = court(prosecute, **facts, suspects=[{"nationality": ["FR"]}])
    assert answer["status"] == "conditional"
    assert {g["principle"] for g in grounds(answer, status="conditional")} == {"court-nationality"}
    assert court(prosecute, **facts, suspects=[{"nationality": ["RU"]}])["status"] == "excluded"


@pytest.mark.parametrize(("day", "status"), [("2018-07-16", "excluded"), ("2018-07-17", "conditional")])
def test_aggression_counts_from_its_activation(prosecute: Prosecute, day: str, status: str) -> None:
    facts = {"offences": ["aggression"], "features": ["leadership-role"], "as_of": "2020-01-01", "effects_in": ["DE"]}
    assert court(prosecute, **facts, suspects=[{"nationality": ["BE"]}], conduct_date=day)["status"] == status


def test_aggression_by_nationals_of_a_state_that_is_no_party_is_out_of_reach(prosecute: Prosecute) -> None:
    # Rome Statute art. 15 bis(5).
    facts = {"offences": ["aggression"], "features": ["leadership-role"], "effects_in": ["DE"]}
    answer = court(prosecute, **facts, suspects=[{"nationality": ["RU"]}], conduct_date="2020-01-01")
    assert answer["status"] == "excluded"


@pytest.mark.parametrize(
    ("day", "principles"),
    [
        ("2013-11-20", set()),
        ("2013-11-21", {"court-declaration"}),
        ("2024-12-31", {"court-declaration"}),
        ("2025-01-01", {"court-declaration", "court-territory"}),
    ],
)
def test_declarations_of_ukraine_reach_back_to_their_first_day(
    prosecute: Prosecute, day: str, principles: set[str]
) -> None:
    facts = {"offences": ["war-crimes"], "conduct_in": ["UA"], "features": ["in-armed-conflict"], "as_of": "2026-01-01"}
    if day == "2013-11-21":
        facts["offences"] = ["crimes-against-humanity"]
    answer = court(prosecute, **facts, conduct_date=day)
    assert {g["principle"] for g in grounds(answer, status="conditional")} == principles


@pytest.mark.parametrize(("day", "status"), [("2011-02-14", "excluded"), ("2011-02-15", "conditional")])
def test_a_referral_counts_from_the_day_that_it_names(prosecute: Prosecute, day: str, status: str) -> None:
    facts = {"offences": ["crimes-against-humanity"], "conduct_in": ["LY"], "features": ["widespread-or-systematic"]}
    answer = court(prosecute, **facts, conduct_date=day, as_of="2012-01-01")
    assert answer["status"] == status
    assert {g["principle"] for g in grounds(answer, status="conditional")} <= {"court-referral"}


def test_the_court_is_not_named_where_nothing_suggests_it(prosecute: Prosecute) -> None:
    assert "ICC" not in prosecute(offences=["illegal-access"], conduct_in=["FR"], conduct_date="2020-01-01")


@pytest.mark.parametrize("feature", ["in-armed-conflict", "widespread-or-systematic", "leadership-role"])
def test_the_court_is_named_as_excluded_where_a_feature_suggests_it(prosecute: Prosecute, feature: str) -> None:
    facts = {"offences": ["illegal-access"], "conduct_in": ["FR"], "conduct_date": "2020-01-01"}
    answer = court(prosecute, **facts, features=[feature])
    assert answer["status"] == "excluded"
    assert reasons(answer) == {("illegal-access", "not-listed")}


# --- conditions, concurrence, form


def test_active_nationality_waits_for_dual_criminality_at_the_place(prosecute: Prosecute) -> None:
    facts = {"offences": ["racist-xenophobic-material"], "suspects": [{"nationality": ["FR"]}], "as_of": "2010-06-01"}
    known = prosecute(**facts, conduct_date="2010-01-01", conduct_in=["US"])["FR"]
    assert known["status"] == "excluded"
    for ground in grounds(known, principle="active-nationality"):
        assert ("dual-criminality", "not-met") in {(c["code"], c["status"]) for c in ground["conditions"]}
    unknown = prosecute(**facts, conduct_date="2010-01-01")["FR"]
    (ground,) = [g for g in grounds(unknown, principle="active-nationality") if g["basis"]["kind"] == "national"]
    assert ("dual-criminality", "unknown") in {(c["code"], c["status"]) for c in ground["conditions"]}


def test_a_final_judgment_abroad_is_held_against_a_ground_only_when_stated(prosecute: Prosecute) -> None:
    facts = {
        "offences": ["illegal-access"],
        "conduct_in": ["DE"],
        "suspects": [{"nationality": ["FR"]}],
        "conduct_date": "2010-01-01",
        "as_of": "2010-06-01",
    }

    def condition(**more: Any) -> set[str]:
        found = grounds(prosecute(**facts, **more)["FR"], principle="active-nationality")
        return {c["status"] for g in found for c in g["conditions"] if c["code"] == "not-finally-judged-abroad"}

    assert condition() == {"met"}
    assert condition(judged_in=["FR"]) == {"met"}
    assert condition(judged_in=["DE"]) == {"not-met"}


def test_two_states_are_told_to_consult_where_a_treaty_binds_both(engine: Engine) -> None:
    facts = {"offences": ["illegal-access"], "conduct_in": ["DE"], "effects_in": ["FR"], "conduct_date": "2010-01-01"}
    found = engine.prosecute({**facts, "as_of": "2013-06-01"})["concurrence"]
    assert set(found["states"]) == {"DE", "FR"}
    duties = {d["provision"]: set(d["states"]) for d in found["duties"]}
    assert duties["ets-185/22/5"] == {"DE", "FR"}
    assert any(d["instrument"] == "eu-fd-2009-948" for d in found["duties"])
    # Members had until 2012-06-15 to apply the framework decision.
    between = engine.prosecute({**facts, "as_of": "2012-06-14"})["concurrence"]
    assert {d["instrument"] for d in between["duties"]} & {"ets-185", "eu-fd-2009-948"} == {"ets-185"}
    before = engine.prosecute({**facts, "conduct_date": "2005-01-01", "as_of": "2005-06-01"})["concurrence"]
    assert "ets-185/22/5" not in {d["provision"] for d in before["duties"]}
    factors = {f["code"]: f["states"] for f in found["factors"]}
    assert (factors["place-of-conduct"], factors["harm"]) == (["DE"], ["FR"])


def test_one_state_alone_has_nobody_to_consult(engine: Engine) -> None:
    found = engine.prosecute({"offences": ["illegal-access"], "conduct_in": ["DE"], "as_of": "2010-06-01"})
    assert found["concurrence"]["states"] == ["DE"]
    assert found["concurrence"]["duties"] == []
    assert "jurisdictional-conflict" not in {o["code"] for o in found["obstacles"]}


def test_answers_come_by_status_then_name(engine: Engine) -> None:
    order = ["established", "conditional", "treaty-based", "presumed", "unknown", "excluded"]
    found = engine.prosecute(
        {**ILOVEYOU, "conduct_date": "2000-05-04", "as_of": "2000-08-21", "effects_in": ["US", "GB", "KI", "DE"]}
    )["answers"]
    keys = [(order.index(a["status"]), a["name"]) for a in found]
    assert keys == sorted(keys)
    for answer in found:
        ranks = [order.index(g["status"]) for g in answer["grounds"]]
        assert ranks == sorted(ranks)
        if ranks:
            assert answer["status"] == order[ranks[0]]


def test_every_ground_names_its_source_records_and_certainty(prosecute: Prosecute) -> None:
    for answer in prosecute(**YAHOO).values():
        for ground in answer["grounds"]:
            assert ground["derived_from"]
            assert ground["certainty"] in {"shown", "computed", "recalled"}
            assert ground["basis"]["citation"]
            assert ground["why"]


def test_the_day_of_the_question_must_not_lie_before_the_act(engine: Engine) -> None:
    with pytest.raises(InputError) as caught:
        engine.prosecute({"offences": ["illegal-access"], "conduct_date": "2010-01-02", "as_of": "2010-01-01"})
    assert caught.value.field == "conduct_date"


def test_defaults_are_filled_in_and_said(engine: Engine) -> None:
    found = engine.prosecute({"offences": "hacking", "as_of": "2010", "conduct_in": "Algérie"})["question"]
    assert (found["offences"], found["conduct_date"], found["as_of"]) == (
        ["illegal-access"],
        "2010-01-01",
        "2010-01-01",
    )
    assert found["conduct_in"] == ["DZ"]
    assert len(found["notes"]) == 2


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"offences": []}, "offences"),
        ({}, "offences"),
        ({"offences": ["illegal-acess"]}, "offences"),
        ({"offences": ["illegal-access", "hakking"]}, "offences[1]"),
        ({"offences": ["illegal-access"], "conduct_inn": ["FR"]}, "conduct_inn"),
        ({"offences": ["illegal-access"], "conduct_in": ["FR", "Frnace"]}, "conduct_in[1]"),
        ({"offences": ["illegal-access"], "suspects": [{"nationality": ["Q"]}]}, "suspects[0].nationality"),
        ({"offences": ["illegal-access"], "features": ["war"]}, "features"),
        ({"offences": ["illegal-access"], "as_of": "2010-02-30"}, "as_of"),
    ],
)
def test_what_cannot_be_read_is_refused_by_field(engine: Engine, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        engine.prosecute(facts)
    assert caught.value.field == field
