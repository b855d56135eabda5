"""The store: bound parameters in, typed rows out.

The one seam between questions and an engine. A query names its parameters in lines ``VALUES ?name { UNDEF }``
(or ``VALUES (?a ?b) { (UNDEF UNDEF) }``), which any SPARQL engine reads as "anything"; binding replaces UNDEF by
terms. So one text answers for one case and for all of them. Engines do not carry bindings into the branches of a
UNION, so each branch repeats the lines that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pyoxigraph as ox
import zstandard

Term = ox.NamedNode | ox.Literal
Row = dict[str, str]
"""One solution: variable -> lexical form or IRI; unbound variables are absent."""

Thing = dict[str, list[str]]
"""What is said of one thing: local property name -> values."""

Bindings = Mapping[str, Sequence[Term | tuple[Term, ...]]]

_VALUES = re.compile(r"VALUES\s+(?:\?(?P<one>\w+)|\((?P<many>(?:\s*\?\w+)+\s*)\))\s*\{\s*\(?(?:\s*UNDEF)+\s*\)?\s*\}")


class UnknownParameterError(ValueError):
    """A value was given for a parameter that the query does not have."""


def bind(text: str, bindings: Bindings) -> str:
    """Put terms in the place of UNDEF. Keys are variable names; several variables are joined by a space.

    Terms are written by the engine's own serialiser, so a value can never break out of its place. Raises
    UnknownParameterError for a key that the text does not have.
    """
    used: set[str] = set()

    def fill(match: re.Match[str]) -> str:
        names = [match["one"]] if match["one"] else [n.lstrip("?") for n in match["many"].split()]
        key = " ".join(names)
        if key not in bindings:
            return match[0]
        used.add(key)
        rows = bindings[key]
        if len(names) == 1:
            return f"VALUES ?{key} {{ {' '.join(str(term) for term in rows)} }}"
        tuples = " ".join("(" + " ".join(str(t) for t in row) + ")" for row in rows if isinstance(row, tuple))
        return f"VALUES ({' '.join('?' + n for n in names)}) {{ {tuples} }}"

    out = _VALUES.sub(fill, text)
    if unknown := sorted(set(bindings) - used):
        raise UnknownParameterError(f"the query has no parameter {', '.join(unknown)}")
    return out


class Store(Protocol):
    """What questions need of an engine."""

    def select(self, text: str, bindings: Bindings | None = None) -> list[Row]:
        """Rows of a SELECT over the union of all graphs."""
        ...

    def describe(self, iris: Iterable[str]) -> dict[str, Thing]:
        """Every property of some things."""
        ...


class EmbeddedStore:
    """Oxigraph in memory, loaded from a snapshot; every triple in the default graph."""

    def __init__(self, store: ox.Store) -> None:
        self._store = store
        self._things: dict[str, Thing] = {}

    @classmethod
    def attach(cls, index: Path) -> EmbeddedStore:
        """Open a snapshot's index read-only: there at once, some ten times slower to ask than memory."""
        return cls(ox.Store.read_only(str(index)))

    @classmethod
    def open(cls, graph: Path) -> EmbeddedStore:
        """Load a snapshot's graph (zstandard-compressed N-Quads), merging its named graphs."""
        store = ox.Store()
        data = zstandard.ZstdDecompressor().decompressobj().decompress(graph.read_bytes())
        triples = _QUAD.sub(rb" .\n", data)
        store.bulk_load(triples, format=ox.RdfFormat.N_TRIPLES)
        return cls(store)

    def __len__(self) -> int:
        return len(self._store)

    def select(self, text: str, bindings: Bindings | None = None) -> list[Row]:
        """Evaluate a SELECT; see the protocol."""
        solutions = self._store.query(bind(text, bindings) if bindings else text)
        if not isinstance(solutions, ox.QuerySolutions):
            raise TypeError("the query is no SELECT")
        names = [v.value for v in solutions.variables]
        rows = []
        for solution in solutions:
            row: Row = {}
            for index, name in enumerate(names):
                term = solution[index]
                if term is not None:
                    row[name] = term.value
            rows.append(row)
        return rows

    def describe(self, iris: Iterable[str]) -> dict[str, Thing]:
        """Every property of some things; kept, since a snapshot does not change."""
        out = {}
        for iri in iris:
            thing = self._things.get(iri)
            if thing is None:
                thing = {}
                for quad in self._store.quads_for_pattern(ox.NamedNode(iri), None, None, None):
                    name = _LOCAL.sub("", quad.predicate.value)
                    thing.setdefault(name, []).append(quad.object.value)  # type: ignore[union-attr]
                for values in thing.values():
                    values.sort()
                if len(self._things) > _KEPT_THINGS:
                    self._things.clear()
                self._things[iri] = thing
            out[iri] = thing
        return out

    def construct(self, text: str) -> bytes:
        """Evaluate a CONSTRUCT or DESCRIBE to N-Triples."""
        triples = self._store.query(text)
        if not isinstance(triples, ox.QueryTriples):
            raise TypeError("the query builds no graph")
        data = triples.serialize(format=ox.RdfFormat.N_TRIPLES)
        return data or b""


# The graph's name ends each line of a snapshot, which lexgraph itself wrote; it has no space in it.
_LOCAL = re.compile(r"^.*[/#]")
_KEPT_THINGS = 100_000
_QUAD = re.compile(rb" <[^<> ]+/graph/[^<> ]+> \.\n")


def iris(values: Iterable[str], prefix: str) -> list[ox.NamedNode]:
    """Codes as IRIs of a kind."""
    return [ox.NamedNode(prefix + value) for value in values]


def day(value: str) -> ox.Literal:
    """An ISO day as a typed term."""
    return ox.Literal(value, datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#date"))
