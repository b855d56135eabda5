"""The three-valued evaluator: runs the tests and tables that ``ontology/decisions`` declares.

It knows how to compare, not what the law is. A *test* compares a fact of the question with a record (relation,
field, outcome for yes, no and not given). A *table* maps named inputs to an outcome; its rows are tried in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lexgraph.store import Store

Facts = Mapping[str, str]


@dataclass(frozen=True)
class FactTest:
    """One declared test."""

    id: str
    family: str
    code: str
    relation: str
    fields: tuple[str, ...]
    value: str
    outcomes: Mapping[str, str]
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class TableRow:
    """One row of a decision table: inputs that must match, and the outcome."""

    rank: int
    when: Mapping[str, frozenset[str]]
    then: str
    why: str
    source: str = ""

    def matches(self, facts: Facts) -> bool:
        """Whether every input of the row has one of its values; an input not given counts as blank."""
        return all(facts.get(name, "") in wanted for name, wanted in self.when.items())


@dataclass
class Decisions:
    """All declared tests and tables."""

    tests: dict[tuple[str, str], FactTest] = field(default_factory=dict)
    tables: dict[str, list[TableRow]] = field(default_factory=dict)
    sentences: dict[str, dict[str, str]] = field(default_factory=dict)
    """Sentence templates by key and language."""

    def first(self, table: str, facts: Facts) -> TableRow:
        """The first row of a table that matches. Raises LookupError when none does: tables are to be complete."""
        for row in self.tables[table]:
            if row.matches(facts):
                return row
        raise LookupError(f"decision table {table} has no row for {dict(facts)}")

    def all(self, table: str, facts: Facts) -> list[TableRow]:
        """Every row of a table that matches, in order."""
        return [row for row in self.tables.get(table, []) if row.matches(facts)]

    def test(self, family: str, code: str, yes: bool | None, names: Mapping[str, Any]) -> tuple[str, str]:
        """Outcome and reason of a test whose comparison gave yes, no, or None (not given)."""
        test = self.tests[(family, code)]
        key = "absent" if yes is None else "true" if yes else "false"
        return test.outcomes[key], test.reasons[key].format_map(_Names(names))


class _Names(dict[str, Any]):
    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__(names)

    def __missing__(self, key: str) -> str:
        return ""


def fill(template: str, names: Mapping[str, Any]) -> str:
    """A sentence template with its names filled in; an unknown name leaves nothing."""
    return template.format_map(_Names(names))


_TESTS = """
PREFIX lexo: <{o}>
PREFIX dct: <http://purl.org/dc/terms/>
SELECT ?id ?family ?code ?relation ?field ?value ?t ?f ?a ?wt ?wf ?wa WHERE {{
  ?test a lexo:FactTest ; dct:identifier ?id ; lexo:testFamily ?family ; lexo:testsCode ?code ;
        lexo:testRelation ?relation .
  OPTIONAL {{ ?test lexo:testField ?field }} OPTIONAL {{ ?test lexo:testValue ?value }}
  OPTIONAL {{ ?test lexo:ifTrue ?t }} OPTIONAL {{ ?test lexo:ifFalse ?f }} OPTIONAL {{ ?test lexo:ifAbsent ?a }}
  OPTIONAL {{ ?test lexo:whyTrue ?wt }} OPTIONAL {{ ?test lexo:whyFalse ?wf }} OPTIONAL {{ ?test lexo:whyAbsent ?wa }}
}} ORDER BY ?id"""

_ROWS = """
PREFIX lexo: <{o}>
PREFIX dct: <http://purl.org/dc/terms/>
SELECT ?table ?rank ?when ?then ?why ?source WHERE {{
  ?row a lexo:DecisionRow ; lexo:decisionTable ?table ; lexo:decisionRank ?rank .
  OPTIONAL {{ ?row lexo:decisionThen ?then }}
  OPTIONAL {{ ?row lexo:decisionWhen ?when }}
  OPTIONAL {{ ?row lexo:decisionWhy ?why }}
  OPTIONAL {{ ?row dct:bibliographicCitation ?source }}
}} ORDER BY ?table ?rank"""


_SENTENCES = """
PREFIX lexo: <{o}>
PREFIX dct: <http://purl.org/dc/terms/>
SELECT ?key ?lang ?text WHERE {{
  ?s a lexo:SentenceTemplate ; dct:identifier ?key ; lexo:template ?text . BIND(LANG(?text) AS ?lang)
}} ORDER BY ?key ?lang"""


def parse_when(text: str) -> dict[str, frozenset[str]]:
    """``a=x|y & b=z`` as inputs and their allowed values."""
    out: dict[str, frozenset[str]] = {}
    for part in filter(None, (p.strip() for p in text.split("&"))):
        name, _, values = part.partition("=")
        out[name.strip()] = frozenset(v.strip() for v in values.split("|"))
    return out


def load(store: Store, ontology: str) -> Decisions:
    """Read the declared tests and tables from the graph."""
    out = Decisions()
    for row in store.select(_TESTS.format(o=ontology)):
        family = row["family"].rsplit("/", 1)[-1]
        outcomes = {"true": row.get("t", ""), "false": row.get("f", ""), "absent": row.get("a", "")}
        reasons = {"true": row.get("wt", ""), "false": row.get("wf", ""), "absent": row.get("wa", "")}
        fields: Sequence[str] = row.get("field", "").split("+") if row.get("field") else ()
        out.tests[(family, row["code"])] = FactTest(
            row["id"],
            family,
            row["code"],
            row["relation"],
            tuple(fields),
            row.get("value", ""),
            outcomes,
            reasons,
        )
    for row in store.select(_ROWS.format(o=ontology)):
        out.tables.setdefault(row["table"], []).append(
            TableRow(
                int(row["rank"]),
                parse_when(row.get("when", "")),
                row.get("then", ""),
                row.get("why", ""),
                row.get("source", ""),
            )
        )
    for row in store.select(_SENTENCES.format(o=ontology)):
        out.sentences.setdefault(row["key"], {})[row["lang"]] = row["text"]
    return out
