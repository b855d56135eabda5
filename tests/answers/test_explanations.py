"""Why an answer is as it is: sentence, decision, rules, records; and the steps that a basis lays out."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lexgraph.engine import Engine
from lexgraph.settings import project

Answer = dict[str, Any]
Cooperate = Callable[..., Answer]

DECISIONS = project().ontology / "decisions"
ROWS = {
    (row["table"], int(row["rank"])): row
    for row in csv.DictReader((DECISIONS / "tables.csv").open(encoding="utf-8", newline=""))
}
RULES = {path.stem for path in (project().ontology / "rules").glob("*.rq")}
ARABIC = re.compile(r"[\u0600-\u06ff]")

FACTS = [
    {
        "offences": ["illegal-access", "computer-related-fraud"],
        "conduct_in": [state],
        "effects_in": ["FR"],
        "suspects": [{"nationality": [state], "present_in": ["BR"]}],
        "victims": [{"nationality": ["DE"], "residence": ["FR"], "established_in": ["US"]}],
        "interests": ["DZ"],
        "flag": ["GB"],
        "conduct_date": "2015-01-01",
        "as_of": "2020-01-01",
    }
    for state in ("RU", "IQ", "TV", "CA")
] + [
    {
        "offences": ["war-crimes", "crimes-against-humanity"],
        "features": ["in-armed-conflict"],
        "conduct_in": ["BI", "UA"],
        "suspects": [{"nationality": ["BI"], "present_in": ["FR"]}],
        "conduct_date": "2018-01-01",
        "as_of": "2020-01-01",
    }
]
REQUESTS = [
    {
        "requesting": a,
        "requested": b,
        "offences": ["illegal-access", "racist-xenophobic-material"],
        "person": {"nationality": [b]},
        "pleas": ["political-offence"] if b in {"FR", "GB"} else [],
        "as_of": "2020-01-01",
    }
    for a, b in (("FR", "US"), ("FR", "DE"), ("US", "RU"), ("DZ", "FR"), ("RU", "KZ"), ("US", "HK"), ("IN", "GB"))
]


def grounds(engine: Engine, facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every ground drawn from a record of the graph (a court out of reach has none)."""
    for answer in engine.prosecute(facts)["answers"]:
        yield from (g for g in answer["grounds"] if g["factor"] is not None)


def bases(engine: Engine, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for answer in engine.cooperate(request)["answers"]:
        yield from answer["bases"]


def explained(engine: Engine) -> list[tuple[str, dict[str, Any]]]:
    """(table, ground or basis) for every question above."""
    return [("ground-status", g) for facts in FACTS for g in grounds(engine, {**facts, "explain": True})] + [
        ("basis-status", b) for request in REQUESTS for b in bases(engine, {**request, "explain": True})
    ]


@pytest.fixture(scope="module")
def found(engine: Engine) -> list[tuple[str, dict[str, Any]]]:
    out = explained(engine)
    # Enough of every kind, so that no loop below passes for want of entries.
    assert {e["status"] for t, e in out if t == "ground-status"} >= {
        *("established", "conditional", "treaty-based", "presumed", "unknown", "excluded"),
    }
    assert {e["status"] for t, e in out if t == "basis-status"} >= {
        *("available", "conditional", "refusable", "reciprocity", "barred", "superseded", "not-covered"),
    }
    return out


# --- asked for or not


def test_an_explanation_comes_only_when_asked_for(engine: Engine) -> None:
    plain = list(grounds(engine, FACTS[0])) + list(bases(engine, REQUESTS[0]))
    assert plain
    assert not [e for e in plain if "explanation" in e]


def test_explaining_changes_nothing_else(engine: Engine) -> None:
    def without(entry: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in entry.items() if k != "explanation"}

    facts, request = FACTS[0], REQUESTS[0]
    told = [without(g) for g in grounds(engine, {**facts, "explain": True})]
    assert told == list(grounds(engine, facts))
    assert [without(b) for b in bases(engine, {**request, "explain": True})] == list(bases(engine, request))


def test_the_same_question_gets_the_same_words(engine: Engine) -> None:
    def told() -> list[Any]:
        entries = [*grounds(engine, {**FACTS[0], "explain": True}), *bases(engine, {**REQUESTS[2], "explain": True})]
        return [(e["explanation"], e.get("steps")) for e in entries]

    assert told() == told()


# --- the sentence


def test_every_sentence_is_there_in_three_languages_and_whole(found: list[tuple[str, dict[str, Any]]]) -> None:
    for _, entry in found:
        sentence = entry["explanation"]["sentence"]
        assert set(sentence) == {"en", "fr", "ar"}
        for text in sentence.values():
            assert text.strip()
            assert not re.search(r"[{}]|None|\. \.|  ", text), text
        assert ARABIC.search(sentence["ar"])
        assert not ARABIC.search(sentence["en"] + sentence["fr"])
        assert len(set(sentence.values())) == 3


def test_every_sentence_names_its_basis(found: list[tuple[str, dict[str, Any]]]) -> None:
    for _, entry in found:
        if entry["status"] == "presumed":
            # Custom has no article to cite: the principle stands in its place.
            continue
        citation = entry["basis"]["citation"] if "basis" in entry else entry["citation"]
        assert all(citation in text for text in entry["explanation"]["sentence"].values())


def test_a_ground_says_for_whom_for_what_and_how(engine: Engine) -> None:
    facts = {"offences": ["illegal-access"], "effects_in": ["FR"], "as_of": "2020-01-01", "explain": True}
    (sentence,) = [
        g["explanation"]["sentence"] for g in grounds(engine, facts) if g["basis"]["provision"] == "fr-penal-code/113-2"
    ]
    assert sentence["en"].startswith("France can prosecute illegal access (territoriality")
    assert sentence["fr"].startswith("France : l'infraction « accès illégal » peut être poursuivie")
    assert "فرنسا" in sentence["ar"]


def test_each_status_has_a_sentence_of_its_own(found: list[tuple[str, dict[str, Any]]]) -> None:
    keys = {row["key"] for row in csv.DictReader((DECISIONS / "sentences.csv").open(encoding="utf-8", newline=""))}
    for table, entry in found:
        assert f"{table.removesuffix('-status')}/{entry['status']}" in keys


# --- the decision


def test_every_decision_is_a_row_of_the_table_with_the_same_outcome(
    found: list[tuple[str, dict[str, Any]]],
) -> None:
    for table, entry in found:
        decision = entry["explanation"]["decision"]
        row = ROWS[(decision["table"], decision["rank"])]
        assert decision["table"] == table
        assert decision["then"] == row["then"] == entry["status"]
        assert decision["source"] == row["source"] != ""
        assert sorted(re.split(r" ?& ?", decision["when"])) == sorted(
            f"{name}={'|'.join(sorted(values.split('|')))}"
            for name, _, values in (part.partition("=") for part in re.split(r" ?& ?", row["when"]))
            if name
        ) or (decision["when"], row["when"]) == ("", "")


# --- rules and records


def test_every_rule_is_a_file_and_says_what_it_does(found: list[tuple[str, dict[str, Any]]]) -> None:
    for _, entry in found:
        rules = entry["explanation"]["rules"]
        assert rules
        for step in rules:
            assert step["rule"] in RULES
            assert step["says"]
            assert step["fact"].startswith("http")


def test_every_record_is_among_those_named_and_carries_its_evidence(
    found: list[tuple[str, dict[str, Any]]],
) -> None:
    for _, entry in found:
        records = entry["explanation"]["records"]
        assert {r["record"] for r in records} == set(entry["derived_from"])
        assert records
        for record in records:
            assert record["evidence"] in {"document", "knowledge"}
            # What was read in a document names it; what is not yet checked may have none, and says so.
            assert record["source"] or (record["evidence"], record["source_kind"]) == ("knowledge", "none")


@pytest.mark.parametrize(
    ("instrument", "rules"),
    [
        ("ets-185", {"61-links-treaty", "21-participation"}),
        ("bilateral:FR-US:extradition:1996", {"63-links-bilateral", "24-participation-bilateral"}),
    ],
)
def test_a_basis_is_traced_to_the_rule_that_made_it(engine: Engine, instrument: str, rules: set[str]) -> None:
    request = {**REQUESTS[0], "measures": ["extradition"], "explain": True}
    traced = [
        {s["rule"] for s in b["explanation"]["rules"]} for b in bases(engine, request) if b["instrument"] == instrument
    ]
    assert traced
    assert all(rules & seen for seen in traced)


def test_a_national_ground_and_a_treaty_ground_come_from_different_rules(engine: Engine) -> None:
    facts = {"offences": ["illegal-access"], "conduct_in": ["RU"], "suspects": [{"nationality": ["DE"]}]}
    seen: dict[str, set[str]] = {}
    for ground in grounds(engine, {**facts, "as_of": "2020-01-01", "explain": True}):
        rules = {s["rule"] for s in ground["explanation"]["rules"]}
        seen.setdefault(ground["basis"]["kind"], set()).update(rules)
    assert "41-grounds-national" in seen["national"]
    assert "41-grounds-national" not in seen["treaty"]
    assert {"44-grounds-treaty", "46-grounds-treaty-offences"} & seen["treaty"]


# --- the steps of a request


def codes(basis: dict[str, Any], step: str) -> list[str]:
    return [item["code"] for item in basis["steps"][step]]


def basis_of(answer: Answer, instrument: str, provision: str | None = None) -> dict[str, Any]:
    return next(
        b
        for b in answer["bases"]
        if b["instrument"] == instrument and (provision is None or b["provision"] == provision)
    )


RELIED = {"available", "conditional", "refusable", "reciprocity", "barred"}


def test_steps_are_laid_out_for_what_is_relied_on_and_for_nothing_else(engine: Engine) -> None:
    seen: dict[bool, int] = {True: 0, False: 0}
    for request in REQUESTS:
        for basis in bases(engine, request):
            relied = basis["status"] in RELIED
            seen[relied] += 1
            assert (basis["steps"] is not None) is relied, basis["status"]
            if relied:
                assert set(basis["steps"]) == {"request", "examination", "execution"}
                for items in basis["steps"].values():
                    assert items
                    assert all(item["what"] and not re.search(r"[{}]", item["what"]) for item in items)
    assert min(seen.values()) > 20


def test_a_preservation_is_announced_and_kept(cooperate: Cooperate) -> None:
    # ETS 185 art. 29(1)-(2) and (7).
    kept = basis_of(cooperate("FR", "US", "expedited-preservation", "2020-01-01"), "ets-185")
    assert {"send", "announce-request"} <= set(codes(kept, "request"))
    assert "keep" in codes(kept, "execution")
    (announced,) = [i["what"] for i in kept["steps"]["request"] if i["code"] == "announce-request"]
    assert announced.startswith("France")
    # Art. 29(3): no dual criminality, unless reserved (29(4)).
    assert kept["dual_criminality"]["rule"] == "not-required"
    assert "dual-criminality" not in codes(kept, "examination")
    other = basis_of(cooperate("FR", "US", "search-and-seizure", "2020-01-01"), "ets-185")
    assert not {"announce-request", "keep"} & {*codes(other, "request"), *codes(other, "execution")}


def test_surrender_is_a_step_of_extradition_alone(cooperate: Cooperate) -> None:
    person = basis_of(cooperate("CH", "FR", "extradition", "2012-01-01"), "ets-024")
    data = basis_of(cooperate("CH", "FR", "mutual-assistance-general", "2012-01-01"), "ets-030")
    assert ("surrender" in codes(person, "execution"), "own-law" in codes(person, "execution")) == (True, False)
    assert ("surrender" in codes(data, "execution"), "own-law" in codes(data, "execution")) == (False, True)
    assert ("show-offence" in codes(person, "request"), "show-object" in codes(person, "request")) == (True, False)
    assert ("show-offence" in codes(data, "request"), "show-object" in codes(data, "request")) == (False, True)


def test_speciality_is_named_where_the_text_has_it(cooperate: Cooperate) -> None:
    # ETS 24 art. 14; ETS 30 has no such rule.
    person = basis_of(cooperate("CH", "FR", "extradition", "2012-01-01"), "ets-024")
    (use,) = [i["what"] for i in person["steps"]["execution"] if i["code"] == "conditions-of-use"]
    assert "speciality" in use
    assert [r["effect"] for r in person["refusal_grounds"] if r["code"] == "speciality"] == ["condition-of-use"]
    data = basis_of(cooperate("CH", "FR", "mutual-assistance-general", "2012-01-01"), "ets-030")
    assert "speciality" not in {r["code"] for r in data["refusal_grounds"]}
    assert "conditions-of-use" not in codes(data, "execution")


def test_dual_criminality_is_examined_where_it_is_asked_for(cooperate: Cooperate) -> None:
    # ETS 24 art. 2(1) asks for it, ETS 185 art. 29(3) does not.
    person = basis_of(cooperate("CH", "FR", "extradition", "2012-01-01"), "ets-024")
    assert person["dual_criminality"]["rule"] == "required"
    assert "dual-criminality" in codes(person, "examination")
    assert "describe-facts" in codes(person, "request")
    data = basis_of(cooperate("US", "FR", "expedited-preservation", "2012-01-01"), "ets-185")
    assert "dual-criminality" not in codes(data, "examination")
    assert "describe-facts" not in codes(data, "request")


@pytest.mark.parametrize(("state", "asks"), [("NO", True), ("LT", True), ("BE", False), ("FR", False)])
def test_a_reservation_brings_dual_criminality_back_for_preservation(
    cooperate: Cooperate, state: str, asks: bool
) -> None:
    # ETS 185 art. 29(4): outside the offences of arts 2 to 11.
    def kept(offence: str) -> dict[str, Any]:
        return basis_of(cooperate("US", state, "expedited-preservation", "2020-01-01", offences=[offence]), "ets-185")

    for offence in ("illegal-access", "money-laundering"):
        assert ("dual-criminality" in codes(kept(offence), "examination")) is asks
    # For the offences of the convention it is not looked at even then.
    assert kept("illegal-access")["dual_criminality"]["status"] == "met"


@pytest.mark.parametrize(("nationality", "named"), [(["RU"], True), (["IL"], False), ([], False)])
def test_nationals_are_a_point_only_for_a_national(cooperate: Cooperate, nationality: list[str], named: bool) -> None:
    answer = cooperate("FR", "RU", "extradition", "2008-06-01", person={"nationality": nationality})
    assert ("nationals" in codes(basis_of(answer, "ets-024"), "examination")) is named


def test_a_penalty_is_shown_where_the_text_asks_for_one(cooperate: Cooperate) -> None:
    # ETS 24 art. 2(1): one year.
    person = basis_of(cooperate("CH", "FR", "extradition", "2012-01-01"), "ets-024")
    (penalty,) = [i["what"] for i in person["steps"]["request"] if i["code"] == "show-penalty"]
    assert "1 year" in penalty
    data = basis_of(cooperate("CH", "FR", "mutual-assistance-general", "2012-01-01"), "ets-030")
    assert "show-penalty" not in codes(data, "request")


def test_a_convention_that_may_be_taken_as_a_basis_is_chosen_first(cooperate: Cooperate) -> None:
    # ETS 185 art. 24(3) between two states without another treaty; not under ETS 24.
    chosen = [
        b
        for b in cooperate("US", "AZ", "extradition", "2020-01-01")["bases"]
        if b["mode"] == "treaty-choice" and b["steps"]
    ]
    assert chosen
    assert all("choice" in codes(b, "examination") for b in chosen)
    person = basis_of(cooperate("CH", "FR", "extradition", "2012-01-01"), "ets-024")
    assert "choice" not in codes(person, "examination")


def test_the_police_give_no_evidence(cooperate: Cooperate) -> None:
    found = [b for b in cooperate("FR", "RU", "police-cooperation", "2020-01-01")["bases"] if b["steps"]]
    assert found
    assert all("no-evidence" in codes(b, "execution") for b in found)
    data = basis_of(cooperate("CH", "FR", "mutual-assistance-general", "2012-01-01"), "ets-030")
    assert "no-evidence" not in codes(data, "execution")


def test_the_request_goes_by_the_channel_of_the_basis(cooperate: Cooperate) -> None:
    quick = basis_of(cooperate("FR", "US", "expedited-preservation", "2020-01-01"), "ets-185")
    assert quick["channel"] == "24-7"
    (sent,) = [i["what"] for i in quick["steps"]["request"] if i["code"] == "send"]
    assert "24/7" in sent
    slow = basis_of(cooperate("US", "RU", "extradition", "2020-01-01"), "ru-criminal-code")
    assert slow["channel"] == "diplomatic"
    (sent,) = [i["what"] for i in slow["steps"]["request"] if i["code"] == "send"]
    assert "diplomatic" in sent


def test_a_court_out_of_reach_is_explained_too(engine: Engine) -> None:
    facts = {
        "offences": ["genocide"],
        "conduct_date": "2010-01-01",
        "as_of": "2012-01-01",
        "conduct_in": ["US"],
        "suspects": [{"nationality": ["US"]}],
        "explain": True,
    }
    (court,) = [a for a in engine.prosecute(facts)["answers"] if a["jurisdiction"] == "ICC"]
    (ground,) = court["grounds"]
    decision = ground["explanation"]["decision"]
    assert (decision["table"], decision["then"]) == ("court-out-of-reach", "no-link")
    assert set(ground["explanation"]["sentence"]) == {"en", "fr", "ar"}
