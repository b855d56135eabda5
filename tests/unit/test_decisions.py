"""Decision tables and tests: every row is reached, every table answers every case, every test is three-valued."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import lexgraph.questions
from lexgraph.decisions import Decisions, FactTest, TableRow, fill, load, parse_when
from lexgraph.engine import Engine
from lexgraph.questions.facts import RELATIONS, Case, Crime, Subject, compare, reaches
from lexgraph.settings import ONTOLOGY, project

CRIMES = ("criminalised", "partly", "treaty-implied", "not-criminalised", "unknown")
THREE = ("met", "not-met", "unknown")
KINDS = ("treaty", "union-law", "national", "scheme", "police")
MODES = (
    *("self-standing", "supplement", "treaty-choice", "no-treaty-states", "default-regime", "own-law"),
    *("by-agreement", "channel-only", "court", "domestic", "frame", "model", "programmatic", "scheme", "unilateral"),
)
GROUND_KINDS = ("national", "treaty", "union-law", "custom", "court-statute")
NATIONALS = (
    *("", "allowed", "barred", "certain-offences", "conditional", "discretionary", "eu-only", "return-guarantee"),
    *("treaty-only", "with-consent", "unclear", "bars", "allows", "conditions"),
)
MEASURES = (
    *("expedited-preservation", "partial-disclosure-traffic-data", "production-subscriber-info"),
    *("production-stored-data", "search-and-seizure", "realtime-traffic-data", "content-interception"),
    *("transborder-access", "extradition", "mutual-assistance-general", "spontaneous-information"),
    *("criminal-records-exchange", "joint-investigation-team", "direct-provider-cooperation"),
    *("emergency-assistance", "contact-24-7", "video-hearing", "domain-registration-request", "police-cooperation"),
    "transfer-of-proceedings",
)
REQUIRED = ("", "yes", "no", "no-reciprocity", "unclear")

# What each input of each table can be; a value that no fact can take would make a row that never decides.
DOMAINS: dict[str, dict[str, tuple[str, ...]]] = {
    "ground-status": {
        "when": ("before", "in-force", "after"),
        "kind": GROUND_KINDS,
        "territorial": ("yes", "no"),
        "criminalisation": CRIMES,
        "conditions": THREE,
    },
    "dual-criminality": {
        "rule": (
            *("coercive-only", "deemed", "not-required", "not-stated", "optional", "required"),
            "required-outside-own-offences",
        ),
        "coercive": ("yes", "no"),
        "own": ("yes", "no"),
        "listed": ("yes", "no"),
        "listed-penalty": ("", "reached"),
        "domestic": ("", "required", "not-required", "coercive-only", "unclear"),
        "criminalisation": CRIMES,
        "asking": ("", "recorded-no-crime"),
    },
    "treaty-choice": {"mode": MODES, "declared": ("", "accepted", "refused"), "required": REQUIRED},
    "nationals": {
        "person": ("unstated", "yes", "no"),
        "kind": KINDS,
        "ground": ("", "mandatory", "optional", "enforcement-only", "notified-only", "reserved-only"),
        "declared": ("", "bars"),
        "rule": NATIONALS,
    },
    "nationals-no-basis": {"person": ("unstated", "yes", "no"), "rule": NATIONALS},
    "basis-status": {
        "precedence": ("", "superseded"),
        "scope": THREE,
        "choice": ("accepted", "refused", "open"),
        "dual": THREE,
        "threshold": THREE,
        "nationals": ("none", "bar", "refuse", "open"),
        "mandatory": ("", "live"),
        "optional": ("", "live"),
        "kind": KINDS,
        "mode": ("self-standing", "own-law", "by-agreement"),
    },
    "basis-class": {
        "status": (
            "available",
            "conditional",
            "refusable",
            "barred",
            "reciprocity",
            "superseded",
            "not-covered",
            "unknown",
        ),
        "scope": THREE,
        "mode": MODES,
        "kind": KINDS,
    },
    "measure-without-basis": {"nationals": ("none", "bar"), "absence": ("", "recorded"), "required": REQUIRED},
    "court-out-of-reach": {"listed": ("yes", "no"), "later": ("yes", "no"), "ended": ("yes", "no")},
    "court-suggested": {
        "feature": ("in-armed-conflict", "widespread-or-systematic", "leadership-role", "organised-group"),
    },
    "treaty-topic": {"measure": MEASURES},
    "dual-criminality-topic": {"measure": MEASURES},
    "threshold-topic": {"measure": MEASURES, "kind": KINDS},
    "nationals-apply": {"measure": MEASURES},
    "measure-family": {"measure": MEASURES},
    "domestic-refusals": {"measure": MEASURES, "kind": KINDS},
    "refusal-bites": {
        "effect": (
            *("mandatory", "optional", "law-of-requested", "condition-of-use", "enforcement-only", "notified-only"),
            "reserved-only",
        ),
    },
    "absence-kind": {"measure": MEASURES},
    "penalty-threshold": {
        "side": ("requested", "requesting", "both"),
        "requested": ("yes", "no", "unknown"),
        "requesting": ("yes", "no", "unknown"),
        "stated": ("yes", "no"),
    },
    "precedence": {"taken": ("", "yes"), "mode": MODES, "others": ("", "yes")},
}

# Every row that matches speaks in these; none can hide another.
COLLECTED: dict[str, dict[str, tuple[str, ...]]] = {
    "obstacles-cooperate": {
        "measure": MEASURES,
        "status": ("available", "conditional", "refusable", "reciprocity", "barred", "no-basis", "unknown"),
        "treaty-basis": ("yes", "no"),
        "organisation": ("yes", "no"),
        "nationals": ("", "bar"),
        "dual": ("", "not-met"),
        "criminalisation": ("", *CRIMES),
        "asking": ("", *CRIMES),
        "newlaw": ("", "yes"),
        "fastest": ("", "hours", "days", "weeks", "months", "none"),
        "sovereignty": ("", "live"),
        "concurrent": ("", "yes"),
        "preservation": ("yes", "no"),
        "evidence": ("yes", "no"),
        "police": ("yes", "no"),
        "suspended": ("", "yes"),
    },
    "obstacles-prosecute": {
        "crime": ("", "none", "none-then"),
        "court": ("", "excluded", "conditional", "unknown"),
    },
    "obstacles-concurrence": {"several": ("yes",)},
    "concurrence-factors": {
        "field": (
            *("conduct_in", "effects_in", "systems_in", "interests", "flag", "judged_in", "complaint_by"),
            *("authorised_by", "extradition_refused_by", "proceedings_in", "suspects.nationality"),
            *("suspects.residence", "suspects.present_in", "victims.nationality", "victims.residence"),
            "victims.established_in",
        ),
    },
}


@pytest.fixture(scope="module")
def decisions(engine: Engine) -> Decisions:
    return load(engine.store, ONTOLOGY)


def declared(file: str) -> list[dict[str, str]]:
    with (project().ontology / "decisions" / file).open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def cases(domain: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    for values in itertools.product(*domain.values()):
        yield dict(zip(domain, values, strict=True))


# --- tables


def test_the_graph_holds_every_declared_row_in_order(decisions: Decisions) -> None:
    counted = Counter(row["table"] for row in declared("tables.csv"))
    assert {name: len(rows) for name, rows in decisions.tables.items()} == counted
    for name, rows in decisions.tables.items():
        ranks = [row.rank for row in rows]
        assert ranks == sorted(set(ranks)), name


def test_tables_are_those_that_the_questions_ask_and_no_others(decisions: Decisions) -> None:
    assert lexgraph.questions.__file__
    folder = Path(lexgraph.questions.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    asked = set(re.findall(r'(?:context|decisions)\.(?:first|all)\(\s*"([a-z-]+)"', text))
    assert set(decisions.tables) == asked
    assert asked == {*DOMAINS, *COLLECTED}


@pytest.mark.parametrize("table", sorted({**DOMAINS, **COLLECTED}))
def test_a_row_names_only_inputs_and_values_that_occur(decisions: Decisions, table: str) -> None:
    domain = {**DOMAINS, **COLLECTED}[table]
    strange = {
        (row.rank, name, value)
        for row in decisions.tables[table]
        for name, values in row.when.items()
        for value in values
        if value not in domain.get(name, ())
    }
    assert strange == set()


@pytest.mark.parametrize("table", sorted(DOMAINS))
def test_every_case_has_an_answer_and_every_row_has_its_case(decisions: Decisions, table: str) -> None:
    hit = {decisions.first(table, facts).rank for facts in cases(DOMAINS[table])}
    # The last row is there for cases that nobody thought of; it may have none.
    *rows, rest = decisions.tables[table]
    assert hit | {rest.rank} == {row.rank for row in (*rows, rest)}, "rows that never decide"


@pytest.mark.parametrize("table", sorted(DOMAINS))
def test_a_table_of_first_rows_ends_with_one_for_every_other_case(decisions: Decisions, table: str) -> None:
    assert decisions.tables[table][-1].when == {}


@pytest.mark.parametrize("table", sorted(COLLECTED))
def test_every_row_of_a_collecting_table_can_speak(decisions: Decisions, table: str) -> None:
    domain = COLLECTED[table]
    mute = [
        row.rank
        for row in decisions.tables[table]
        if not all(set(domain.get(name, ())) & values for name, values in row.when.items())
    ]
    assert mute == []


def test_sentences_name_only_what_is_filled_in(decisions: Decisions) -> None:
    for rows in decisions.tables.values():
        for row in rows:
            assert "{" not in fill(row.why, {})


def test_rows_are_tried_in_order_and_a_gap_is_an_error() -> None:
    rows = [
        TableRow(10, parse_when("a=x|y & b=z"), "first", ""),
        TableRow(20, parse_when("a=x"), "second", ""),
        TableRow(30, parse_when("b="), "third", ""),
    ]
    found = Decisions(tables={"t": rows})
    assert found.first("t", {"a": "x", "b": "z"}).then == "first"
    assert found.first("t", {"a": "x", "b": "q"}).then == "second"
    assert found.first("t", {"a": "q"}).then == "third"
    assert [r.then for r in found.all("t", {"a": "x"})] == ["second", "third"]
    with pytest.raises(LookupError):
        found.first("t", {"a": "q", "b": "q"})


def test_conditions_are_read_with_their_blanks() -> None:
    assert parse_when(" a = x | y & b= ") == {"a": frozenset({"x", "y"}), "b": frozenset({""})}
    assert parse_when("") == {}


# --- tests of facts


def test_relations_are_those_that_the_tests_name_and_no_others() -> None:
    assert {row["relation"] for row in declared("tests.csv")} == set(RELATIONS)


def test_every_condition_scope_and_refusal_ground_has_its_test(engine: Engine, decisions: Decisions) -> None:
    for kind in ("condition", "scope", "refusal-ground"):
        assert set(engine.codes.kinds[kind]) == {code for family, code in decisions.tests if family == kind}, kind


def test_outcomes_are_those_of_their_family(decisions: Decisions) -> None:
    allowed = {
        "condition": {"met", "not-met", "unknown", ""},
        "scope": {"met", "not-met", "unknown", ""},
        "refusal-ground": {"live", "live-optional", "possible", ""},
    }
    for (family, code), test in decisions.tests.items():
        assert set(test.outcomes.values()) <= allowed[family], code
        assert test.outcomes["absent"] or test.relation in {"always", "own-offence", "plea"}, code


def test_a_fact_not_given_is_never_held_against_a_ground(decisions: Decisions) -> None:
    # Save where the absence itself decides: no aiding or abetting was asked.
    held = {c for (f, c), t in decisions.tests.items() if f == "condition" and t.outcomes["absent"] == "not-met"}
    assert held <= {"accomplice-only"}


def a_test(
    relation: str, value: str = "", fields: tuple[str, ...] = ("places",), family: str = "condition"
) -> FactTest:
    return FactTest("t", family, "c", relation, fields, value, {}, {})


def a_case(
    places: list[str] | None = None,
    crimes: Mapping[tuple[str, str], Crime] | None = None,
    features: set[str] | None = None,
    pleas: set[str] | None = None,
    offences: list[str] | None = None,
) -> Case:
    return Case(
        fields={"places": places or []},
        features=frozenset(features or ()),
        pleas=frozenset(pleas or ()),
        offences=offences or ["theft"],
        date="2010-01-01",
        crimes=crimes or {},
        name=str,
        offence_classes=lambda code: {"Grave"} if code == "murder" else set(),
        offence_label=str,
    )


def said(status: str, years: float | None = None, aggravated: float | None = None, implied: bool = False) -> Crime:
    return Crime(status=status, years=years, aggravated=aggravated, implied_by_treaty=implied)


XA, XB = ("XA", "theft"), ("XB", "theft")
ME = {"order": "XA", "offence": "theft", "requesting": "XB", "measure": "seizure"}

EXAMPLES: list[tuple[str, FactTest, Case, dict[str, Any], bool | None]] = [
    ("order-in", a_test("order-in"), a_case(["XB", "XA"]), {}, True),
    ("order-in", a_test("order-in"), a_case(["XB"]), {}, False),
    ("order-in", a_test("order-in"), a_case(), {}, None),
    ("requested-in", a_test("requested-in"), a_case(["XA"]), {}, True),
    ("requested-in", a_test("requested-in"), a_case(["XB"]), {}, False),
    ("requested-in", a_test("requested-in"), a_case(), {}, None),
    ("other-in", a_test("other-in"), a_case(["XA", "XB"]), {}, True),
    ("other-in", a_test("other-in"), a_case(["XA"]), {}, False),
    ("other-in", a_test("other-in"), a_case(), {}, None),
    ("any-given", a_test("any-given"), a_case(["XA"]), {}, True),
    ("any-given", a_test("any-given"), a_case(), {}, None),
    ("criminalised-at", a_test("criminalised-at"), a_case(["XB"], {XB: said("criminalised")}), {}, True),
    ("criminalised-at", a_test("criminalised-at"), a_case(["XB"], {XB: said("treaty-implied")}), {}, True),
    ("criminalised-at", a_test("criminalised-at"), a_case(["XB"], {XB: said("not-criminalised")}), {}, False),
    ("criminalised-at", a_test("criminalised-at"), a_case(["XB"], {XB: said("partly")}), {}, None),
    ("criminalised-at", a_test("criminalised-at"), a_case(["XB"]), {}, None),
    ("criminalised-at", a_test("criminalised-at"), a_case(), {}, None),
    (
        "criminalised-at",
        a_test("criminalised-at"),
        a_case(["XA", "XB"], {XA: said("criminalised"), XB: said("not-criminalised")}),
        {},
        True,
    ),
    ("bound-by-duty", a_test("bound-by-duty"), a_case(crimes={XA: said("criminalised", implied=True)}), {}, True),
    ("bound-by-duty", a_test("bound-by-duty"), a_case(crimes={XA: said("criminalised")}), {}, None),
    ("penalty-reaches", a_test("penalty-reaches", "4"), a_case(crimes={XA: said("criminalised", 4)}), {}, True),
    ("penalty-reaches", a_test("penalty-reaches", "4"), a_case(crimes={XA: said("criminalised", 3)}), {}, False),
    ("penalty-reaches", a_test("penalty-reaches", "4"), a_case(crimes={XA: said("criminalised", 3, 5)}), {}, None),
    ("penalty-reaches", a_test("penalty-reaches", "4"), a_case(), {}, None),
    ("penalty-reaches", a_test("penalty-reaches"), a_case(crimes={XA: said("partly", 2)}), {"limit": 1.0}, True),
    ("requesting-penalty", a_test("requesting-penalty"), a_case(), {}, None),
    ("offence-asked", a_test("offence-asked", "aid"), a_case(offences=["theft", "aid"]), {}, True),
    ("offence-asked", a_test("offence-asked", "aid"), a_case(), {}, False),
    ("offence-asked", a_test("offence-asked", "theft", family="scope"), a_case(), {}, True),
    ("offence-asked", a_test("offence-asked", "aid", family="scope"), a_case(offences=["theft", "aid"]), {}, False),
    ("offence-class", a_test("offence-class", "Grave"), a_case(), {"offence": "murder"}, True),
    ("offence-class", a_test("offence-class", "Grave"), a_case(), {}, False),
    ("feature", a_test("feature", "group"), a_case(features={"group"}), {}, True),
    ("feature", a_test("feature", "group"), a_case(features={"other"}), {}, None),
    ("plea", a_test("plea", "health"), a_case(pleas={"health"}), {}, True),
    ("plea", a_test("plea", "health"), a_case(), {}, False),
    ("plea-or-feature", a_test("plea-or-feature", "order|state"), a_case(features={"state"}), {}, True),
    ("plea-or-feature", a_test("plea-or-feature", "order|state"), a_case(pleas={"order"}), {}, True),
    ("plea-or-feature", a_test("plea-or-feature", "order|state"), a_case(pleas={"health"}), {}, False),
    ("never-settled", a_test("never-settled"), a_case(["XA"]), {}, None),
    ("always", a_test("always"), a_case(), {}, True),
    ("own-offence", a_test("own-offence"), a_case(), {"own_offences": frozenset({"theft"})}, True),
    ("own-offence", a_test("own-offence"), a_case(), {"own_offences": frozenset({"fraud"})}, False),
    ("listed-offence", a_test("listed-offence"), a_case(), {"listed_offences": frozenset({"theft"})}, True),
    ("listed-offence", a_test("listed-offence"), a_case(), {"listed_offences": frozenset({"fraud"})}, False),
    ("listed-offence", a_test("listed-offence"), a_case(), {}, None),
    (
        "own-offence-or-penalty",
        a_test("own-offence-or-penalty", "4"),
        a_case(crimes={XA: said("criminalised", 1), XB: said("criminalised", 1)}),
        {"own_offences": frozenset({"theft"})},
        True,
    ),
    (
        "own-offence-or-penalty",
        a_test("own-offence-or-penalty", "4"),
        a_case(crimes={XA: said("criminalised", 1), XB: said("criminalised", 4)}),
        {},
        True,
    ),
    (
        "own-offence-or-penalty",
        a_test("own-offence-or-penalty", "4"),
        a_case(crimes={XA: said("criminalised", 1), XB: said("criminalised", 2)}),
        {},
        False,
    ),
    ("own-offence-or-penalty", a_test("own-offence-or-penalty", "4"), a_case(crimes={XA: said("partly", 1)}), {}, None),
    (
        "own-offence-or-penalty-with-feature",
        a_test("own-offence-or-penalty-with-feature", "4|group"),
        a_case(crimes={XA: said("criminalised", 5)}, features={"group"}),
        {},
        True,
    ),
    (
        "own-offence-or-penalty-with-feature",
        a_test("own-offence-or-penalty-with-feature", "4|group"),
        a_case(crimes={XA: said("criminalised", 5)}),
        {},
        None,
    ),
    (
        "own-offence-or-penalty-with-feature",
        a_test("own-offence-or-penalty-with-feature", "4|group"),
        a_case(crimes={XA: said("criminalised", 1), XB: said("criminalised", 1)}, features={"group"}),
        {},
        False,
    ),
    ("measure-asked", a_test("measure-asked", "seizure"), a_case(), {}, True),
    ("measure-asked", a_test("measure-asked", "extradition"), a_case(), {}, None),
]


@pytest.mark.parametrize(("relation", "test", "case", "subject", "expected"), EXAMPLES)
def test_a_relation_answers_yes_no_or_not_given(
    relation: str, test: FactTest, case: Case, subject: dict[str, Any], expected: bool | None
) -> None:
    assert test.relation == relation
    assert compare(test, case, Subject(**{**ME, **subject})) is expected


def test_every_relation_has_its_examples() -> None:
    assert {relation for relation, *_ in EXAMPLES} == set(RELATIONS)


@pytest.mark.parametrize(
    ("years", "aggravated", "limit", "expected"),
    [
        (1, None, 1, True),
        (1, None, 2, False),
        (1, 3, 2, None),
        (1, 3, 4, False),
        (None, 3, 2, None),
        (None, None, 1, None),
        (None, 1, 2, None),
        (0, None, 0, True),
    ],
)
def test_a_penalty_reaches_by_its_basic_maximum(
    years: float | None, aggravated: float | None, limit: float, expected: bool | None
) -> None:
    assert reaches(said("criminalised", years, aggravated), limit) is expected


def test_a_reason_leaves_out_what_is_not_known() -> None:
    test = FactTest("t", "f", "c", "r", (), "", {"true": "met"}, {"true": "{given} in {order}{nothing}"})
    assert Decisions({("f", "c"): test}).test("f", "c", True, {"given": "A", "order": "B"}) == ("met", "A in B")
