"""The Court: what it may try, from which day, through which link, and why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lexgraph.engine import Engine

Answer = dict[str, Any]
Prosecute = Callable[..., dict[str, Answer]]

HUMANITY = {
    "offences": ["crimes-against-humanity"],
    "features": ["widespread-or-systematic"],
    "as_of": "2026-01-01",
}
WAR = {"offences": ["war-crimes"], "features": ["in-armed-conflict"], "as_of": "2026-01-01"}
AGGRESSION = {"offences": ["aggression"], "features": ["leadership-role"], "as_of": "2026-01-01"}


NOBODY_OF_A_PARTY = [{"nationality": ["IN"]}]
"""A suspect without a link, so that no answer rests on a nationality that was not given."""


def court(prosecute: Prosecute, kind: dict[str, Any], **facts: Any) -> Answer:
    return prosecute(**{"suspects": NOBODY_OF_A_PARTY, **kind, **facts})["ICC"]


def reasons(answer: Answer) -> set[str]:
    """Codes of the reasons for which the Court is out of reach."""
    return {g["excluded_by"]["code"] for g in answer["grounds"] if (g["excluded_by"] or {}).get("code")}


def holding(answer: Answer) -> set[tuple[str, str]]:
    """(principle, place) of every ground that is not excluded."""
    return {(g["principle"], g["place"]) for g in answer["grounds"] if g["status"] != "excluded"}


def conditions(answer: Answer) -> dict[str, str]:
    return {c["code"]: c["status"] for g in answer["grounds"] if g["status"] != "excluded" for c in g["conditions"]}


# --- which crimes (art. 5)


@pytest.mark.parametrize("offence", ["genocide", "crimes-against-humanity", "war-crimes", "aggression"])
def test_the_statute_lists_four_crimes(prosecute: Prosecute, offence: str) -> None:
    answer = prosecute(
        offences=[offence],
        conduct_in=["DE"],
        suspects=[{"nationality": ["DE"]}],
        conduct_date="2020-01-01",
        as_of="2026-01-01",
    )["ICC"]
    assert answer["status"] == "conditional"
    assert [c["status"] for c in answer["criminalisation"]] == ["criminalised"]


@pytest.mark.parametrize(
    "offence",
    ["illegal-access", "data-interference", "system-interference", "cyber-terrorism", "money-laundering", "piracy"],
)
def test_no_cybercrime_is_listed_whatever_it_was_done_with(prosecute: Prosecute, offence: str) -> None:
    # The same act in the same party, with a listed crime, is within reach.
    answer = court(prosecute, {**WAR, "offences": [offence]}, conduct_in=["FR"], conduct_date="2022-01-01")
    assert (answer["status"], reasons(answer)) == ("excluded", {"not-listed"})
    assert court(prosecute, WAR, conduct_in=["FR"], conduct_date="2022-01-01")["status"] == "conditional"


def test_each_crime_asked_has_its_own_answer(prosecute: Prosecute) -> None:
    kind = {**WAR, "offences": ["illegal-access", "war-crimes"]}
    answer = court(prosecute, kind, conduct_in=["FR"], conduct_date="2022-01-01")
    found = {(g["offence"], g["status"], (g["excluded_by"] or {}).get("code")) for g in answer["grounds"]}
    assert found == {("war-crimes", "conditional", None), ("illegal-access", "excluded", "not-listed")}


# --- from which day (arts 11, 126)


@pytest.mark.parametrize(
    ("state", "first_day", "day_before"),
    [
        ("DE", "2002-07-01", "2002-06-30"),
        ("CO", "2002-11-01", "2002-10-31"),
        ("ME", "2006-06-03", "2006-06-02"),
        ("JP", "2007-10-01", "2007-09-30"),
        ("CZ", "2009-10-01", "2009-09-30"),
    ],
)
def test_the_statute_reaches_a_party_from_its_own_first_day(
    prosecute: Prosecute, state: str, first_day: str, day_before: str
) -> None:
    within = court(prosecute, HUMANITY, conduct_in=[state], conduct_date=first_day)
    assert (within["status"], holding(within)) == ("conditional", {("court-territory", state)})
    without = court(prosecute, HUMANITY, conduct_in=[state], conduct_date=day_before)
    assert (without["status"], reasons(without)) == ("excluded", {"too-early"})


def test_a_nationality_counts_from_the_same_day(prosecute: Prosecute) -> None:
    facts = {"conduct_in": ["US"], "suspects": [{"nationality": ["JP"]}]}
    within = court(prosecute, HUMANITY, **facts, conduct_date="2007-10-01")
    assert holding(within) == {("court-nationality", "JP")}
    without = court(prosecute, HUMANITY, **facts, conduct_date="2007-09-30")
    assert (without["status"], reasons(without)) == ("excluded", {"too-early"})


@pytest.mark.parametrize(
    ("state", "last_day", "first_day"),
    [("FR", "2008-06-14", "2008-06-15"), ("CO", "2009-10-31", "2009-11-01")],
)
def test_an_opt_out_holds_for_war_crimes_alone_and_for_its_time(
    prosecute: Prosecute, state: str, last_day: str, first_day: str
) -> None:
    # Art. 124: seven years at most, war crimes only.
    assert court(prosecute, WAR, conduct_in=[state], conduct_date=last_day)["status"] == "excluded"
    assert court(prosecute, WAR, conduct_in=[state], conduct_date=first_day)["status"] == "conditional"
    assert court(prosecute, HUMANITY, conduct_in=[state], conduct_date=last_day)["status"] == "conditional"
    assert court(prosecute, WAR, conduct_in=["DE"], conduct_date=last_day)["status"] == "conditional"


def test_an_opt_out_for_nationals_spares_them_abroad_for_war_crimes_only(prosecute: Prosecute) -> None:
    facts = {"conduct_in": ["US"], "suspects": [{"nationality": ["UA"]}], "conduct_date": "2025-06-01"}
    assert court(prosecute, WAR, **facts)["status"] == "excluded"
    assert holding(court(prosecute, HUMANITY, **facts)) == {("court-nationality", "UA")}


def test_an_accession_withdrawn_before_it_took_effect_never_bound(prosecute: Prosecute) -> None:
    # Malaysia: accession of 4 March 2019, withdrawn on 29 April.
    for day in ("2019-04-15", "2019-06-01", "2020-01-01"):
        answer = court(prosecute, HUMANITY, conduct_in=["MY"], conduct_date=day)
        assert (answer["status"], reasons(answer)) == ("excluded", {"no-link"})


# --- withdrawals (art. 127)


@pytest.mark.parametrize(
    ("state", "last_day", "gone"), [("BI", "2017-10-26", "2017-10-27"), ("PH", "2019-03-16", "2019-03-17")]
)
def test_a_withdrawal_ends_the_nationality_link_as_well(
    prosecute: Prosecute, state: str, last_day: str, gone: str
) -> None:
    facts = {"conduct_in": ["US"], "suspects": [{"nationality": [state]}]}
    assert holding(court(prosecute, HUMANITY, **facts, conduct_date=last_day)) == {("court-nationality", state)}
    after = court(prosecute, HUMANITY, **facts, conduct_date=gone)
    assert (after["status"], reasons(after)) == ("excluded", {"too-late"})


@pytest.mark.parametrize(("state", "gone"), [("BI", "2017-10-27"), ("PH", "2019-03-17")])
def test_a_withdrawal_frees_no_national_of_another_party_and_no_other_territory(
    prosecute: Prosecute, state: str, gone: str
) -> None:
    national = court(prosecute, HUMANITY, conduct_in=[state], suspects=[{"nationality": ["DE"]}], conduct_date=gone)
    assert holding(national) == {("court-nationality", "DE")}
    effects = court(prosecute, HUMANITY, conduct_in=[state], effects_in=["JP"], conduct_date=gone)
    assert holding(effects) == {("court-territory", "JP")}


def test_notice_of_withdrawal_takes_a_year(prosecute: Prosecute, engine: Engine) -> None:
    # Hungary gave notice on 2 June 2025.
    kind = {**HUMANITY, "as_of": "2026-11-01"}
    for day, status in (("2025-06-02", "conditional"), ("2026-06-01", "conditional"), ("2026-06-02", "excluded")):
        assert court(prosecute, kind, conduct_in=["HU"], conduct_date=day)["status"] == status
        parties = {p["code"] for p in engine.instrument("rome-statute", day)["parties"]}
        assert ("HU" in parties) is (status == "conditional")


# --- through which link (art. 12)


@pytest.mark.parametrize("field", ["conduct_in", "effects_in", "systems_in"])
def test_conduct_effects_and_systems_in_a_party_are_its_territory(prosecute: Prosecute, field: str) -> None:
    day = {"conduct_date": "2012-01-01"}
    party = court(prosecute, HUMANITY, **day, **{field: ["FR"]}, suspects=[{"nationality": ["US"]}])
    assert (party["status"], holding(party)) == ("conditional", {("court-territory", "FR")})
    none = court(prosecute, HUMANITY, **day, **{field: ["IN"]}, suspects=[{"nationality": ["US"]}])
    assert (none["status"], reasons(none)) == ("excluded", {"no-link"})


@pytest.mark.parametrize(
    "facts",
    [
        {"victims": [{"nationality": ["FR"], "residence": ["FR"], "established_in": ["FR"]}]},
        {"suspects": [{"nationality": ["US"], "residence": ["FR"], "present_in": ["FR"]}]},
        {"interests": ["FR"]},
    ],
    ids=["victims", "residence and presence", "interests"],
)
def test_victims_residence_presence_and_interests_are_no_link(prosecute: Prosecute, facts: dict[str, Any]) -> None:
    asked = {"conduct_in": ["US"], "suspects": [{"nationality": ["US"]}], "conduct_date": "2012-01-01", **facts}
    answer = court(prosecute, HUMANITY, **asked)
    assert (answer["status"], reasons(answer)) == ("excluded", {"no-link"})
    assert holding(court(prosecute, HUMANITY, **asked, effects_in=["FR"])) == {("court-territory", "FR")}


def test_one_suspect_of_a_party_is_enough_and_is_named(prosecute: Prosecute) -> None:
    answer = court(
        prosecute,
        HUMANITY,
        conduct_in=["US"],
        suspects=[{"nationality": ["US"]}, {"nationality": ["DE"]}],
        conduct_date="2012-01-01",
    )
    (ground,) = [g for g in answer["grounds"] if g["status"] != "excluded"]
    assert (ground["principle"], ground["place"], ground["suspects"]) == ("court-nationality", "DE", [1])


# --- declarations under art. 12(3)


@pytest.mark.parametrize(
    ("state", "day", "status"),
    [
        ("UA", "2013-11-20", "excluded"),
        ("UA", "2013-11-21", "conditional"),
        ("UA", "2014-02-22", "conditional"),
        ("UA", "2020-01-01", "conditional"),
        ("UA", "2024-12-31", "conditional"),
        ("CI", "2002-09-18", "excluded"),
        ("CI", "2002-09-19", "conditional"),
        ("CI", "2013-04-30", "conditional"),
        ("PS", "2014-06-12", "excluded"),
        ("PS", "2014-06-13", "conditional"),
        ("PS", "2015-03-31", "conditional"),
        ("AM", "2021-05-09", "excluded"),
        ("AM", "2021-05-10", "conditional"),
        ("UG", "2002-06-30", "excluded"),
        ("UG", "2002-07-01", "conditional"),
    ],
)
def test_a_declaration_reaches_back_to_the_day_that_it_names(
    prosecute: Prosecute, state: str, day: str, status: str
) -> None:
    answer = court(prosecute, HUMANITY, conduct_in=[state], conduct_date=day)
    assert answer["status"] == status
    if status == "conditional":
        assert holding(answer) == {("court-declaration", state)}
    else:
        assert reasons(answer) == {"too-early"}


def test_the_first_window_of_ukraine_closes_and_the_second_stays_open(prosecute: Prosecute) -> None:
    def windows(day: str) -> set[tuple[str, str | None]]:
        answer = court(prosecute, HUMANITY, conduct_in=["UA"], conduct_date=day)
        return {
            (g["basis"]["from"], g["basis"]["until"])
            for g in answer["grounds"]
            if g["principle"] == "court-declaration" and g["status"] == "conditional"
        }

    first, second = ("2013-11-21", "2014-02-23"), ("2014-02-20", None)
    assert windows("2014-02-19") == {first}
    assert windows("2014-02-22") == {first, second}
    assert windows("2014-02-23") == {second}


@pytest.mark.parametrize(("state", "party_from"), [("UA", "2025-01-01"), ("CI", "2013-05-01"), ("PS", "2015-04-01")])
def test_membership_stands_beside_the_declaration_from_its_first_day(
    prosecute: Prosecute, state: str, party_from: str
) -> None:
    answer = court(prosecute, HUMANITY, conduct_in=[state], conduct_date=party_from)
    assert holding(answer) == {("court-declaration", state), ("court-territory", state)}


@pytest.mark.parametrize("state", ["UA", "CI", "PS"])
def test_a_declaration_over_territory_reaches_no_national_abroad(prosecute: Prosecute, state: str) -> None:
    facts = {"conduct_in": ["US"], "suspects": [{"nationality": [state]}], "conduct_date": "2014-07-01"}
    if state == "CI":
        facts["conduct_date"] = "2010-01-01"
    assert court(prosecute, HUMANITY, **facts)["status"] == "excluded"
    assert court(prosecute, HUMANITY, **{**facts, "conduct_in": [state]})["status"] == "conditional"


def test_a_declaration_that_was_not_accepted_opens_nothing(prosecute: Prosecute) -> None:
    # The declaration of January 2009 wanted to reach back to 2002; the Prosecutor did not act on it.
    assert court(prosecute, HUMANITY, conduct_in=["PS"], conduct_date="2009-06-01")["status"] == "excluded"


# --- referrals by the Security Council


@pytest.mark.parametrize(
    ("state", "day", "status"),
    [
        ("SD", "2002-06-30", "excluded"),
        ("SD", "2002-07-01", "conditional"),
        ("LY", "2011-02-14", "excluded"),
        ("LY", "2011-02-15", "conditional"),
        ("SY", "2011-02-15", "excluded"),
        ("EG", "2011-02-15", "excluded"),
    ],
)
def test_a_referral_reaches_a_state_that_is_no_party(
    prosecute: Prosecute, engine: Engine, state: str, day: str, status: str
) -> None:
    assert state not in {p["code"] for p in engine.instrument("rome-statute", day)["parties"]}
    answer = court(prosecute, HUMANITY, conduct_in=[state], conduct_date=day)
    assert answer["status"] == status
    assert holding(answer) == ({("court-referral", state)} if status == "conditional" else set())


def test_a_referral_of_a_territory_reaches_no_national_elsewhere(prosecute: Prosecute) -> None:
    facts = {"conduct_in": ["EG"], "suspects": [{"nationality": ["SD"]}], "conduct_date": "2012-01-01"}
    answer = court(prosecute, HUMANITY, **facts)
    assert (answer["status"], reasons(answer)) == ("excluded", {"no-link"})


# --- aggression (arts 8 bis, 15 bis)


@pytest.mark.parametrize(("day", "status"), [("2018-07-16", "excluded"), ("2018-07-17", "conditional")])
def test_aggression_between_states_that_accepted_it(prosecute: Prosecute, day: str, status: str) -> None:
    facts = {"conduct_in": ["DE"], "effects_in": ["AT"], "suspects": [{"nationality": ["DE"]}], "conduct_date": day}
    answer = court(prosecute, AGGRESSION, **facts)
    assert answer["status"] == status
    assert reasons(answer) == (set() if status == "conditional" else {"too-early"})
    # The other crimes do not wait for the activation.
    assert court(prosecute, HUMANITY, **facts)["status"] == "conditional"


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({"conduct_in": ["RU"], "effects_in": ["GE"], "suspects": [{"nationality": ["RU"]}]}, "Russia"),
        ({"conduct_in": ["DE"], "effects_in": ["US"], "suspects": [{"nationality": ["DE"]}]}, "United States"),
        ({"conduct_in": ["FR"], "effects_in": ["DE"], "suspects": [{"nationality": ["FR"]}]}, "France"),
    ],
    ids=["nationals of no party", "territory of no party", "a party that did not accept"],
)
def test_aggression_is_excluded_where_a_state_concerned_did_not_accept(
    prosecute: Prosecute, facts: dict[str, Any], missing: str
) -> None:
    answer = court(prosecute, AGGRESSION, **facts, conduct_date="2022-01-01")
    assert answer["status"] == "excluded"
    failed = [g["why"] for g in answer["grounds"] if g["excluded_by"] and "accepted the amendments" in g["why"]]
    assert failed
    assert all(missing in why for why in failed)


def test_acceptance_counts_from_its_day_for_the_state_that_accepted(prosecute: Prosecute) -> None:
    # Sweden and Italy: 26 January 2023, one year after the deposit.
    facts = {"conduct_in": ["DE"], "effects_in": ["SE"], "suspects": [{"nationality": ["DE"]}]}
    assert court(prosecute, AGGRESSION, **facts, conduct_date="2023-01-25")["status"] == "excluded"
    assert court(prosecute, AGGRESSION, **facts, conduct_date="2023-01-26")["status"] == "conditional"


def test_aggression_is_a_crime_of_leaders(prosecute: Prosecute) -> None:
    facts = {"effects_in": ["DE"], "suspects": [{"nationality": ["AT"]}], "conduct_date": "2022-01-01"}
    assert conditions(court(prosecute, AGGRESSION, **facts))["leadership-role"] == "met"
    # Not stated is open, never false.
    unstated = court(prosecute, {**AGGRESSION, "features": []}, **facts)
    assert conditions(unstated)["leadership-role"] == "unknown"
    assert unstated["status"] == "conditional"


# --- what facts cannot settle (art. 17)


@pytest.mark.parametrize(
    ("offence", "feature", "own"),
    [
        ("genocide", [], {"genocidal-intent": "unknown"}),
        ("crimes-against-humanity", ["widespread-or-systematic"], {"widespread-or-systematic": "met"}),
        ("crimes-against-humanity", [], {"widespread-or-systematic": "unknown"}),
        ("war-crimes", ["in-armed-conflict"], {"in-armed-conflict": "met"}),
        ("war-crimes", ["widespread-or-systematic"], {"in-armed-conflict": "unknown"}),
    ],
)
def test_complementarity_and_gravity_stay_open(
    prosecute: Prosecute, offence: str, feature: list[str], own: dict[str, str]
) -> None:
    answer = prosecute(
        offences=[offence],
        features=feature,
        conduct_in=["DE"],
        suspects=[{"nationality": ["DE"], "present_in": ["DE"]}],
        judged_in=["DE"],
        conduct_date="2020-01-01",
        as_of="2026-01-01",
    )["ICC"]
    assert answer["status"] == "conditional"
    found = conditions(answer)
    assert {name: found[name] for name in ("complementarity", "gravity", *own)} == {
        "complementarity": "unknown",
        "gravity": "unknown",
        **own,
    }


def test_the_court_is_never_better_than_conditional(prosecute: Prosecute) -> None:
    rank = ["established", "conditional", "treaty-based", "presumed", "unknown", "excluded"]
    for state in ("DE", "UA", "LY", "BI", "US"):
        for kind in (HUMANITY, WAR, AGGRESSION):
            for day in ("2012-01-01", "2016-01-01", "2025-06-01"):
                answer = court(
                    prosecute, kind, conduct_in=[state], suspects=[{"nationality": [state]}], conduct_date=day
                )
                assert all(rank.index(g["status"]) >= 1 for g in answer["grounds"])


def test_the_court_is_no_state_among_those_that_consult(engine: Engine) -> None:
    found = engine.prosecute({**WAR, "conduct_in": ["DE"], "effects_in": ["FR"], "conduct_date": "2022-01-01"})
    assert "ICC" in {a["jurisdiction"] for a in found["answers"]}
    assert "ICC" not in found["concurrence"]["states"]


# --- the obstacle


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ({**WAR, "offences": ["illegal-access"]}, {"conduct_in": ["FR"], "conduct_date": "2022-01-01"}, "(art. 5)"),
        (HUMANITY, {"conduct_in": ["UA"], "conduct_date": "2013-11-20"}, "begins only on 2013-11-21"),
        (HUMANITY, {"conduct_in": ["BI"], "conduct_date": "2017-10-27"}, "ended on 2017-10-27"),
        (
            HUMANITY,
            {"conduct_in": ["US"], "suspects": [{"nationality": ["IN"]}], "conduct_date": "2022-01-01"},
            "neither the territory (United States) nor the nationality of a suspect (India)",
        ),
    ],
    ids=["not-listed", "too-early", "too-late", "no-link"],
)
def test_court_out_of_reach_says_exactly_why(
    engine: Engine, kind: dict[str, Any], facts: dict[str, Any], words: str
) -> None:
    found = engine.prosecute({"suspects": NOBODY_OF_A_PARTY, **kind, **facts})["obstacles"]
    (obstacle,) = [o for o in found if o["code"] == "court-out-of-reach"]
    assert obstacle["states"] == ["ICC"]
    assert words in obstacle["why"]


def test_no_such_obstacle_where_the_court_can_act(engine: Engine) -> None:
    found = engine.prosecute({**HUMANITY, "conduct_in": ["DE"], "conduct_date": "2022-01-01"})
    assert "court-out-of-reach" not in {o["code"] for o in found["obstacles"]}


# --- parts of a state


@pytest.mark.parametrize(
    ("territory", "day_before", "first_day"),
    [("GL", "2004-09-30", "2004-10-01"), ("FO", "2006-09-30", "2006-10-01")],
)
def test_a_part_that_its_state_left_out_comes_with_the_extension(
    prosecute: Prosecute, territory: str, day_before: str, first_day: str
) -> None:
    assert court(prosecute, HUMANITY, conduct_in=["DK"], conduct_date=day_before)["status"] == "conditional"
    before = court(prosecute, HUMANITY, conduct_in=[territory], conduct_date=day_before)
    assert (before["status"], reasons(before)) == ("excluded", {"too-early"})
    assert holding(court(prosecute, HUMANITY, conduct_in=[territory], conduct_date=first_day)) == {
        ("court-territory", territory)
    }
