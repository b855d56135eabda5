"""The engine: opens a snapshot and answers questions on it. What every face calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from pydantic import ValidationError
from rapidfuzz import process

from lexgraph import decisions, namedqueries, snapshot
from lexgraph.codes import Codes, InputError
from lexgraph.questions.context import END, START, Context, code, first
from lexgraph.questions.cooperate import cooperate
from lexgraph.questions.havens import havens
from lexgraph.questions.models import CooperateQuestion, HavensQuestion, ProsecuteQuestion, RoutesQuestion
from lexgraph.questions.prosecute import prosecute
from lexgraph.questions.routes import routes
from lexgraph.settings import ID, ONTOLOGY, Project, project
from lexgraph.store import EmbeddedStore, day, iris

_Question = TypeVar("_Question", ProsecuteQuestion, CooperateQuestion, RoutesQuestion, HavensQuestion)


def _field(location: Sequence[int | str]) -> str:
    out = ""
    for part in location:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else str(part)
    return out or "body"


def _read(cls: type[_Question], question: _Question | Mapping[str, Any]) -> _Question:
    """A question as a model. Raises InputError naming the first field that does not fit."""
    if isinstance(question, cls):
        return question
    try:
        return cls.model_validate(question)
    except ValidationError as exc:
        first = exc.errors()[0]
        field = _field(first["loc"])
        suggestions = []
        if first["type"] == "extra_forbidden":
            pool = list(cls.model_fields)
            near = process.extractOne(str(first["loc"][-1]), pool, score_cutoff=60)
            suggestions = [near[0]] if near else []
        raise InputError(field, first["msg"], str(first.get("input", ""))[:80], suggestions) from None


class Engine:
    """Answers from one snapshot; safe to use from several threads."""

    def __init__(self, home: Project, found: snapshot.Snapshot, store: EmbeddedStore) -> None:
        self.project = home
        self.snapshot = found
        self.store = store
        self.manifest = found.manifest
        self.data_version: str = self.manifest["data_version"]
        self.queries = namedqueries.load(found.queries)
        self.codes = Codes(store)
        self.context = Context(store, self.codes, decisions.load(store, ONTOLOGY), self.queries, self.data_version)

    @classmethod
    def open(cls, home: Project | None = None, *, in_memory: bool = True) -> Engine:
        """Open the snapshot in use. Raises NoSnapshotError before the first build.

        ``in_memory`` loads the graph (seconds, then the fastest answers: a server); without it the index on disk
        is asked (at once: a command that answers one question).
        """
        home = home or project()
        found = snapshot.current(home.home)
        store = EmbeddedStore.open(found.graph) if in_memory else EmbeddedStore.attach(found.index)
        return cls(home, found, store)

    def prosecute(self, question: ProsecuteQuestion | Mapping[str, Any]) -> dict[str, Any]:
        """Which state can prosecute; the answer of the contract."""
        return prosecute(self.context, _read(ProsecuteQuestion, question))

    def cooperate(self, question: CooperateQuestion | Mapping[str, Any]) -> dict[str, Any]:
        """Which states can cooperate; the answer of the contract."""
        return cooperate(self.context, _read(CooperateQuestion, question))

    def routes(self, question: RoutesQuestion | Mapping[str, Any]) -> dict[str, Any]:
        """What would open a measure that finds no basis."""
        return routes(self.context, _read(RoutesQuestion, question))

    def havens(self, question: HavensQuestion | Mapping[str, Any]) -> dict[str, Any]:
        """Where an act is recorded as no crime, or from where nothing binds towards a state."""
        return havens(self.context, _read(HavensQuestion, question))

    def run_query(self, name: str, params: Mapping[str, str | Sequence[str]]) -> tuple[list[str], list[dict[str, str]]]:
        """Columns and rows of a named query; IRIs of lexgraph are shortened to codes.

        Raises InputError for an unknown query or parameter, or a value that is no code of its kind.
        """
        query = self.queries.get(name)
        if query is None:
            near = process.extract(
                name, [n for n, q in self.queries.items() if not q.internal], limit=3, score_cutoff=50
            )
            raise InputError("query", f"no query is called {name!r}", name, [n[0] for n in near])
        known = {p.name: p for p in query.parameters}
        bindings: dict[str, list[Any]] = {}
        for key, given in params.items():
            if key not in known:
                near = process.extract(key, list(known), limit=2, score_cutoff=50)
                raise InputError(key, f"the query {name} has no parameter {key!r}", key, [n[0] for n in near])
            values = [given] if isinstance(given, str) else list(given)
            bindings[key] = [known[key].term(self._value(known[key], v)) for v in values]
        columns = namedqueries.columns(query.text)
        rows = [{k: shorten(v) for k, v in row.items()} for row in self.store.select(query.text, bindings)]
        return columns, rows

    def _value(self, parameter: namedqueries.Parameter, text: str) -> str:
        if parameter.kind == "state":
            return self.codes.state(text, parameter.name)
        if parameter.kind == "date":
            return self.codes.day(text, parameter.name)[0]
        if parameter.kind in self.codes.kinds or parameter.kind == "instrument":
            return self.codes.code(parameter.kind, text, parameter.name)
        return text

    def states(self) -> list[dict[str, Any]]:
        """Every legal order."""
        return [self.codes.states[c] for c in sorted(self.codes.states)]

    def state(self, text: str) -> dict[str, Any]:
        """One legal order with what binds it today and how many rules of its law are recorded."""
        found = self.codes.state(text, "code")
        iri = f"{ID}state/{found}"
        counts = self.store.select(
            f"PREFIX lexo: <{ONTOLOGY}> SELECT ?kind (COUNT(?r) AS ?n) WHERE {{ ?r lexo:legalOrder <{iri}> ; a ?kind . "
            "FILTER(?kind IN (lexo:NationalOffence, lexo:NationalJurisdictionRule, lexo:NationalCooperationRule)) } "
            "GROUP BY ?kind ORDER BY ?kind"
        )
        participations = self.context.select("parties", party=iris([found], f"{ID}state/"))
        return {
            **self.codes.states[found],
            "iri": iri,
            "records": {code_of(row["kind"]): int(row["n"]) for row in counts},
            "participations": [
                {"instrument": code(r["instrument"]), **_interval(r)}
                for r in participations
                if "/id/instrument/" in r["instrument"]
            ],
        }

    def instruments(self) -> list[dict[str, Any]]:
        """Every multilateral instrument and statute with its title; bilateral treaties and laws are reached by id."""
        rows = self.context.select("instruments")
        return [{k: shorten(v) for k, v in row.items()} for row in rows]

    def instrument(self, text: str, as_of: str | None = None) -> dict[str, Any]:
        """One instrument with its provisions and its parties on a day (today when left out)."""
        found = self.codes.code("instrument", text, "id")
        on = self.codes.day(as_of, "as_of")[0] if as_of else today()
        iri = f"{ID}instrument/{found}"
        thing = self.store.describe([iri])[iri]
        parties = self.context.select("parties", instrument=iris([found], f"{ID}instrument/"), as_of=[day(on)])
        provisions = self.context.select("provisions", instrument=iris([found], f"{ID}instrument/"))
        return {
            "id": found,
            "iri": iri,
            "title": first(thing, "title") or found,
            "short_title": first(thing, "prefLabel"),
            "kind": shorten(first(thing, "instrumentKind") or first(thing, "bilateralKind") or "") or None,
            "entry_into_force": first(thing, "entryIntoForce"),
            "source": first(thing, "source"),
            "evidence": shorten(first(thing, "evidence") or "") or None,
            "as_of": on,
            "parties": [{"code": r["code"], "name": self.codes.name(r["code"]), **_interval(r)} for r in parties],
            "provisions": [{k: shorten(v) for k, v in row.items() if k != "instrument"} for row in provisions],
        }

    def cases(self) -> list[dict[str, Any]]:
        """Every documented case, in short."""
        keys = ("id", "title", "year", "summary", "collection")
        return [{k: case.get(k) for k in keys} for case in self._cases()]

    def case(self, text: str) -> dict[str, Any]:
        """One documented case, whole. Raises InputError with the nearest."""
        found = {case["id"]: case for case in self._cases()}
        if text not in found:
            near = process.extract(text, list(found), limit=3, score_cutoff=40)
            raise InputError("id", f"no case is called {text!r}", text, [n[0] for n in near])
        return found[text]

    def _cases(self) -> list[dict[str, Any]]:
        paths = sorted(self.snapshot.cases.glob("*.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def _interval(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "from": None if row["from"] == START else row["from"],
        "until": None if row["until"] == END else row["until"],
        "certainty": code(row["certainty"]),
    }


def shorten(value: str) -> str:
    """An IRI of lexgraph as its code, a term as its local name; anything else as it is."""
    return code(value) if value.startswith(ID) else value.removeprefix(ONTOLOGY)


def code_of(iri: str) -> str:
    """The local name of an ontology term."""
    return iri.removeprefix(ONTOLOGY)


def today() -> str:
    """Today as an ISO day."""
    return date.today().isoformat()
