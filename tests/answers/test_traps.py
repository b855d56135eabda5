"""Traps: what a reader of treaties gets wrong first, and what must not change an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexgraph.engine import Engine

Answer = dict[str, Any]
Prosecute = Callable[..., dict[str, Answer]]
Cooperate = Callable[..., Answer]

GROUND_ORDER = ["established", "conditional", "treaty-based", "presumed", "unknown", "excluded"]


def instruments(answer: Answer, *statuses: str) -> set[str]:
    return {b["instrument"] for b in answer["bases"] if not statuses or b["status"] in statuses}


def codes(found: list[dict[str, Any]]) -> set[str]:
    return {entry["code"] for entry in found}


def party(engine: Engine, instrument: str, state: str, day: str) -> bool:
    return state in {p["code"] for p in engine.instrument(instrument, day)["parties"]}


# --- signed, ratified, in force, denounced


@pytest.mark.parametrize("state", ["ZA", "IE"])
def test_a_signature_does_not_bind(engine: Engine, cooperate: Cooperate, state: str) -> None:
    assert not party(engine, "ets-185", state, "2015-01-01")
    assert "ets-185" not in instruments(cooperate("US", state, "mutual-assistance-general", "2015-01-01"))
    assert "ets-185" not in instruments(cooperate("US", state, "expedited-preservation", "2015-01-01"))


def test_a_bilateral_treaty_that_is_only_signed_is_no_basis(cooperate: Cooperate) -> None:
    # Signed in 2017, never ratified by France.
    answer = cooperate("FR", "HK", "extradition", "2019-06-01")
    assert "bilateral:FR-HK:extradition:2017" not in instruments(answer)


@pytest.mark.parametrize("day", ["2010-03-15", "2010-06-30"])
def test_a_ratification_binds_only_from_its_entry_into_force(engine: Engine, day: str) -> None:
    assert not party(engine, "ets-185", "AZ", day)


@pytest.mark.parametrize("state", ["RS", "JP", "HU"])
def test_an_instrument_that_is_not_in_force_binds_nobody_who_ratified_it(engine: Engine, state: str) -> None:
    # The second protocol wants five ratifications.
    assert not party(engine, "cets-224", state, "2026-03-01")


@pytest.mark.parametrize(
    ("state", "last", "first_free"), [("BI", "2017-10-26", "2017-10-27"), ("PH", "2019-03-16", "2019-03-17")]
)
def test_the_court_keeps_the_conduct_before_a_withdrawal_took_effect(
    engine: Engine, prosecute: Prosecute, state: str, last: str, first_free: str
) -> None:
    facts = {
        "offences": ["crimes-against-humanity"],
        "conduct_in": [state],
        "features": ["widespread-or-systematic"],
        "as_of": "2026-01-01",
    }
    assert party(engine, "rome-statute", state, last)
    assert not party(engine, "rome-statute", state, first_free)
    # The day of the conduct counts, not that of the question (art. 127(2)).
    assert prosecute(**facts, conduct_date=last)["ICC"]["status"] == "conditional"
    after = prosecute(**facts, conduct_date=first_free)["ICC"]
    assert after["status"] == "excluded"
    assert "too-late" in {(g["excluded_by"] or {}).get("code") for g in after["grounds"]}


@pytest.mark.parametrize(("day", "bound"), [("2024-05-18", True), ("2024-05-19", False)])
def test_cooperation_ends_with_the_denunciation_whenever_the_act_was_done(
    engine: Engine, cooperate: Cooperate, day: str, bound: bool
) -> None:
    # For a request it is the day of the request that counts.
    assert party(engine, "minsk-1993", "UA", day) is bound
    answer = cooperate("UA", "KZ", "extradition", day, conduct_date="2015-01-01")
    assert ("minsk-1993" in instruments(answer)) is bound
    assert party(engine, "minsk-1993", "KZ", day)


def test_a_treaty_replaced_by_a_younger_one_ends_with_it(cooperate: Cooperate) -> None:
    before = instruments(cooperate("FR", "US", "extradition", "2002-01-31"))
    after = instruments(cooperate("FR", "US", "extradition", "2002-02-01"))
    assert "bilateral:FR-US:extradition:1909" in before - after
    assert "bilateral:FR-US:extradition:1996" in after - before


# --- reservations, protocols, national law


def test_a_reservation_on_jurisdiction_over_nationals_touches_nothing_else(
    prosecute: Prosecute, cooperate: Cooperate
) -> None:
    facts = {"offences": ["illegal-access"], "conduct_date": "2020-01-01", "as_of": "2020-06-01"}
    abroad = prosecute(**facts, conduct_in=["RU"], suspects=[{"nationality": ["CA"]}])["CA"]
    assert not [g for g in abroad["grounds"] if g["status"] == "treaty-based"]
    home = prosecute(**facts, conduct_in=["CA"])["CA"]
    assert "ets-185" in {g["basis"]["instrument"] for g in home["grounds"] if g["status"] == "treaty-based"}
    assert "ets-185" in instruments(cooperate("FR", "CA", "mutual-assistance-general", "2020-06-01"), "available")
    # Without the reservation the treaty obliges.
    other = prosecute(**facts, conduct_in=["RU"], suspects=[{"nationality": ["DE"]}])["DE"]
    assert [g for g in other["grounds"] if g["basis"]["instrument"] == "ets-185" and g["status"] == "treaty-based"]


def test_a_ground_that_a_reservation_removes_is_shown_as_excluded(prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "conduct_date": "2020-01-01", "as_of": "2020-06-01"}
    answer = prosecute(**facts, conduct_in=["RU"], suspects=[{"nationality": ["CA"]}])["CA"]
    assert answer["status"] == "excluded"
    (ground,) = [g for g in answer["grounds"] if g["basis"]["instrument"] == "ets-185"]
    assert (ground["principle"], ground["status"]) == ("active-nationality", "excluded")
    assert "reserv" in ground["excluded_by"]["why"]


def test_a_protocol_binds_its_parties_only_and_lends_them_the_convention(cooperate: Cooperate) -> None:
    def covered(requesting: str, requested: str, day: str) -> set[str]:
        answer = cooperate(requesting, requested, "extradition", day, offences=["racist-xenophobic-material"])
        return instruments(answer, "available", "conditional", "refusable", "barred")

    # Switzerland and the United States are parties to the convention without the protocol.
    assert not covered("CH", "FR", "2012-11-01") & {"ets-185", "ets-189"}
    assert not covered("FR", "US", "2012-11-01") & {"ets-185", "ets-189"}
    assert "ets-189" in covered("UA", "FR", "2012-11-01")
    # Germany: from 2011-10-01.
    assert "ets-189" not in covered("DE", "FR", "2011-09-30")
    assert "ets-189" in covered("DE", "FR", "2011-10-01")


@pytest.mark.parametrize(
    ("state", "day", "status", "criminal"),
    [
        ("HR", "2004-06-30", "presumed", "unknown"),
        ("HR", "2004-07-01", "treaty-based", "treaty-implied"),
        ("HR", "2004-09-30", "treaty-based", "treaty-implied"),
        ("HR", "2004-10-01", "established", "criminalised"),
        ("LT", "2004-07-26", "treaty-based", "treaty-implied"),
        # Its article asks for a breach of security, an element that the convention allows (art. 2).
        ("LT", "2004-07-27", "established", "criminalised"),
    ],
)
def test_national_law_later_than_the_treaty(
    prosecute: Prosecute, state: str, day: str, status: str, criminal: str
) -> None:
    answer = prosecute(offences=["illegal-access"], conduct_in=[state], conduct_date=day, as_of="2010-01-01")[state]
    assert answer["status"] == status
    assert [c["status"] for c in answer["criminalisation"]] == [criminal]


# --- no data is not "no"


def test_a_state_without_records_is_unknown_not_excluded(prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "conduct_date": "2010-01-01", "as_of": "2010-06-01"}
    answers = prosecute(**facts, effects_in=["TV"], suspects=[{"nationality": ["SO"]}])
    assert answers["SO"]["status"] == "unknown"
    assert [c["status"] for c in answers["SO"]["criminalisation"]] == ["unknown"]
    # Territory: custom speaks where no law is recorded.
    assert answers["TV"]["status"] == "presumed"


def test_no_record_of_a_treaty_is_unknown_and_a_recorded_absence_is_no_basis(cooperate: Cooperate) -> None:
    # The list of treaties of the United States was read in June 2013; their law requires a treaty.
    assert cooperate("AF", "US", "extradition", "2013-06-01")["status"] == "no-basis"
    assert cooperate("AF", "US", "extradition", "2016-01-01")["status"] == "unknown"
    nothing = cooperate("KI", "SO", "extradition", "2013-06-01")
    assert nothing["status"] == "unknown"
    assert nothing["certainty"] is None


def test_a_fact_not_given_is_unknown_and_never_false(prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "interests": ["DZ"], "conduct_date": "2010-03-01", "as_of": "2010-06-01"}
    # Nobody said who did it: that he is a foreigner stays open.
    assert prosecute(**facts)["DZ"]["status"] == "conditional"


# --- nationals


def test_russia_keeps_its_nationals_and_is_to_try_them_at_home(cooperate: Cooperate) -> None:
    answer = cooperate("FR", "RU", "extradition", "2008-06-01", person={"nationality": ["RU"]})
    assert answer["status"] == "barred"
    assert answer["fallback"]["code"] == "extradite-or-prosecute"
    assert answer["fallback"]["basis"]["provision"] == "ets-024/6/2"


def test_a_second_nationality_of_the_requested_state_is_enough(cooperate: Cooperate) -> None:
    answer = cooperate("FR", "RU", "extradition", "2008-06-01", person={"nationality": ["IL", "RU"]})
    assert answer["status"] == "barred"


def test_a_bar_on_nationals_stops_no_assistance(cooperate: Cooperate) -> None:
    answer = cooperate("FR", "RU", "mutual-assistance-general", "2008-06-01", person={"nationality": ["RU"]})
    assert answer["status"] == "available"
    assert "ets-030" in instruments(answer, "available")
    assert answer["bars"] == []


# --- memberships and unions


@pytest.mark.parametrize(
    ("day", "here", "gone"),
    [("2020-12-31", "eu-fd-2002-584", "eu-uk-tca"), ("2021-01-01", "eu-uk-tca", "eu-fd-2002-584")],
)
@pytest.mark.parametrize(("requesting", "requested"), [("FR", "GB"), ("GB", "FR")])
def test_the_warrant_ends_for_the_united_kingdom_with_the_transition(
    engine: Engine, cooperate: Cooperate, requesting: str, requested: str, day: str, here: str, gone: str
) -> None:
    answer = cooperate(requesting, requested, "extradition", day)
    assert answer["status"] == "available"
    assert here in instruments(answer, "available")
    assert gone not in instruments(answer)
    assert {b["status"] for b in answer["bases"] if b["instrument"] == "ets-024"} == {"superseded"}
    assert party(engine, "eu-directive-2013-40", "GB", day) is (day == "2020-12-31")


def test_the_agreement_with_the_union_binds_no_two_members_to_each_other(cooperate: Cooperate) -> None:
    assert "eu-uk-tca" not in instruments(cooperate("FR", "DE", "extradition", "2022-01-01"))


@pytest.mark.parametrize(("day", "member"), [("2013-06-30", False), ("2013-07-01", True)])
def test_a_treaty_of_the_union_expands_over_the_members_of_the_day(
    cooperate: Cooperate, day: str, member: bool
) -> None:
    for asking, treaty in (("JP", "bilateral:EU-JP:mla:2009"), ("US", "bilateral:EU-US:mla:2003")):
        assert (treaty in instruments(cooperate(asking, "HR", "mutual-assistance-general", day))) is member
        assert treaty in instruments(cooperate(asking, "AT", "mutual-assistance-general", day))


@pytest.mark.parametrize(("day", "member"), [("2020-01-31", True), ("2021-01-01", False)])
def test_a_treaty_of_the_union_leaves_a_member_that_left(cooperate: Cooperate, day: str, member: bool) -> None:
    answer = cooperate("JP", "GB", "mutual-assistance-general", day)
    assert ("bilateral:EU-JP:mla:2009" in instruments(answer)) is member


@pytest.mark.parametrize(("day", "warrant"), [("2003-06-01", False), ("2010-06-01", True)])
@pytest.mark.parametrize(("requesting", "requested"), [("DE", "FR"), ("FR", "DE")])
def test_union_law_takes_the_place_of_the_convention_between_members(
    cooperate: Cooperate, requesting: str, requested: str, day: str, warrant: bool
) -> None:
    # German law of 2003 covered access in part only; damage to data is a crime in both, then and later.
    answer = cooperate(requesting, requested, "extradition", day, offences=["data-interference"])
    assert answer["status"] == "available"
    assert ("eu-fd-2002-584" in instruments(answer, "available")) is warrant
    convention = [b for b in answer["bases"] if b["instrument"] == "ets-024"]
    assert {b["status"] for b in convention} == {"superseded" if warrant else "available"}
    # With a state outside the Union the convention stays.
    outside = cooperate("CH", requested, "extradition", day, offences=["data-interference"])
    assert "ets-024" in instruments(outside, "available")
    assert "eu-fd-2002-584" not in instruments(outside)


# --- suspension


@pytest.mark.parametrize(("day", "suspended"), [("2020-08-18", False), ("2020-08-19", True)])
def test_a_suspended_treaty_is_no_basis_and_says_so(cooperate: Cooperate, day: str, suspended: bool) -> None:
    answer = cooperate("US", "HK", "extradition", day, offences=["data-interference"])
    assert ("bilateral:HK-US:extradition:1996" in instruments(answer)) is not suspended
    assert ("relations-suspended" in codes(answer["obstacles"])) is suspended
    assert (answer["status"] == "available") is not suspended


def test_a_suspension_towards_one_state_leaves_the_others(cooperate: Cooperate) -> None:
    answer = cooperate("US", "SG", "extradition", "2021-01-01", offences=["data-interference"])
    assert "relations-suspended" not in codes(answer["obstacles"])


# --- what must not change an answer

STATES = ["FR", "DE", "DZ", "US", "RU", "GB", "CA", "TV", "JP", "BR"]
OFFENCES = ["illegal-access", "data-interference", "computer-related-fraud", "racist-xenophobic-material"]
several = st.lists(st.sampled_from(STATES), unique=True, max_size=3)
FACTS = st.fixed_dictionaries(
    {
        "offences": st.lists(st.sampled_from(OFFENCES), unique=True, min_size=1, max_size=3),
        "conduct_date": st.sampled_from(["1999-01-01", "2004-07-01", "2010-03-01", "2021-01-01"]),
        "conduct_in": several,
        "effects_in": several,
        "systems_in": several,
        "interests": several,
        "judged_in": several,
        "features": st.lists(st.sampled_from(["organised-group", "state-directed", "in-armed-conflict"]), unique=True),
        "suspects": st.lists(
            st.fixed_dictionaries({"nationality": several, "present_in": several}), min_size=0, max_size=2
        ),
        "victims": st.lists(st.fixed_dictionaries({"nationality": several}), min_size=0, max_size=2),
    }
)


def turned(value: Any) -> Any:
    """The same facts with every list the other way round."""
    if isinstance(value, list):
        return [turned(v) for v in reversed(value)]
    return {k: turned(v) for k, v in value.items()} if isinstance(value, dict) else value


def content(value: Any) -> Any:
    """An answer without the order of its lists."""
    if isinstance(value, list):
        return sorted((content(v) for v in value), key=repr)
    return {k: content(v) for k, v in value.items()} if isinstance(value, dict) else value


def said(answer: Answer) -> Any:
    """What an answer decides, free of the order in which facts are told in sentences."""
    grounds = [
        (
            *(g["principle"], g["factor"], g["place"], g["offence"], g["status"], g["certainty"]),
            *(g["basis"]["citation"], *sorted((c["code"], c["status"]) for c in g["conditions"])),
        )
        for g in answer["grounds"]
    ]
    crimes = sorted((c["offence"], c["status"]) for c in answer["criminalisation"])
    return answer["status"], answer["certainty"], crimes, sorted(grounds, key=repr)


@settings(max_examples=15)
@given(facts=FACTS)
def test_the_order_of_facts_does_not_matter(engine: Engine, facts: dict[str, Any]) -> None:
    one = engine.prosecute({**facts, "as_of": "2022-01-01"})
    other = engine.prosecute({**turned(facts), "as_of": "2022-01-01"})
    assert {a["jurisdiction"]: said(a) for a in one["answers"]} == {
        a["jurisdiction"]: said(a) for a in other["answers"]
    }
    assert content(one["concurrence"]) == content(other["concurrence"])
    assert sorted((o["code"], sorted(o["states"])) for o in one["obstacles"]) == sorted(
        (o["code"], sorted(o["states"])) for o in other["obstacles"]
    )


@settings(max_examples=15)
@given(
    facts=FACTS, where=st.sampled_from(["effects_in", "systems_in"]), state=st.sampled_from(["SO", "NZ", "AT", "PH"])
)
def test_a_tie_to_one_more_state_never_worsens_another(
    engine: Engine, facts: dict[str, Any], where: str, state: str
) -> None:
    before = {a["jurisdiction"]: a["status"] for a in engine.prosecute({**facts, "as_of": "2022-01-01"})["answers"]}
    more = {**facts, where: [*facts[where], state], "as_of": "2022-01-01"}
    after = {a["jurisdiction"]: a["status"] for a in engine.prosecute(more)["answers"]}
    assert set(before) <= set(after)
    worse = {o for o, s in before.items() if GROUND_ORDER.index(after[o]) > GROUND_ORDER.index(s)}
    assert worse == set()


@settings(max_examples=15)
@given(facts=FACTS, offence=st.sampled_from(OFFENCES))
def test_one_more_offence_never_worsens_a_state(engine: Engine, facts: dict[str, Any], offence: str) -> None:
    before = {a["jurisdiction"]: a["status"] for a in engine.prosecute({**facts, "as_of": "2022-01-01"})["answers"]}
    more = {**facts, "offences": [*facts["offences"], offence], "as_of": "2022-01-01"}
    after = {a["jurisdiction"]: a["status"] for a in engine.prosecute(more)["answers"]}
    assert not {o for o, s in before.items() if GROUND_ORDER.index(after[o]) > GROUND_ORDER.index(s)}


@settings(max_examples=10)
@given(facts=FACTS, later=st.sampled_from(["2022-06-01", "2026-11-21"]))
def test_the_day_of_the_question_decides_no_jurisdiction(engine: Engine, facts: dict[str, Any], later: str) -> None:
    one = engine.prosecute({**facts, "as_of": "2021-12-31"})["answers"]
    other = engine.prosecute({**facts, "as_of": later})["answers"]
    assert one == other


REQUESTS = st.fixed_dictionaries(
    {
        "requesting": st.sampled_from(STATES),
        "requested": st.lists(st.sampled_from(STATES), unique=True, min_size=2, max_size=4),
        "offences": st.lists(st.sampled_from(OFFENCES), unique=True, min_size=1, max_size=2),
        "measures": st.just(["extradition", "mutual-assistance-general", "expedited-preservation"]),
        "as_of": st.sampled_from(["2000-11-10", "2008-06-01", "2021-06-01"]),
        "person": st.fixed_dictionaries({"nationality": several}),
        "pleas": st.lists(st.sampled_from(["health", "political-offence"]), unique=True),
        "conduct_in": several,
        "proceedings_in": several,
    }
)


@settings(max_examples=12)
@given(question=REQUESTS)
def test_asking_more_states_gives_each_the_answer_that_it_has_alone(engine: Engine, question: dict[str, Any]) -> None:
    together = engine.cooperate(question)["answers"]
    alone = [
        answer
        for state in question["requested"]
        if state != question["requesting"]
        for answer in engine.cooperate({**question, "requested": [state]})["answers"]
    ]
    assert together == alone


@settings(max_examples=12)
@given(question=REQUESTS)
def test_asking_in_another_order_gives_the_same_answers(engine: Engine, question: dict[str, Any]) -> None:
    def decided(asked: dict[str, Any]) -> dict[Any, Any]:
        return {
            (a["requesting"], a["requested"], a["measure"]): (
                a["status"],
                a["certainty"],
                sorted((b["instrument"], b["provision"] or "", b["status"]) for b in a["bases"]),
                sorted(codes(a["bars"])),
                sorted(codes(a["obstacles"])),
            )
            for a in engine.cooperate(asked)["answers"]
        }

    assert decided(question) == decided({**turned(question), "requesting": question["requesting"]})
