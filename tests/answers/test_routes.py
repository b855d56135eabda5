"""What would open a measure, and from where nothing binds: routes and havens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lexgraph.codes import InputError
from lexgraph.decisions import load
from lexgraph.engine import Engine
from lexgraph.settings import ONTOLOGY

Answer = dict[str, Any]
Cooperate = Callable[..., Answer]
Prosecute = Callable[..., dict[str, Answer]]
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def routes(engine: Engine) -> Ask:
    # Third states take seconds: a question that several tests ask is asked once.
    asked: dict[str, Answer] = {}

    def ask(requesting: str, requested: str, as_of: str = "2020-06-01", **more: Any) -> Answer:
        more.setdefault("offences", ["illegal-access"])
        question = {"requesting": requesting, "requested": requested, "as_of": as_of, **more}
        key = json.dumps(question, sort_keys=True)
        if key not in asked:
            asked[key] = engine.routes(question)
        return asked[key]

    return ask


@pytest.fixture(scope="module")
def havens(engine: Engine) -> Ask:
    def ask(offence: str, conduct_date: str, as_of: str = "2026-11-01", **more: Any) -> Answer:
        return engine.havens({"offences": [offence], "conduct_date": conduct_date, "as_of": as_of, **more})

    return ask


def codes(answer: Answer) -> set[str]:
    return {r["code"] for r in answer["routes"]}


def one(answer: Answer, code: str) -> dict[str, Any]:
    (found,) = [r for r in answer["routes"] if r["code"] == code]
    return dict(found)


def said(answer: Answer, code: str) -> set[str]:
    """Legal orders named for a reason."""
    return {a["jurisdiction"] for a in answer["answers"] if a["code"] == code}


OPENING = {
    *("join-instrument", "join-if-invited", "join-with-parent"),
    *("reciprocity", "reciprocity-on-conditions", "conclude-treaty", "ask-own-law"),
}


# --- routes


def test_the_status_is_that_of_the_measure_itself(routes: Ask, cooperate: Cooperate) -> None:
    for a, b in (("US", "RU"), ("FR", "DE"), ("KI", "SO"), ("CN", "HK")):
        found, answer = routes(a, b), cooperate(a, b, "extradition", "2020-06-01")
        assert (found["status"], found["why"]) == (answer["status"], answer["why"])
        assert found["obstacles"] == answer["obstacles"]


@pytest.mark.parametrize(("requesting", "requested"), [("US", "RU"), ("FR", "RU"), ("US", "CN"), ("DZ", "RU")])
def test_a_bar_on_nationals_is_opened_by_no_treaty(routes: Ask, requesting: str, requested: str) -> None:
    free = routes(requesting, requested)
    national = routes(requesting, requested, person={"nationality": [requested]})
    assert national["status"] == "barred"
    assert codes(free) & OPENING
    assert not codes(national) & OPENING


def test_every_route_that_a_bar_closes_is_closed_in_the_table(engine: Engine) -> None:
    decisions = load(engine.store, ONTOLOGY)
    opening = [
        {"route": "join", "joinable": joinable, "member": "yes"}
        for joinable in ("any-state", "by-invitation", "members", "parties-of-parent")
    ] + [{"route": "own-law", "required": required} for required in ("no", "yes", "")]
    for facts in opening:
        assert decisions.all("routes", {**facts, "bar": "no"}), facts
        assert not decisions.all("routes", {**facts, "bar": "yes"}), facts
    for route in ("fallback", "third-state", "police"):
        assert decisions.all("routes", {"route": route, "bar": "yes"})


def test_an_instrument_for_members_is_no_route_for_others(engine: Engine) -> None:
    decisions = load(engine.store, ONTOLOGY)
    facts = {"route": "join", "joinable": "members", "bar": "no"}
    assert [r.then for r in decisions.all("routes", {**facts, "member": "yes"})] == ["join-instrument"]
    assert not decisions.all("routes", {**facts, "member": "no"})


def test_no_instrument_is_offered_that_binds_already(routes: Ask, engine: Engine) -> None:
    for a, b in (("DZ", "US"), ("FR", "DE"), ("JO", "PS"), ("BR", "CN")):
        for route in routes(a, b)["routes"]:
            if route["code"].startswith("join"):
                parties = {p["code"] for p in engine.instrument(route["instrument"], "2020-06-01")["parties"]}
                assert b in parties
                assert a not in parties


@pytest.mark.parametrize(
    ("requesting", "requested", "provision"),
    [("FR", "RU", "ets-024/6/2"), ("US", "RU", "ru-criminal-procedure-code/459")],
)
def test_a_national_is_tried_at_home_by_the_text_that_says_so(
    routes: Ask, requesting: str, requested: str, provision: str
) -> None:
    national = routes(requesting, requested, person={"nationality": [requested]})
    assert one(national, "prosecution-there")["basis"]["provision"] == provision
    assert "prosecution-there" not in codes(routes(requesting, requested))
    assert "prosecution-there" not in codes(routes(requesting, requested, person={"nationality": ["IL"]}))


@pytest.mark.parametrize(
    ("requesting", "requested", "route"),
    [
        # US law wants a treaty; Russian and Chinese law ask for reciprocity; nothing is recorded of Aruban law.
        ("DZ", "US", "conclude-treaty"),
        ("US", "RU", "reciprocity"),
        ("US", "CN", "reciprocity"),
        ("KI", "AW", "ask-own-law"),
        ("CN", "HK", "conclude-treaty"),
    ],
)
def test_the_law_of_the_requested_state_says_whether_a_treaty_is_needed(
    routes: Ask, requesting: str, requested: str, route: str
) -> None:
    found = routes(requesting, requested)
    own_law = {"reciprocity", "reciprocity-on-conditions", "conclude-treaty", "ask-own-law"}
    assert codes(found) & own_law == {route}
    assert bool(one(found, route).get("basis")) is (route != "ask-own-law")


def parties(engine: Engine, instrument: str, day: str) -> set[str]:
    return {p["code"] for p in engine.instrument(instrument, day)["parties"]}


@pytest.mark.parametrize(("requesting", "requested"), [("US", "RU"), ("DZ", "JP")])
def test_third_states_are_bound_on_the_day(routes: Ask, engine: Engine, requesting: str, requested: str) -> None:
    states = one(routes(requesting, requested), "third-state")["states"]
    assert not {requesting, requested} & {s["code"] for s in states}
    seen: dict[str, set[str]] = {}
    for state in states:
        assert state["instruments"]
        for name in state["instruments"]:
            if name not in seen:
                seen[name] = parties(engine, name, "2020-06-01")
            assert {state["code"], requesting} <= seen[name], (state["code"], name)


@pytest.mark.parametrize(
    ("requesting", "third", "instrument", "last_day", "gone"),
    [
        ("US", "HK", "bilateral:HK-US:extradition:1996", "2020-08-18", "2020-08-19"),
        ("FR", "GB", "eu-fd-2002-584", "2020-12-31", "2021-01-01"),
        ("KZ", "UA", "minsk-1993", "2024-05-18", "2024-05-19"),
    ],
)
def test_a_third_state_is_named_for_a_treaty_only_while_it_applies(
    routes: Ask, requesting: str, third: str, instrument: str, last_day: str, gone: str
) -> None:
    def bound(day: str) -> list[str]:
        states = one(routes(requesting, "SO", day), "third-state")["states"]
        return next((s["instruments"] for s in states if s["code"] == third), [])

    assert instrument in bound(last_day)
    assert instrument not in bound(gone)


def test_a_third_state_is_a_route_for_persons_alone(routes: Ask) -> None:
    assert "third-state" in codes(routes("US", "RU"))
    assert "third-state" not in codes(routes("US", "RU", measure="expedited-preservation"))
    assert "third-state" not in codes(routes("US", "RU", measure="mutual-assistance-general"))


def test_police_channels_are_shown_as_no_surrender(routes: Ask) -> None:
    channel = one(routes("US", "RU"), "police-channel")
    assert "interpol" in {c["organisation"] for c in channel["channels"]}
    assert "no surrender" in channel["why"]
    # No channel with Kosovo is recorded.
    assert "police-channel" not in codes(routes("RS", "XK"))


@pytest.mark.parametrize(("requesting", "requested", "there"), [("DZ", "JP", False), ("FR", "RU", True)])
def test_a_transfer_needs_a_basis_of_its_own(
    routes: Ask, cooperate: Cooperate, requesting: str, requested: str, there: bool
) -> None:
    found = routes(requesting, requested)
    assert ("transfer-of-proceedings" in codes(found)) is there
    status = cooperate(requesting, requested, "transfer-of-proceedings", "2020-06-01")["status"]
    assert (status in {"available", "conditional", "refusable", "reciprocity"}) is there


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"requesting": "XX", "requested": "US"}, "requesting"),
        ({"requesting": "US", "requested": "Atlantis"}, "requested"),
        ({"requesting": "US", "requested": "US"}, "requested"),
        ({"requesting": "US", "requested": "FR", "measure": "teleportation"}, "measure"),
        ({"requesting": "US", "requested": "FR", "as_of": "2020-13-01"}, "as_of"),
        ({"requesting": "US", "requested": "FR", "offences": ["witchcraft"]}, "offences"),
        ({"requesting": "US", "requested": "FR", "as_of": "2020-01-01", "conduct_date": "2020-01-02"}, "conduct_date"),
        ({"requesting": "US"}, "requested"),
        ({"requesting": "US", "requested": "FR", "mesure": "extradition"}, "mesure"),
        ({"requesting": ["US", "DE"], "requested": "FR"}, "requesting"),
    ],
)
def test_routes_refuse_what_cannot_be_read_by_field(engine: Engine, question: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        engine.routes(question)
    assert caught.value.field == field


# --- havens: no crime


@pytest.mark.parametrize(
    ("state", "last_day", "first_day"),
    [
        # Republic Act 8792 of the Philippines; Law 04-15 of Algeria; art. 550bis of Belgium; Lei 12.737 of Brazil.
        ("PH", "2000-06-13", "2000-06-14"),
        ("DZ", "2004-11-09", "2004-11-10"),
        ("BE", "2001-02-12", "2001-02-13"),
        ("BR", "2013-04-01", "2013-04-02"),
        ("ZA", "2002-08-29", "2002-08-30"),
    ],
)
def test_a_haven_ends_the_day_a_provision_enters_into_force(
    havens: Ask, prosecute: Prosecute, state: str, last_day: str, first_day: str
) -> None:
    before, after = havens("illegal-access", last_day), havens("illegal-access", first_day)
    assert state in said(before, "no-crime")
    assert state not in said(after, "no-crime")
    # One day moves one state only.
    assert said(before, "no-crime") - said(after, "no-crime") == {state}
    facts = {"offences": ["illegal-access"], "conduct_in": [state], "as_of": "2026-11-01"}
    assert prosecute(**facts, conduct_date=last_day)[state]["status"] == "excluded"
    assert prosecute(**facts, conduct_date=first_day)[state]["status"] != "excluded"


@pytest.mark.parametrize("day", ["2000-05-04", "2010-01-01", "2026-01-01"])
@pytest.mark.parametrize("offence", ["illegal-access", "denial-of-genocide"])
def test_every_haven_has_a_record_that_says_so_on_the_day(
    havens: Ask, prosecute: Prosecute, engine: Engine, offence: str, day: str
) -> None:
    found = [a for a in havens(offence, day)["answers"] if a["code"] == "no-crime"]
    assert found
    asked = {"offences": [offence], "conduct_in": [a["jurisdiction"] for a in found], "conduct_date": day}
    answers = prosecute(**asked, as_of="2026-11-01")
    for haven in found:
        assert haven["derived_from"]
        assert haven["provisions"]
        assert haven["certainty"]
        assert all(engine.store.describe([r])[r] for r in haven["derived_from"])
        (crime,) = answers[haven["jurisdiction"]]["criminalisation"]
        assert (crime["status"], crime["derived_from"]) == ("not-criminalised", haven["derived_from"])
        assert haven["offence"] == offence


def test_no_crime_is_said_of_the_offence_asked_alone(havens: Ask) -> None:
    # Speech that European law punishes is protected in the United States; access to a computer is not.
    assert "US" in said(havens("racist-xenophobic-material", "2020-01-01"), "no-crime")
    assert "US" not in said(havens("illegal-access", "2020-01-01"), "no-crime")


def test_a_state_without_records_is_no_haven(havens: Ask, prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "conduct_in": ["AW"], "conduct_date": "2020-01-01"}
    answer = prosecute(**facts, as_of="2026-11-01")["AW"]
    assert [c["status"] for c in answer["criminalisation"]] == ["unknown"]
    assert "AW" not in said(havens("illegal-access", "2020-01-01"), "no-crime")


def test_several_offences_are_answered_each(engine: Engine, havens: Ask) -> None:
    offences = ["illegal-access", "racist-xenophobic-material"]
    both = engine.havens({"offences": offences, "conduct_date": "2020-01-01", "as_of": "2026-11-01"})["answers"]
    for offence in offences:
        alone = said(havens(offence, "2020-01-01"), "no-crime")
        assert {a["jurisdiction"] for a in both if a["offence"] == offence} == alone


# --- havens: nothing binds


def test_nothing_recorded_is_not_that_nothing_binds(havens: Ask, cooperate: Cooperate) -> None:
    # A surrender arrangement between Hong Kong and the mainland is documented not to exist; of Aruba nothing is known.
    found = havens("illegal-access", "2013-06-01", "2013-06-01", requesting="CN")
    assert "HK" in said(found, "nothing-binds")
    assert "HK" not in said(found, "nothing-recorded")
    assert "AW" in said(found, "nothing-recorded")
    assert "AW" not in said(found, "nothing-binds")
    assert cooperate("CN", "HK", "extradition", "2013-06-01")["status"] == "no-basis"
    assert cooperate("CN", "AW", "extradition", "2013-06-01")["status"] == "unknown"
    by_order = {a["jurisdiction"]: a for a in found["answers"] if a["code"] in {"nothing-binds", "nothing-recorded"}}
    assert by_order["HK"]["derived_from"]
    assert by_order["HK"]["certainty"]
    assert not by_order["AW"]["derived_from"]
    assert by_order["AW"]["certainty"] is None
    assert "not known, not excluded" in by_order["AW"]["why"]


def test_reasons_about_a_treaty_exclude_each_other(havens: Ask) -> None:
    treaty = ["nothing-binds", "own-law-only", "no-treaty", "own-law-only-recorded", "nothing-recorded"]
    for requesting, day in (("US", "2003-01-01"), ("CN", "2003-01-01"), ("JP", "2013-06-01")):
        found = havens("illegal-access", day, day, requesting=requesting)
        named = [a["jurisdiction"] for a in found["answers"] if a["code"] in treaty]
        assert len(named) == len(set(named))
        assert requesting not in named
        assert all(a["offence"] is None for a in found["answers"] if a["code"] in treaty)
        # What is documented names its record, what is not names none.
        for answer in found["answers"]:
            if answer["code"] in {"nothing-binds", "own-law-only", "no-treaty"}:
                assert answer["derived_from"], answer
            elif answer["code"] in {"own-law-only-recorded", "nothing-recorded"}:
                assert not answer["derived_from"], answer


@pytest.mark.parametrize(("day", "bound"), [("1996-01-01", False), ("2008-06-01", True)])
def test_a_treaty_between_the_two_takes_an_order_off_the_list(havens: Ask, day: str, bound: bool) -> None:
    # Switzerland and the United States have had one since 1900; Korea only since 1999.
    found = havens("illegal-access", day, day, requesting="US")
    listed = {a["jurisdiction"] for a in found["answers"] if a["code"] != "no-crime"}
    assert "CH" not in listed
    assert ("KR" not in listed) is bound


def test_without_a_requesting_state_only_the_law_is_looked_at(havens: Ask) -> None:
    found = havens("illegal-access", "2020-01-01")
    assert {a["code"] for a in found["answers"]} == {"no-crime"}
    assert found["question"]["requesting"] is None


def test_neither_court_nor_union_is_a_haven(havens: Ask) -> None:
    found = havens("illegal-access", "1999-01-01", "1999-01-01", requesting="TW")
    named = {a["jurisdiction"] for a in found["answers"]}
    assert len(named) > 100
    assert not named & {"ICC", "EU", "TW"}


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({}, "offences"),
        ({"offences": []}, "offences"),
        ({"offences": ["witchcraft"]}, "offences"),
        ({"offences": ["illegal-access"], "requesting": "Atlantis"}, "requesting"),
        ({"offences": ["illegal-access"], "as_of": "yesterday"}, "as_of"),
        ({"offences": ["illegal-access"], "as_of": "2000-01-01", "conduct_date": "2001-01-01"}, "conduct_date"),
        ({"offences": ["illegal-access"], "requested": "US"}, "requested"),
    ],
)
def test_havens_refuse_what_cannot_be_read_by_field(engine: Engine, question: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        engine.havens(question)
    assert caught.value.field == field
