"""Several suspects, offences and victims; attempt, participation and legal persons; facts that were not given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lexgraph.engine import Engine

Answer = dict[str, Any]
Prosecute = Callable[..., dict[str, Answer]]

ACCESS = {"offences": ["illegal-access"], "conduct_date": "2019-06-01", "as_of": "2020-06-01"}


def grounds(answer: Answer, principle: str, kind: str = "national") -> list[dict[str, Any]]:
    return [g for g in answer["grounds"] if g["principle"] == principle and g["basis"]["kind"] == kind]


def conditions(ground: dict[str, Any]) -> dict[str, str]:
    return {c["code"]: c["status"] for c in ground["conditions"]}


# --- each suspect alone


def person(nationality: str, present_in: str = "") -> dict[str, list[str]]:
    found = {"nationality": [nationality]}
    return {**found, "present_in": [present_in]} if present_in else found


@pytest.mark.parametrize(
    ("suspects", "status", "presence"),
    [
        ([person("BR", "BR")], "established", "met"),
        ([person("BR", "US")], "excluded", "not-met"),
        ([person("BR")], "conditional", "unknown"),
        # The presence of the foreigner is no presence of the national.
        ([person("BR", "US"), person("US", "BR")], "excluded", "not-met"),
        ([person("US", "BR"), person("BR", "US")], "excluded", "not-met"),
        ([person("BR"), person("US", "BR")], "conditional", "unknown"),
        ([person("BR", "US"), person("BR", "BR")], "established", "met"),
    ],
)
def test_presence_of_one_suspect_is_not_that_of_another(
    prosecute: Prosecute, suspects: list[dict[str, Any]], status: str, presence: str
) -> None:
    # Brazilian Penal Code art. 7(II)(b), (2)(a): a national who entered the territory.
    answer = prosecute(**ACCESS, conduct_in=["FR"], suspects=suspects)["BR"]
    (ground,) = grounds(answer, "active-nationality")
    assert ground["status"] == status
    assert conditions(ground)["presence-in-territory"] == presence


@pytest.mark.parametrize(
    ("suspects", "status", "named"),
    [
        ([person("RU", "AT")], "established", None),
        ([person("AT", "AT")], "excluded", None),
        ([person("AT", "RU"), person("RU", "AT")], "established", [1]),
        ([person("AT", "AT"), person("RU", "RU")], "excluded", [0]),
        ([person("RU", "AT"), person("AT"), person("US", "AT")], "established", [0, 2]),
    ],
)
def test_a_rule_for_foreigners_who_are_present_wants_both_in_one_person(
    prosecute: Prosecute, suspects: list[dict[str, Any]], status: str, named: list[int] | None
) -> None:
    # Austrian Criminal Code s. 65(1) no. 2: a foreigner found there who cannot be extradited.
    answer = prosecute(**ACCESS, conduct_in=["FR"], suspects=suspects, extradition_refused_by=["AT"])["AT"]
    (ground,) = grounds(answer, "representation")
    assert ground["status"] == status
    assert ground.get("suspects") == named


def test_a_ground_that_hangs_on_no_suspect_names_all_of_them(prosecute: Prosecute) -> None:
    suspects = [{"nationality": ["RU"]}, {"nationality": ["DE"]}, {}]
    answer = prosecute(**ACCESS, effects_in=["FR"], suspects=suspects)["FR"]
    assert {tuple(g["suspects"]) for g in grounds(answer, "territoriality-effects")} == {(0, 1, 2)}


def test_one_suspect_needs_no_index(prosecute: Prosecute) -> None:
    answer = prosecute(**ACCESS, effects_in=["FR"], suspects=[{"nationality": ["RU"]}])["FR"]
    assert all("suspects" not in g for g in answer["grounds"])


def test_each_nationality_ties_its_own_suspect(prosecute: Prosecute) -> None:
    suspects = [{"nationality": ["CZ"]}, {"nationality": ["EE"]}, {"nationality": ["CZ", "EE"]}]
    answers = prosecute(**ACCESS, conduct_in=["FR"], suspects=suspects)
    assert {tuple(g["suspects"]) for g in grounds(answers["CZ"], "active-nationality")} == {(0, 2)}
    assert {tuple(g["suspects"]) for g in grounds(answers["EE"], "active-nationality")} == {(1, 2)}


def test_who_is_named_first_decides_only_the_index(prosecute: Prosecute) -> None:
    one, other = person("AT", "RU"), person("RU", "AT")
    facts = {**ACCESS, "conduct_in": ["FR"], "extradition_refused_by": ["AT"]}
    first, second = prosecute(**facts, suspects=[one, other]), prosecute(**facts, suspects=[other, one])
    assert {k: a["status"] for k, a in first.items()} == {k: a["status"] for k, a in second.items()}
    (ground,), (turned,) = grounds(first["AT"], "representation"), grounds(second["AT"], "representation")
    assert (ground["suspects"], turned["suspects"]) == ([1], [0])


def test_a_foreigner_beside_a_national_does_not_spare_the_foreigner(prosecute: Prosecute) -> None:
    # Law 04-09 art. 15 of Algeria speaks of foreigners who strike Algerian interests.
    facts = {**ACCESS, "interests": ["DZ"]}

    def protective(*nationalities: str) -> dict[str, Any]:
        suspects = [{"nationality": [n]} for n in nationalities]
        answer = prosecute(**facts, suspects=suspects)["DZ"]
        found = [g for g in grounds(answer, "protective") if g["basis"]["provision"] == "dz-law-04-09/15"]
        (ground,) = found
        return ground

    assert protective("FR")["status"] == "established"
    assert protective("DZ")["status"] == "excluded"
    both = protective("DZ", "FR")
    assert (both["status"], both["suspects"]) == ("established", [1])


# --- attempt, participation, legal persons: a second crime must be known


@pytest.mark.parametrize(
    ("feature", "needed"),
    [
        ("attempted", "attempt-aiding-abetting"),
        ("aiding-or-abetting", "attempt-aiding-abetting"),
        ("corporate-suspect", "corporate-liability"),
    ],
)
def test_a_feature_names_the_crime_that_it_needs(prosecute: Prosecute, feature: str, needed: str) -> None:
    (plain,) = prosecute(**ACCESS, conduct_in=["FR"])["FR"]["criminalisation"]
    (with_it,) = prosecute(**ACCESS, conduct_in=["FR"], features=[feature])["FR"]["criminalisation"]
    assert "needs" not in plain
    assert with_it["needs"] == [{"offence": needed, "status": "criminalised"}]
    assert with_it["offence"] == "illegal-access"


def test_two_features_need_both_crimes(prosecute: Prosecute) -> None:
    answer = prosecute(**ACCESS, conduct_in=["FR"], features=["attempted", "corporate-suspect"])["FR"]
    assert {n["offence"] for n in answer["criminalisation"][0]["needs"]} == {
        "attempt-aiding-abetting",
        "corporate-liability",
    }
    assert answer["status"] == "established"


@pytest.mark.parametrize(
    ("state", "feature", "needed", "plain", "status"),
    [
        ("FR", "attempted", "criminalised", "established", "established"),
        # Section 202a punishes no attempt; other computer crimes do.
        ("DE", "attempted", "partly", "established", "conditional"),
        ("ET", "attempted", "unknown", "established", "conditional"),
        ("AE", "aiding-or-abetting", "treaty-implied", "established", "conditional"),
        ("FR", "corporate-suspect", "criminalised", "established", "established"),
        ("DE", "corporate-suspect", "partly", "established", "conditional"),
        # No criminal liability of legal persons.
        ("BR", "corporate-suspect", "not-criminalised", "established", "excluded"),
        ("RU", "corporate-suspect", "not-criminalised", "conditional", "excluded"),
    ],
)
def test_the_second_crime_bounds_the_first(
    prosecute: Prosecute, state: str, feature: str, needed: str, plain: str, status: str
) -> None:
    assert prosecute(**ACCESS, conduct_in=[state])[state]["status"] == plain
    answer = prosecute(**ACCESS, conduct_in=[state], features=[feature])[state]
    assert [n["status"] for n in answer["criminalisation"][0]["needs"]] == [needed]
    assert answer["status"] == status


@pytest.mark.parametrize("feature", ["attempted", "aiding-or-abetting", "corporate-suspect"])
def test_a_feature_never_makes_a_crime_of_what_is_none(prosecute: Prosecute, feature: str) -> None:
    answer = prosecute(**ACCESS, conduct_in=["IQ"], features=[feature])["IQ"]
    assert (answer["status"], answer["criminalisation"][0]["status"]) == ("excluded", "not-criminalised")


def test_attempt_asked_as_an_offence_needs_no_second_one(prosecute: Prosecute) -> None:
    answer = prosecute(
        offences=["attempt-aiding-abetting"], conduct_in=["FR"], features=["attempted"], as_of="2020-06-01"
    )["FR"]
    assert answer["status"] == "established"


# --- a legal person by its seat


def test_a_seat_is_a_nationality_only_if_the_rule_reaches_legal_persons(prosecute: Prosecute) -> None:
    # Czech Criminal Code s. 6: nationals, without conditions.
    facts = {**ACCESS, "conduct_in": ["RU"]}
    (natural,) = grounds(prosecute(**facts, suspects=[{"nationality": ["CZ"]}])["CZ"], "active-nationality")
    assert (natural["status"], conditions(natural)) == ("established", {})
    (seat,) = grounds(prosecute(**facts, suspects=[{"established_in": ["CZ"]}])["CZ"], "active-nationality")
    assert (seat["status"], conditions(seat)) == ("conditional", {"legal-person-as-national": "unknown"})


def test_a_seat_elsewhere_adds_nothing(prosecute: Prosecute) -> None:
    answers = prosecute(**ACCESS, conduct_in=["RU"], suspects=[{"nationality": ["CZ"], "established_in": ["EE"]}])
    (ground,) = grounds(answers["CZ"], "active-nationality")
    assert "legal-person-as-national" not in conditions(ground)
    assert all("legal-person-as-national" in conditions(g) for g in grounds(answers["EE"], "active-nationality"))


def test_a_seat_of_a_suspect_is_no_seat_of_a_victim(prosecute: Prosecute) -> None:
    suspect = prosecute(**ACCESS, conduct_in=["RU"], suspects=[{"established_in": ["FR"]}])["FR"]
    victim = prosecute(**ACCESS, conduct_in=["RU"], victims=[{"established_in": ["FR"]}])["FR"]
    assert not grounds(suspect, "passive-personality")
    assert not grounds(suspect, "special-cyber")
    assert grounds(victim, "special-cyber")
    assert not grounds(victim, "active-nationality")


# --- several offences and victims


def test_each_offence_is_decided_and_the_best_makes_the_status(prosecute: Prosecute) -> None:
    # Racist speech is recorded as no crime in the United States.
    facts = {"conduct_in": ["US"], "conduct_date": "2019-06-01", "as_of": "2020-06-01"}
    answer = prosecute(offences=["racist-xenophobic-material", "illegal-access"], **facts)["US"]
    assert {c["offence"]: c["status"] for c in answer["criminalisation"]} == {
        "racist-xenophobic-material": "not-criminalised",
        "illegal-access": "criminalised",
    }
    assert answer["status"] == "established"
    assert {g["offence"] for g in answer["grounds"] if g["status"] == "established"} == {"illegal-access"}
    speech = [g for g in answer["grounds"] if g["offence"] == "racist-xenophobic-material"]
    assert speech
    assert {g["status"] for g in speech} == {"excluded"}
    assert prosecute(offences=["racist-xenophobic-material"], **facts)["US"]["status"] == "excluded"


def test_each_victim_ties_its_own_state(prosecute: Prosecute) -> None:
    victims = [{"nationality": ["FR"]}, {"residence": ["FR"]}, {"established_in": ["CH"]}, {"nationality": ["DE"]}]
    answers = prosecute(**ACCESS, conduct_in=["RU"], victims=victims)
    assert set(answers) == {"RU", "FR", "CH", "DE"}

    def read(state: str) -> set[str]:
        return {g["factor"] for g in answers[state]["grounds"] if g["factor"].startswith("victim")}

    assert read("FR") == {"victim_nationality", "victim_residence"}
    assert read("CH") == {"victim_seat"}
    assert read("DE") == {"victim_nationality"}


@pytest.mark.parametrize(("day", "held"), [("2016-06-04", False), ("2016-06-05", True)])
def test_the_residence_of_a_victim_counts_where_a_rule_says_so(prosecute: Prosecute, day: str, held: bool) -> None:
    # French Penal Code art. 113-2-1, from 5 June 2016.
    facts = {"offences": ["illegal-access"], "conduct_in": ["RU"], "conduct_date": day, "as_of": "2020-06-01"}
    answer = prosecute(**facts, victims=[{"nationality": ["RU"], "residence": ["FR"]}])["FR"]
    assert ("established" in {g["status"] for g in grounds(answer, "special-cyber")}) is held
    assert not grounds(answer, "passive-personality")
    # A nationality alone does not do for that rule.
    other = prosecute(**facts, victims=[{"nationality": ["FR"], "residence": ["RU"]}])["FR"]
    assert not grounds(other, "special-cyber")


# --- what was not given


@pytest.mark.parametrize(
    ("given", "status", "condition"),
    [
        ({}, "conditional", "unknown"),
        ({"extradition_refused_by": ["FR"]}, "conditional", "unknown"),
        ({"extradition_refused_by": ["AT"]}, "established", "met"),
    ],
)
def test_a_refusal_of_extradition_stays_open_until_it_is_stated(
    prosecute: Prosecute, given: dict[str, Any], status: str, condition: str
) -> None:
    suspects = [{"nationality": ["RU"], "present_in": ["AT"]}]
    answer = prosecute(**ACCESS, conduct_in=["FR"], suspects=suspects, **given)["AT"]
    (ground,) = grounds(answer, "representation")
    assert (ground["status"], conditions(ground)["no-extradition"]) == (status, condition)


def test_a_nationality_that_was_not_given_is_neither_own_nor_foreign(prosecute: Prosecute) -> None:
    facts = {**ACCESS, "conduct_in": ["FR"], "extradition_refused_by": ["AT"]}
    (ground,) = grounds(prosecute(**facts, suspects=[{"present_in": ["AT"]}])["AT"], "representation")
    assert (ground["status"], conditions(ground)["foreigner-only"]) == ("conditional", "unknown")


def test_a_place_that_was_not_given_leaves_dual_criminality_open(prosecute: Prosecute) -> None:
    suspects = [{"nationality": ["AT"]}]

    def found(**where: Any) -> tuple[str, str]:
        (ground,) = grounds(prosecute(**ACCESS, **where, suspects=suspects)["AT"], "active-nationality")
        return ground["status"], conditions(ground)["dual-criminality"]

    assert found() == ("conditional", "unknown")
    assert found(conduct_in=["FR"]) == ("established", "met")
    assert found(conduct_in=["IQ"]) == ("excluded", "not-met")


def test_nothing_given_ties_nobody(prosecute: Prosecute) -> None:
    assert prosecute(**ACCESS) == {}
    assert prosecute(**ACCESS, suspects=[{}, {}], victims=[{}]) == {}


def test_a_company_beside_a_national_keeps_its_own_condition(engine: Engine) -> None:
    company = {"established_in": ["FR"]}
    person = {"nationality": ["FR"]}
    facts = {"offences": ["illegal-access"], "conduct_in": ["BR"], "as_of": "2020-01-01"}

    def open_conditions(suspects: list[dict[str, list[str]]]) -> set[str]:
        answer = next(
            a for a in engine.prosecute({**facts, "suspects": suspects})["answers"] if a["jurisdiction"] == "FR"
        )
        nationals = [g for g in answer["grounds"] if g["principle"] == "active-nationality"]
        return {c["code"] for g in nationals for c in g["conditions"] if c["status"] == "unknown"}

    assert "legal-person-as-national" in open_conditions([company])
    assert "legal-person-as-national" not in open_conditions([person])
    beside = engine.prosecute({**facts, "suspects": [person, company]})["answers"]
    france = next(a for a in beside if a["jurisdiction"] == "FR")
    national = [
        g for g in france["grounds"] if g["principle"] == "active-nationality" and g["basis"]["kind"] == "national"
    ]
    assert national
    assert all(g["suspects"] == [0] for g in national)
