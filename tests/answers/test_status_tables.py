"""The statuses of the legal model, read from its tables and asked of the declared ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from lexgraph.decisions import load
from lexgraph.engine import Engine
from lexgraph.settings import ONTOLOGY

Decide = Callable[..., str]

CRIMES = ("criminalised", "partly", "treaty-implied", "not-criminalised", "unknown")
THREE = ("met", "unknown", "not-met")


@pytest.fixture(scope="module")
def decide(engine: Engine) -> Decide:
    decisions = load(engine.store, ONTOLOGY)

    def first(table: str, **facts: str) -> str:
        return decisions.first(table, {name.replace("_", "-"): value for name, value in facts.items()}).then

    return first


def test_statuses_are_ranked_as_the_model_lists_them(engine: Engine) -> None:
    def listed(ranks: dict[str, int]) -> list[str]:
        return sorted(ranks, key=lambda status: ranks[status])

    grounds = ["established", "conditional", "treaty-based", "presumed", "unknown", "excluded"]
    assert [s for s in listed(engine.context.ground_rank) if s in grounds] == grounds
    bases = ["available", "conditional", "refusable", "reciprocity", "barred"]
    assert [s for s in listed(engine.context.basis_rank) if s in bases] == bases
    assert listed(engine.context.certainty_rank) == ["shown", "computed", "recalled"]


# --- one ground


@pytest.mark.parametrize(
    ("kind", "criminalisation", "conditions", "expected"),
    [
        ("national", "criminalised", "met", "established"),
        ("national", "criminalised", "unknown", "conditional"),
        ("national", "partly", "met", "conditional"),
        ("national", "partly", "unknown", "conditional"),
        ("national", "treaty-implied", "met", "treaty-based"),
        ("national", "unknown", "met", "unknown"),
        ("treaty", "criminalised", "met", "treaty-based"),
        ("treaty", "partly", "met", "treaty-based"),
        ("treaty", "treaty-implied", "met", "treaty-based"),
        ("treaty", "unknown", "met", "unknown"),
        ("union-law", "criminalised", "met", "treaty-based"),
        ("union-law", "treaty-implied", "met", "treaty-based"),
        ("custom", "unknown", "met", "presumed"),
        ("court-statute", "criminalised", "unknown", "conditional"),
        ("court-statute", "criminalised", "met", "conditional"),
    ],
)
def test_a_territorial_ground(decide: Decide, kind: str, criminalisation: str, conditions: str, expected: str) -> None:
    facts = {"when": "in-force", "territorial": "yes"}
    assert (
        decide("ground-status", **facts, kind=kind, criminalisation=criminalisation, conditions=conditions) == expected
    )


@pytest.mark.parametrize("kind", ["national", "treaty", "union-law", "custom", "court-statute"])
@pytest.mark.parametrize("territorial", ["yes", "no"])
def test_what_excludes_excludes_every_kind_of_ground(decide: Decide, kind: str, territorial: str) -> None:
    for when, crime, conditions in itertools.product(("before", "in-force", "after"), CRIMES, THREE):
        status = decide(
            "ground-status",
            when=when,
            kind=kind,
            territorial=territorial,
            criminalisation=crime,
            conditions=conditions,
        )
        excluded = when != "in-force" or crime == "not-criminalised" or conditions == "not-met"
        assert (status == "excluded") is excluded, (when, crime, conditions)


def test_custom_beyond_territory_says_nothing_of_an_unrecorded_crime(decide: Decide) -> None:
    facts = {"when": "in-force", "kind": "custom", "territorial": "no", "conditions": "met"}
    assert decide("ground-status", **facts, criminalisation="unknown") == "unknown"


def test_custom_over_territory_is_silent_where_national_law_speaks(decide: Decide) -> None:
    facts = {"when": "in-force", "kind": "custom", "territorial": "yes", "conditions": "met"}
    assert decide("ground-status", **facts, criminalisation="criminalised") == "hidden"


@pytest.mark.parametrize("kind", ["national", "treaty", "union-law", "custom", "court-statute"])
def test_only_a_national_provision_establishes(decide: Decide, kind: str) -> None:
    found = {
        decide("ground-status", when="in-force", kind=kind, territorial=t, criminalisation=c, conditions=n)
        for t, c, n in itertools.product(("yes", "no"), CRIMES, THREE)
    }
    assert ("established" in found) is (kind == "national")


def test_more_met_conditions_never_worsen_a_ground(engine: Engine, decide: Decide) -> None:
    rank = {**engine.context.ground_rank, "hidden": -1}
    for kind, territorial, crime in itertools.product(
        ("national", "treaty", "union-law", "custom", "court-statute"), ("yes", "no"), CRIMES
    ):
        facts = {"when": "in-force", "kind": kind, "territorial": territorial, "criminalisation": crime}
        ranks = [rank[decide("ground-status", **facts, conditions=c)] for c in THREE]
        assert ranks == sorted(ranks), facts


# --- one basis

GOOD = {
    "precedence": "",
    "scope": "met",
    "choice": "accepted",
    "dual": "met",
    "threshold": "met",
    "nationals": "none",
    "mandatory": "",
    "optional": "",
    "kind": "treaty",
    "mode": "self-standing",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "available"),
        ({"kind": "union-law"}, "available"),
        ({"dual": "unknown"}, "conditional"),
        ({"threshold": "unknown"}, "conditional"),
        ({"scope": "unknown"}, "conditional"),
        ({"choice": "open", "mode": "treaty-choice"}, "conditional"),
        ({"nationals": "open"}, "conditional"),
        ({"optional": "live"}, "refusable"),
        ({"nationals": "refuse"}, "refusable"),
        ({"dual": "not-met"}, "barred"),
        ({"threshold": "not-met"}, "barred"),
        ({"nationals": "bar"}, "barred"),
        ({"mandatory": "live"}, "barred"),
        ({"kind": "national"}, "reciprocity"),
        ({"kind": "scheme"}, "reciprocity"),
        ({"kind": "national", "nationals": "bar"}, "barred"),
        ({"kind": "national", "dual": "not-met"}, "barred"),
        # Within one basis the graver finding shows.
        ({"dual": "unknown", "optional": "live"}, "refusable"),
        ({"dual": "unknown", "nationals": "bar"}, "barred"),
        ({"optional": "live", "mandatory": "live"}, "barred"),
        ({"scope": "unknown", "nationals": "bar"}, "barred"),
        # What does not cover the offence, or gives way, decides nothing.
        ({"scope": "not-met", "nationals": "bar"}, "not-covered"),
        ({"choice": "refused"}, "not-covered"),
        ({"precedence": "superseded", "dual": "not-met"}, "superseded"),
    ],
)
def test_one_basis(decide: Decide, changed: dict[str, str], expected: str) -> None:
    assert decide("basis-status", **{**GOOD, **changed}) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"status": "available", "scope": "met", "kind": "treaty", "mode": "self-standing"}, "first"),
        ({"status": "barred", "scope": "met", "kind": "union-law", "mode": "self-standing"}, "first"),
        ({"status": "reciprocity", "scope": "met", "kind": "national", "mode": "domestic"}, "second"),
        ({"status": "reciprocity", "scope": "met", "kind": "scheme", "mode": "scheme"}, "second"),
        ({"status": "conditional", "scope": "unknown", "kind": "treaty", "mode": "treaty-choice"}, "third"),
        ({"status": "available", "scope": "met", "kind": "treaty", "mode": "supplement"}, "never"),
        ({"status": "superseded", "scope": "met", "kind": "treaty", "mode": "self-standing"}, "never"),
        ({"status": "not-covered", "scope": "not-met", "kind": "treaty", "mode": "self-standing"}, "never"),
    ],
)
def test_which_basis_decides(decide: Decide, facts: dict[str, str], expected: str) -> None:
    # Treaties and union law, then domestic law, then what hangs on a fact not given.
    weight = int(decide("basis-class", **facts))
    assert {1: "first", 2: "second", 3: "third"}.get(weight, "never") == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"nationals": "bar", "absence": "recorded", "required": "yes"}, "barred"),
        ({"nationals": "none", "absence": "recorded", "required": "yes"}, "no-basis"),
        ({"nationals": "none", "absence": "recorded", "required": ""}, "unknown"),
        ({"nationals": "none", "absence": "recorded", "required": "no"}, "unknown"),
        ({"nationals": "none", "absence": "", "required": "yes"}, "unknown"),
    ],
)
def test_a_measure_without_any_basis(decide: Decide, facts: dict[str, str], expected: str) -> None:
    assert decide("measure-without-basis", **facts) == expected


# --- demands

ASKED = {
    "rule": "required",
    "offence": "given",
    "coercive": "yes",
    "own": "no",
    "listed": "no",
    "listed_penalty": "",
    "domestic": "",
    "criminalisation": "unknown",
    "asking": "",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"criminalisation": "criminalised"}, "met"),
        ({"criminalisation": "treaty-implied"}, "met"),
        ({"criminalisation": "partly"}, "unknown"),
        ({"criminalisation": "unknown"}, "unknown"),
        ({"criminalisation": "not-criminalised"}, "not-met"),
        ({"rule": "not-required", "criminalisation": "not-criminalised"}, "met"),
        ({"rule": "deemed", "criminalisation": "unknown"}, "met"),
        ({"rule": "coercive-only", "coercive": "no"}, "met"),
        ({"rule": "coercive-only", "criminalisation": "not-criminalised"}, "not-met"),
        ({"rule": "required-outside-own-offences", "own": "yes"}, "met"),
        ({"rule": "required-outside-own-offences", "criminalisation": "not-criminalised"}, "not-met"),
        ({"rule": "optional", "listed": "yes", "listed_penalty": "reached"}, "met"),
        ({"rule": "optional", "listed": "yes", "domestic": "required"}, "unknown"),
        ({"rule": "optional", "domestic": "not-required"}, "met"),
        # Where dual criminality is not asked for, the law of the asking state is its own affair.
        ({"rule": "not-required", "asking": "recorded-no-crime"}, "met"),
        ({"criminalisation": "criminalised", "asking": "recorded-no-crime"}, "not-met"),
    ],
)
def test_dual_criminality(decide: Decide, changed: dict[str, str], expected: str) -> None:
    assert decide("dual-criminality", **{**ASKED, **changed}) == expected


@pytest.mark.parametrize(
    ("side", "requested", "requesting", "expected"),
    [
        ("both", "yes", "unknown", "met"),
        ("both", "unknown", "yes", "unknown"),
        ("both", "no", "yes", "not-met"),
        ("both", "yes", "no", "not-met"),
        ("requesting", "no", "unknown", "met"),
        ("requesting", "no", "yes", "met"),
        ("requesting", "yes", "no", "not-met"),
        ("requested", "yes", "unknown", "met"),
    ],
)
def test_a_penalty_threshold(decide: Decide, side: str, requested: str, requesting: str, expected: str) -> None:
    facts = {"side": side, "requested": requested, "requesting": requesting, "stated": "yes", "offence": "given"}
    assert decide("penalty-threshold", **facts) == expected


NATIONAL = {"person": "yes", "kind": "treaty", "ground": "", "declared": "", "rule": ""}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"person": "no", "rule": "barred"}, "none"),
        ({"person": "unstated", "rule": "barred"}, "none"),
        ({"rule": "barred"}, "bar"),
        ({"rule": "eu-only"}, "bar"),
        ({"rule": "eu-only", "kind": "union-law"}, "none"),
        ({"rule": "treaty-only"}, "none"),
        ({"rule": "treaty-only", "kind": "national"}, "bar"),
        ({"rule": "conditional"}, "open"),
        ({"rule": "with-consent"}, "open"),
        ({"rule": "allowed"}, "none"),
        ({"rule": ""}, "open"),
        ({"ground": "mandatory", "rule": "allowed"}, "bar"),
        ({"ground": "optional", "rule": ""}, "refuse"),
        ({"ground": "optional", "rule": "barred"}, "bar"),
    ],
)
def test_the_rule_on_nationals(decide: Decide, changed: dict[str, str], expected: str) -> None:
    assert decide("nationals", **{**NATIONAL, **changed}) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"listed": "no", "later": "no", "ended": "no"}, "not-listed"),
        ({"listed": "no", "later": "yes", "ended": "no"}, "not-listed"),
        ({"listed": "yes", "later": "yes", "ended": "no"}, "too-early"),
        ({"listed": "yes", "later": "no", "ended": "yes"}, "too-late"),
        ({"listed": "yes", "later": "no", "ended": "no"}, "no-link"),
    ],
)
def test_why_the_court_is_out_of_reach(decide: Decide, facts: dict[str, str], expected: str) -> None:
    assert decide("court-out-of-reach", **facts) == expected
