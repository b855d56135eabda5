"""Decision tables and tests: every row is reached, every table answers every case, every test is three-valued."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
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
    *(
        "by-agreement",
        "channel-only",
        "court",
        "domestic",
        "every-basis",
        "frame",
        "model",
        "programmatic",
        "scheme",
        "unilateral",
    ),
)
GROUND_KINDS = ("national", "treaty", "union-law", "custom", "court-statute")
NATIONALS_LAW = (
    *("", "allowed", "barred", "certain-offences", "conditional", "discretionary", "eu-only", "return-guarantee"),
    *("treaty-only", "with-consent", "unclear"),
)
# A declaration speaks only under the instrument to which it was made.
NATIONALS = (*NATIONALS_LAW, "bars", "allows", "conditions")
MEASURES = (
    *("expedited-preservation", "partial-disclosure-traffic-data", "production-subscriber-info"),
    *("production-stored-data", "search-and-seizure", "realtime-traffic-data", "content-interception"),
    *("transborder-access", "extradition", "mutual-assistance-general", "spontaneous-information"),
    *("criminal-records-exchange", "joint-investigation-team", "direct-provider-cooperation"),
    *("emergency-assistance", "contact-24-7", "video-hearing", "domain-registration-request", "police-cooperation"),
    "transfer-of-proceedings",
)
REQUIRED = ("", "yes", "no", "no-reciprocity", "unclear")
EFFECTS = (
    *("mandatory", "optional", "law-of-requested", "condition-of-use", "enforcement-only", "notified-only"),
    *("reserved-only", "none-allowed"),
)
DUAL_RULES = (
    *("coercive-only", "deemed", "not-required", "not-stated", "optional", "required"),
    "required-outside-own-offences",
)
PLEAS = ("forum", "health", "human-rights", "persecution", "political-offence", "sovereignty-or-public-order")
SIDES = ("requested", "requesting", "both")
# What the table of statuses says of a basis is what the tables after it are asked with.
BASIS_STATUSES = (
    *("available", "conditional", "refusable", "barred", "reciprocity", "superseded"),
    "not-covered",
)
# A convention that may be taken as a treaty, and a provision that is a basis only where no other treaty is.
CHOOSING = ("treaty-choice", "no-treaty-states")
SECOND = (*CHOOSING, "default-regime")

FAMILIES = ("extradition", "assistance", "police")
STEP = {
    "family": FAMILIES,
    "status": BASIS_STATUSES,
    "measure": ("extradition", "expedited-preservation", "mutual-assistance-general"),
    "mode": ("self-standing", "treaty-choice", "no-treaty-states"),
    "channel": ("", "diplomatic"),
    "speed": ("", "hours", "days", "weeks", "months"),
    "scope": (
        *("any-offence", "organised-serious-crime", "listed-offences", "instrument-offences", "corruption-offences"),
        *("instrument-offences-and-serious-evidence", "proceeds-of-crime"),
    ),
    "dual": DUAL_RULES,
    "threshold": ("", "yes"),
    "nationals": ("none", "bar", "refuse", "open"),
    "mandatory": ("", "yes"),
    "optional": ("", "yes"),
    "uses": ("", "yes"),
    "cures": ("", "yes"),
    "declarations": ("", "yes"),
}

# What each input of each table can be; a value that no fact can take would make a row that never decides.
DOMAINS: dict[str, dict[str, tuple[str, ...]]] = {
    "ground-status": {
        "when": ("removed", "before", "in-force", "after"),
        "kind": GROUND_KINDS,
        "territorial": ("yes", "no"),
        "answered": ("", "no"),
        "limited": ("", "yes"),
        "representation": ("", "yes"),
        "criminalisation": CRIMES,
        "conditions": THREE,
    },
    "dual-criminality": {
        "rule": DUAL_RULES,
        "offence": ("", "given"),
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
        "ground": ("", *EFFECTS),
        "declared": ("", "bars"),
        "side": ("", "hub"),
        "rule": NATIONALS,
    },
    "nationals-no-basis": {"person": ("unstated", "yes", "no"), "rule": NATIONALS_LAW},
    "basis-status": {
        "precedence": ("", "superseded"),
        "acts": ("", "left-out"),
        "scope": THREE,
        "choice": ("accepted", "refused", "open"),
        "dual": THREE,
        "threshold": THREE,
        "nationals": ("none", "bar", "refuse", "open"),
        "mandatory": ("", "live"),
        "optional": ("", "live"),
        "kind": KINDS,
        "mode": ("self-standing", "own-law", "by-agreement", *SECOND),
        "governed": ("", "yes"),
        "stated": ("", "unanswered"),
        "consensual": ("", "yes"),
    },
    "basis-class": {
        "list": ("", "unread"),
        "status": BASIS_STATUSES,
        "scope": THREE,
        "mode": MODES,
        "kind": KINDS,
    },
    "needs-others": {"mode": MODES},
    "deems-included": {"mode": MODES},
    "governs": {"kind": KINDS, "mode": MODES, "scope": THREE, "status": BASIS_STATUSES},
    "measure-without-basis": {
        "nationals": ("none", "bar"),
        "absence": ("", "recorded", "suspended"),
        "required": REQUIRED,
    },
    "court-out-of-reach": {
        "listed": ("yes", "no"),
        "later": ("yes", "no"),
        "ended": ("yes", "no"),
        "given": ("yes", "no"),
        "nowhere": ("yes", "no"),
        "failed": ("yes", "no"),
        "sovereign": ("yes", "no"),
    },
    "court-suggested": {
        "feature": ("in-armed-conflict", "widespread-or-systematic", "leadership-role", "organised-group"),
    },
    "treaty-topic": {"measure": MEASURES},
    "dual-criminality-topic": {"measure": MEASURES},
    "threshold-topic": {"measure": MEASURES, "kind": KINDS},
    "nationals-apply": {"measure": MEASURES},
    "measure-family": {"measure": MEASURES},
    "domestic-refusals": {"measure": MEASURES, "kind": KINDS},
    "refusal-bites": {"effect": EFFECTS, "outcome": ("live", "live-optional", "possible")},
    "refusal-cure": {"ground": ("death-penalty", "in-absentia", "life-sentence", "speciality"), "live": ("yes", "no")},
    "refers-to-own-law": {"effect": EFFECTS},
    "stronger-effect": {"effect": EFFECTS},
    "own-grounds-apply": {"kind": KINDS},
    "pleas-heard": {"kind": KINDS, "family": FAMILIES},
    "prosecute-instead": {"nationals": ("none", "bar", "refuse", "open")},
    "class-counts": {"class": ("1", "2", "3", "8", "9")},
    "domestic-topic": {
        "about": (
            *("nationals", "refusals", "prosecute-instead", "death-penalty", "central-authority"),
            "extradition-treaty-required",
        ),
    },
    "combined-crime": {"own": CRIMES, "needed": CRIMES},
    "corporate-tie": {},
    "note-nationality": {},
    "surrender-basis": {"kind": KINDS, "mode": MODES},
    "transfer-route": {},
    "third-state-measure": {},
    "third-states": {"measure": MEASURES},
    "haven-orders": {"kind": ("state", "territory", "union", "court", "not-universally-recognised")},
    "absence-kind": {"measure": MEASURES},
    "penalty-threshold": {
        "years": ("", "none"),
        "offence": ("", "given"),
        "side": SIDES,
        "requested": ("yes", "no", "unknown"),
        "requesting": ("yes", "no", "unknown"),
        "stated": ("yes", "no"),
        "bilateral": ("yes", "no"),
    },
    "precedence": {"taken": ("", "yes"), "mode": MODES, "others": ("", "yes")},
}

# Facts that never stand together, though each is in its domain: a row reached only by them never decides.
COHERENT: dict[str, Callable[[Mapping[str, str]], bool]] = {
    "ground-status": lambda f: not f["limited"] or f["conditions"] != "met",
    "basis-status": lambda f: (
        (not f["governed"] or f["mode"] in SECOND) and (f["choice"] == "accepted" or f["mode"] in CHOOSING)
    ),
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
    "obstacles-refusal": {"ground": ("sovereignty-security-ordre-public", "political-offence")},
    "obstacles-concurrence": {"several": ("yes",), "ranked": ("yes", "no")},
    "topic-refusals": {"measure": MEASURES, "wanted": ("yes", "no")},
    "bars": {"nationals": ("", "none", "bar", "refuse", "open"), "dual": ("", *THREE)},
    "authority-roles": {"ask": ("authorities",)},
    "step-request": STEP,
    "step-examination": STEP,
    "step-execution": STEP,
    "routes": {
        "route": ("join", "own-law", "fallback", "transfer", "third-state", "police"),
        "joinable": ("", "any-state", "by-invitation", "members", "parties-of-parent", "closed"),
        "member": ("", "yes", "no"),
        "required": REQUIRED,
        "status": ("", "available", "conditional", "refusable", "reciprocity", "barred", "no-basis", "unknown"),
        "bar": ("yes", "no"),
    },
    "havens": {
        "crime": CRIMES,
        "basis": ("", "binds", "convention", "none"),
        "absence": ("", "absent", "suspended"),
        "required": REQUIRED,
    },
    "stated-grounds": {"field": ("judged_in", "proceedings_in"), "plea": PLEAS},
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


def cases(table: str) -> Iterator[dict[str, str]]:
    domain = DOMAINS[table]
    every = (dict(zip(domain, values, strict=True)) for values in itertools.product(*domain.values()))
    return filter(COHERENT.get(table, lambda facts: True), every)


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


def test_domains_are_those_of_the_vocabularies_and_of_the_tables_asked_before(
    engine: Engine, decisions: Decisions
) -> None:
    declared_here = {
        "basis-mode": MODES,
        "refusal-effect": EFFECTS,
        "dual-criminality-rule": DUAL_RULES,
        "threshold-side": SIDES,
        "plea": PLEAS,
    }
    for kind, values in declared_here.items():
        assert set(values) == set(engine.codes.kinds[kind]), kind
    assert set(NATIONALS_LAW) - {""} <= set(engine.codes.kinds["cooperation-value"])
    assert set(BASIS_STATUSES) == {row.then for row in decisions.tables["basis-status"]}
    second = {mode for mode in MODES if decisions.first("needs-others", {"mode": mode}).then == "yes"}
    assert second == set(SECOND)
    open_choice = {f["mode"] for f in cases("treaty-choice") if decisions.first("treaty-choice", f).then != "accepted"}
    assert open_choice == set(CHOOSING)


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
    hit = {decisions.first(table, facts).rank for facts in cases(table)}
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


def test_each_stated_fact_has_its_row_of_known_refusal_grounds(engine: Engine, decisions: Decisions) -> None:
    for name, values in COLLECTED["stated-grounds"].items():
        for value in values:
            (row,) = decisions.all("stated-grounds", {name: value})
            assert row.why
            assert set(row.then.split("|")) <= set(engine.codes.kinds["refusal-ground"]), value


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
    for kind in ("condition", "scope", "refusal-ground", "comparison"):
        codes = engine.codes.kinds["comparison-factor" if kind == "comparison" else kind]
        assert set(codes) == {code for family, code in decisions.tests if family == kind}, kind


def test_outcomes_are_those_of_their_family(decisions: Decisions) -> None:
    allowed = {
        "condition": {"met", "not-met", "unknown", ""},
        "scope": {"met", "not-met", "unknown", ""},
        "refusal-ground": {"live", "live-optional", "possible", ""},
        "comparison": {"met", "not-met", "unknown", ""},
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
    duties: set[tuple[str, str]] | None = None,
    parties: Mapping[str, set[str]] | None = None,
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
        bound=lambda instrument, states, day: (parties or {}).get(instrument, set()) & set(states),
        duties=duties or set(),
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
    ("all-bound", a_test("all-bound", "pact"), a_case(["XA", "XB"], parties={"pact": {"XA", "XB", "XC"}}), {}, True),
    ("all-bound", a_test("all-bound", "pact"), a_case(["XA", "XB"], parties={"pact": {"XA"}}), {}, False),
    ("all-bound", a_test("all-bound", "pact"), a_case(["XA"], parties={"other": {"XA"}}), {}, False),
    ("all-bound", a_test("all-bound", "pact"), a_case(parties={"pact": {"XA"}}), {}, None),
    ("any-bound", a_test("any-bound"), a_case(["XA", "XC"], parties={"pact": {"XC"}}), {"instrument": "pact"}, True),
    ("any-bound", a_test("any-bound"), a_case(["XA"], parties={"pact": {"XC"}}), {"instrument": "pact"}, False),
    ("any-bound", a_test("any-bound"), a_case(["XA"], parties={"pact": {"XA"}}), {"instrument": "other"}, False),
    ("any-bound", a_test("any-bound"), a_case(), {"instrument": "pact"}, None),
    (
        "offence-or-feature",
        a_test("offence-or-feature", "aiding|helped"),
        a_case(features={"helped"}),
        {},
        True,
    ),
    ("offence-or-feature", a_test("offence-or-feature", "aiding|helped"), a_case(), {}, False),
    (
        "other-not-bound",
        a_test("other-not-bound"),
        a_case(["XC"], parties={"pact": {"XB"}}),
        {"instrument": "pact"},
        True,
    ),
    (
        "other-not-bound",
        a_test("other-not-bound"),
        a_case(["XB"], parties={"pact": {"XB"}}),
        {"instrument": "pact"},
        False,
    ),
    ("other-not-bound", a_test("other-not-bound"), a_case(["XA"]), {}, False),
    ("other-not-bound", a_test("other-not-bound"), a_case(), {}, None),
    ("given-or-feature", a_test("given-or-feature", "body"), a_case(["XA"]), {}, True),
    ("given-or-feature", a_test("given-or-feature", "body"), a_case(features={"body"}), {}, True),
    ("given-or-feature", a_test("given-or-feature", "body"), a_case(features={"other"}), {}, None),
    ("worked-out", a_test("worked-out", "first"), a_case(), {"facts": {"first": ["XA"]}}, True),
    ("worked-out", a_test("worked-out", "first"), a_case(), {"facts": {"first": ["XB"]}}, False),
    ("worked-out", a_test("worked-out", "first"), a_case(), {"facts": {}}, None),
    ("bound-by-jurisdiction-duty", a_test("bound-by-jurisdiction-duty"), a_case(duties={XA}), {}, True),
    ("bound-by-jurisdiction-duty", a_test("bound-by-jurisdiction-duty"), a_case(duties={XB}), {}, None),
    ("bound-by-jurisdiction-duty", a_test("bound-by-jurisdiction-duty"), a_case(duties={("XA", "fraud")}), {}, None),
    (
        # A duty to make the act a crime is no duty to have jurisdiction over it.
        "bound-by-jurisdiction-duty",
        a_test("bound-by-jurisdiction-duty"),
        a_case(crimes={XA: said("criminalised", implied=True)}),
        {},
        None,
    ),
    ("penalty-reaches", a_test("penalty-reaches", "4"), a_case(crimes={XA: said("criminalised", 4)}), {}, True),
    ("penalty-reaches", a_test("penalty-reaches", "4"), a_case(crimes={XA: said("criminalised", 3)}), {}, False),
    ("penalty-reaches", a_test("penalty-reaches", "4"), a_case(crimes={XA: said("criminalised", 3, 5)}), {}, None),
    ("penalty-reaches", a_test("penalty-reaches", "4"), a_case(), {}, None),
    ("penalty-reaches", a_test("penalty-reaches"), a_case(crimes={XA: said("partly", 2)}), {"limit": 1.0}, True),
    (
        "requesting-penalty",
        a_test("requesting-penalty", "100"),
        a_case(crimes={XB: said("criminalised", 100)}),
        {},
        True,
    ),
    (
        "requesting-penalty",
        a_test("requesting-penalty", "100"),
        a_case(crimes={XB: said("criminalised", 99)}),
        {},
        False,
    ),
    (
        "requesting-penalty",
        a_test("requesting-penalty", "100"),
        a_case(crimes={XA: said("criminalised", 100)}),
        {},
        None,
    ),
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


# Relations that cannot give all three answers: silence is no "no", or the question always settles it.
FEWER_ANSWERS: dict[str, set[bool | None]] = {
    **{
        name: {True, None}
        for name in ("any-given", "bound-by-jurisdiction-duty", "feature", "given-or-feature", "measure-asked")
    },
    **{
        name: {True, False}
        for name in ("offence-asked", "offence-class", "offence-or-feature", "own-offence", "plea", "plea-or-feature")
    },
    "never-settled": {None},
    "always": {True},
}


def test_every_relation_has_an_example_of_each_of_its_answers() -> None:
    shown: dict[str, set[bool | None]] = {}
    for relation, *_, expected in EXAMPLES:
        shown.setdefault(relation, set()).add(expected)
    assert shown == {relation: FEWER_ANSWERS.get(relation, {True, False, None}) for relation in RELATIONS}


def test_a_reason_names_the_states_that_are_not_bound() -> None:
    subject = Subject(order="XA", offence="theft")
    case = a_case(["XA", "XB", "XB"], parties={"pact": {"XA"}})
    assert compare(a_test("all-bound", "pact"), case, subject) is False
    assert subject.names["given"] == "XB"


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
