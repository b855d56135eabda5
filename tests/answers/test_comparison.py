"""Several states for one person or one act: the factors that a text names, side by side, with no weight of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lexgraph.codes import InputError
from lexgraph.engine import Engine

Answer = dict[str, Any]
Compare = Callable[..., Answer]


@pytest.fixture(scope="module")
def requests(engine: Engine) -> Compare:
    """Concurrent requests for one person on one day."""

    def ask(requesting: list[str], requested: str | list[str], as_of: str = "2018-01-01", **facts: Any) -> Answer:
        facts.setdefault("offences", ["illegal-access"])
        question = {"requesting": requesting, "requested": requested, "measures": ["extradition"], "as_of": as_of}
        return engine.cooperate({**question, **facts})

    return ask


@pytest.fixture(scope="module")
def claims(engine: Engine) -> Compare:
    """Several states that could prosecute one act."""

    def ask(as_of: str = "2022-01-01", **facts: Any) -> Answer:
        facts.setdefault("offences", ["illegal-access"])
        return engine.prosecute({**facts, "as_of": as_of})

    return ask


def texts(answer: Answer) -> dict[str, dict[str, Any]]:
    return {t["instrument"]: t for t in answer["concurrence"]["comparison"]}


def factors(text: dict[str, Any]) -> dict[str, tuple[str, set[str]]]:
    return {f["code"]: (f["status"], set(f["states"])) for f in text["factors"]}


# --- requests at the same time: ETS 24 art. 17


def test_article_17_names_five_factors_and_ranks_none(requests: Compare) -> None:
    text = texts(requests(["RU", "TR"], "CZ"))["ets-024"]
    assert set(factors(text)) == {
        *("seriousness", "place-of-offence", "date-of-request", "nationality-of-person", "onward-surrender"),
    }
    assert text["ranked"] is False
    assert {f["rank"] for f in text["factors"]} == {None}
    assert (text["requested"], text["binds"]) == ("CZ", ["CZ", "RU", "TR"])
    assert "art. 17" in text["citation"]


def test_each_factor_is_met_by_whom_the_facts_name(requests: Compare) -> None:
    answer = requests(
        ["RU", "TR", "CH"],
        "CZ",
        conduct_in=["RU"],
        effects_in=["TR"],
        person={"nationality": ["TR"]},
        request_dates={"RU": "2017-03-01", "TR": "2017-03-02", "CH": "2017-02-28"},
    )
    found = factors(texts(answer)["ets-024"])
    assert found["place-of-offence"] == ("met", {"RU", "TR"})
    assert found["nationality-of-person"] == ("met", {"TR"})
    assert found["date-of-request"] == ("met", {"CH"})
    # Whether one could surrender to another afterwards is a question of its own.
    assert found["onward-surrender"] == ("unknown", set())


def test_seriousness_reads_the_maximum_that_each_law_threatens(requests: Compare) -> None:
    # Illegal access: Russia two years, Turkey one, the United Kingdom two, Switzerland three.
    def gravest(*asking: str) -> set[str]:
        return factors(texts(requests(list(asking), "CZ"))["ets-024"])["seriousness"][1]

    assert gravest("RU", "TR") == {"RU"}
    assert gravest("RU", "CH") == {"CH"}
    assert gravest("TR", "CH", "RU") == {"CH"}


def test_seriousness_is_open_where_a_maximum_is_not_recorded(requests: Compare, engine: Engine) -> None:
    found = engine.prosecute({"offences": ["illegal-access"], "conduct_in": ["SM"], "as_of": "2000-01-01"})
    (answer,) = [a for a in found["answers"] if a["jurisdiction"] == "SM"]
    assert answer["criminalisation"][0]["status"] == "not-criminalised"
    text = texts(requests(["SM", "CH"], "NO", as_of="2012-01-01", conduct_date="2000-01-01"))["ets-024"]
    assert factors(text)["seriousness"] == ("unknown", set())


# --- the days of the requests


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        ({"RU": "2017-01-01", "TR": "2017-01-02"}, {"RU"}),
        ({"RU": "2017-01-02", "TR": "2017-01-01"}, {"TR"}),
        ({"RU": "2017-01-01", "TR": "2017-01-01"}, {"RU", "TR"}),
        ({"Russia": "2017-01-03", "TUR": "2017-01-02"}, {"TR"}),
    ],
)
def test_the_days_of_the_requests_decide_which_came_first(
    requests: Compare, dates: dict[str, str], first: set[str]
) -> None:
    answer = requests(["RU", "TR"], "CZ", request_dates=dates)
    assert factors(texts(answer)["ets-024"])["date-of-request"] == ("met", first)


@pytest.mark.parametrize("dates", [{}, {"RU": "2017-01-01"}, {"TR": "2017-01-01"}])
def test_nobody_came_first_while_a_day_is_missing(requests: Compare, dates: dict[str, str]) -> None:
    text = texts(requests(["RU", "TR"], "CZ", request_dates=dates))["ets-024"]
    assert factors(text)["date-of-request"] == ("unknown", set())
    (factor,) = [f for f in text["factors"] if f["code"] == "date-of-request"]
    assert "not given" in factor["why"]


def test_the_order_in_which_states_are_named_is_no_order_of_requests(requests: Compare) -> None:
    dates = {"RU": "2017-01-02", "TR": "2017-01-01"}
    one = texts(requests(["RU", "TR"], "CZ", request_dates=dates))["ets-024"]
    other = texts(requests(["TR", "RU"], "CZ", request_dates=dates))["ets-024"]
    assert factors(one) == factors(other)


@pytest.mark.parametrize(
    ("dates", "field"),
    [
        ({"FR": "2017-01-01"}, "request_dates.FR"),
        ({"RU": "2017-99-01"}, "request_dates.RU"),
        ({"XQ": "2017-01-01"}, "request_dates.XQ"),
    ],
)
def test_a_day_that_fits_no_request_is_refused(requests: Compare, dates: dict[str, str], field: str) -> None:
    with pytest.raises(InputError) as caught:
        requests(["RU", "TR"], "CZ", request_dates=dates)
    assert caught.value.field == field


# --- which text applies


@pytest.mark.parametrize(("day", "warrant"), [("2003-12-31", False), ("2010-01-01", True)])
def test_between_members_of_the_union_the_warrant_tells_how_to_choose(
    requests: Compare, day: str, warrant: bool
) -> None:
    found = texts(requests(["FR", "BE"], "ES", as_of=day))
    assert ("eu-fd-2002-584" in found) is warrant
    if warrant:
        text = found["eu-fd-2002-584"]
        assert text["binds"] == ["BE", "ES", "FR"]
        # Art. 16(1) of the framework decision knows the purpose of the warrant, not the nationality.
        assert set(factors(text)) == {"seriousness", "place-of-offence", "date-of-request", "purpose-of-request"}
        assert factors(text)["purpose-of-request"] == ("unknown", set())
    else:
        assert set(found) == {"ets-024"}


def test_a_request_from_outside_the_union_brings_the_convention_beside_the_warrant(requests: Compare) -> None:
    # Framework decision art. 16(3): a warrant against a request for extradition.
    found = texts(requests(["FR", "CH"], "DE"))
    assert found["ets-024"]["binds"] == ["CH", "DE", "FR"]
    assert found["eu-fd-2002-584"]["binds"] == ["DE", "FR"]


def test_outside_the_union_the_warrant_is_not_named(requests: Compare) -> None:
    assert set(texts(requests(["RU", "TR"], "CZ"))) == {"ets-024"}
    assert set(texts(requests(["RU", "TR"], "CH"))) == {"ets-024"}


def test_a_text_speaks_only_to_a_requested_state_that_it_binds(requests: Compare) -> None:
    # Russia and Turkey are bound to each other; the United States by no text of the kind.
    assert texts(requests(["RU", "TR"], "US")) == {}
    assert texts(requests(["US", "BR"], "CZ")) == {}


def test_a_party_not_yet_bound_is_not_counted(requests: Compare) -> None:
    # Russia is bound from 9 March 2000.
    assert texts(requests(["RU", "TR"], "CZ", as_of="2000-03-08"))["ets-024"]["binds"] == ["CZ", "TR"]
    assert texts(requests(["RU", "TR"], "CZ", as_of="2000-03-09"))["ets-024"]["binds"] == ["CZ", "RU", "TR"]


def test_each_requested_state_has_its_own_comparison(requests: Compare) -> None:
    answer = requests(["RU", "TR"], ["CZ", "CH", "US"])
    assert [c["requested"] for c in answer["concurrence"]["comparison"]] == ["CZ", "CH"]


def test_one_request_alone_concurs_with_none(requests: Compare) -> None:
    assert "concurrence" not in requests(["RU"], "CZ")
    both = requests(["RU", "TR"], "CZ")
    assert both["concurrence"]["states"] == ["RU", "TR"]
    assert {o["code"] for o in both["obstacles"]} >= {"concurrent-requests"}
    assert "concurrent-requests" not in {o["code"] for o in requests(["RU"], "CZ")["obstacles"]}


def test_each_request_keeps_the_answer_that_it_has_alone(requests: Compare) -> None:
    both = requests(["RU", "US"], "CZ", person={"nationality": ["RU"]})
    for asking in ("RU", "US"):
        (alone,) = requests([asking], "CZ", person={"nationality": ["RU"]})["answers"]
        (beside,) = [a for a in both["answers"] if a["requesting"] == asking]
        assert (beside["status"], beside["bases"]) == (alone["status"], alone["bases"])


# --- claims to prosecute: a text that ranks


ARAB = {"conduct_in": ["DZ"], "effects_in": ["EG"], "interests": ["JO"], "suspects": [{"nationality": ["DZ"]}]}


def test_the_arab_convention_ranks_security_before_territory_before_nationality(claims: Compare) -> None:
    text = texts(claims(**ARAB))["arab-2010"]
    assert text["ranked"] is True
    assert [(f["rank"], f["code"], f["status"], f["states"]) for f in text["factors"]] == [
        (1, "security-or-interests", "met", ["JO"]),
        (2, "territory-of-offence", "met", ["DZ", "EG"]),
        (3, "nationality-of-suspect", "met", ["DZ"]),
        (4, "date-of-request", "unknown", []),
    ]
    assert text["binds"] == ["DZ", "EG", "JO"]


def test_interests_that_were_not_given_are_open_and_others_are_not_met(claims: Compare) -> None:
    unstated = {k: v for k, v in ARAB.items() if k != "interests"}
    assert factors(texts(claims(**unstated))["arab-2010"])["security-or-interests"] == ("unknown", set())
    elsewhere = factors(texts(claims(**{**unstated, "interests": ["SO"]}))["arab-2010"])
    assert elsewhere["security-or-interests"] == ("not-met", set())
    assert elsewhere["territory-of-offence"] == ("met", {"DZ", "EG"})


def test_a_ranking_that_binds_all_leaves_no_conflict(claims: Compare) -> None:
    def conflict(answer: Answer) -> bool:
        return "jurisdictional-conflict" in {o["code"] for o in answer["obstacles"]}

    arab = claims(conduct_in=["DZ"], effects_in=["JO"], interests=["JO"])
    assert arab["concurrence"]["states"] == ["DZ", "JO"]
    assert not conflict(arab)
    # France is no party: the ranking does not bind all three.
    three = claims(conduct_in=["DZ", "FR"], effects_in=["JO"], interests=["JO"])
    assert conflict(three)
    assert texts(three)["arab-2010"]["binds"] == ["DZ", "JO"]
    # Morocco had only signed.
    assert conflict(claims(conduct_in=["DZ"], effects_in=["MA"], interests=["MA"]))


@pytest.mark.parametrize(("day", "bound"), [("2015-12-31", False), ("2016-01-01", True)])
def test_the_ranking_counts_from_the_day_on_which_it_binds_both(claims: Compare, day: str, bound: bool) -> None:
    # Algeria: 1 January 2016.
    facts = {"conduct_in": ["DZ"], "effects_in": ["JO"], "interests": ["JO"], "conduct_date": "2015-10-01"}
    answer = claims(day, **facts)
    assert answer["concurrence"]["states"] == ["DZ", "JO"]
    assert ("arab-2010" in texts(answer)) is bound
    assert ("jurisdictional-conflict" in {o["code"] for o in answer["obstacles"]}) is not bound


def test_the_framework_decision_on_attacks_ranked_territory_nationality_and_place_found(claims: Compare) -> None:
    answer = claims(
        "2010-06-01",
        conduct_in=["DE"],
        effects_in=["AT"],
        suspects=[{"nationality": ["FR"], "present_in": ["FR"]}],
        conduct_date="2010-01-01",
    )
    text = texts(answer)["eu-fd-2005-222"]
    assert [(f["rank"], f["code"], set(f["states"])) for f in text["factors"]] == [
        (1, "territory-of-offence", {"AT", "DE"}),
        (2, "nationality-of-suspect", {"FR"}),
        (3, "place-where-found", {"FR"}),
    ]
    # The directive that took its place ranks nothing.
    assert texts(claims("2018-06-01", conduct_in=["DE"], effects_in=["AT"])) == {}


def test_one_state_alone_has_nothing_to_compare(claims: Compare) -> None:
    assert claims(conduct_in=["DZ"], interests=["DZ"])["concurrence"]["comparison"] == []


# --- no hidden weight


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_nothing_is_added_up(requests: Compare, claims: Compare) -> None:
    dates = {"RU": "2017-01-01", "TR": "2017-01-02"}
    for answer in (requests(["RU", "TR"], "CZ", request_dates=dates, conduct_in=["TR"]), claims(**ARAB)):
        found = answer["concurrence"]
        assert found["comparison"]
        assert not [k for k in keys(found) if re.search(r"score|total|weight|points|winner|best|prefer", k)]
        for text in found["comparison"]:
            for factor in text["factors"]:
                # The only figures are the ranks that the text itself gives.
                figures = {k for k, v in factor.items() if isinstance(v, int | float) and not isinstance(v, bool)}
                assert figures <= ({"rank"} if text["ranked"] else set())


def test_every_factor_says_why_and_names_its_record(requests: Compare, claims: Compare, engine: Engine) -> None:
    for answer in (requests(["RU", "TR"], "CZ", conduct_in=["TR"]), claims(**ARAB)):
        for text in answer["concurrence"]["comparison"]:
            assert text["source"]
            assert text["evidence"] in {"document", "knowledge"}
            for factor in text["factors"]:
                assert factor["why"]
                assert not re.search(r"[{}]", factor["why"])
                assert set(factor["states"]) == set() or factor["status"] == "met"
                assert all(engine.store.describe([r])[r] for r in factor["derived_from"])
        json.dumps(answer)


def test_a_requested_state_does_not_compete_with_those_that_ask(engine: Engine) -> None:
    answer = engine.cooperate(
        {"requesting": ["RO", "FR"], "requested": ["RO"], "measures": ["extradition"], "as_of": "2010-01-01"}
    )
    assert [a["requesting"] for a in answer["answers"]] == ["FR"]
    assert "concurrence" not in answer


def test_a_request_is_dated_once_and_not_after_the_question(engine: Engine) -> None:
    asked = {"requesting": ["US"], "requested": ["CZ"], "measures": ["extradition"], "as_of": "2010-01-01"}
    for dates in ({"US": "2009-01-01", "United States": "2008-01-01"}, {"US": "2011-01-01"}, {"FR": "2009-01-01"}):
        with pytest.raises(InputError):
            engine.cooperate({**asked, "request_dates": dates})
