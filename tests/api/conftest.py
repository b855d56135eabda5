"""A tiny graph, and an engine that answers from it without any law.

What is tested here is routing, formats and errors. `test_engine.py` asks the real engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lexgraph import namedqueries, snapshot
from lexgraph.api import create_app
from lexgraph.codes import Codes, InputError
from lexgraph.settings import GRAPH, ID, ONTOLOGY, Project
from lexgraph.snapshot import Snapshot
from lexgraph.sparql.host import HostStatus, SparqlHost
from lexgraph.store import EmbeddedStore

VERSION = "2026.11.1+aaaa"

_RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_OWL = "http://www.w3.org/2002/07/owl#"
_QUERY = """# title: Names
# question: What is a legal order called?
# param: order state legal order
# example: order=XA
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?order ?name WHERE {
  VALUES ?order { UNDEF }
  ?order a <https://w3id.org/lexgraph/ontology/LegalOrder> ; skos:prefLabel ?name
}
ORDER BY ?name"""


def quads() -> Iterator[bytes]:
    def quad(s: str, p: str, o: str, graph: str = "asserted/tiny") -> bytes:
        return f"<{s}> {p} {o} <{GRAPH}{graph}> .\n".encode()

    for code, alpha3, name in (
        ("XA", "XAA", "Xanadu, Upper"),
        ("XB", "XBB", "Xebec <&>"),
        ("XC", "XCC", "Xyst"),
    ):
        iri = f"{ID}state/{code}"
        yield quad(iri, _RDF_TYPE, f"<{ONTOLOGY}LegalOrder>")
        yield quad(iri, f"<{_SKOS}notation>", f'"{code}"')
        yield quad(iri, f"<{_SKOS}prefLabel>", f'"{name}"@en')
        yield quad(iri, f"<{ONTOLOGY}alpha3>", f'"{alpha3}"')
    for kind, codes in {
        "offence": ("illegal-access", "piracy"),
        "principle": ("flag", "protective"),
        "measure": ("extradition", "video-hearing"),
        "feature": ("serious-crime",),
        "plea": ("health",),
    }.items():
        for code in codes:
            iri = f"{ID}{kind}/{code}"
            yield quad(iri, _RDF_TYPE, f"<{_SKOS}Concept>")
            yield quad(iri, f"<{_SKOS}notation>", f'"{code}"')
            yield quad(iri, f"<{_SKOS}prefLabel>", f'"{code.replace("-", " ")}"@en')
    root = "ontology/lexgraph"
    yield quad(ONTOLOGY, _RDF_TYPE, f"<{_OWL}Ontology>", root)
    yield quad(ONTOLOGY, "<http://purl.org/dc/terms/title>", '"A tiny ontology"@en', root)
    yield quad(ONTOLOGY, f"<{_OWL}versionIRI>", f"<{ONTOLOGY}9.9>", root)
    yield quad(f"{ONTOLOGY}LegalOrder", _RDF_TYPE, f"<{_OWL}Class>", root)
    yield quad(f"{ONTOLOGY}LegalOrder", f"<{_SKOS}definition>", '"Order <of> law."@en', root)
    yield quad(
        f"{ONTOLOGY}LegalOrder",
        "<http://www.w3.org/2000/01/rdf-schema#subClassOf>",
        f"<{_OWL}Thing>",
        "entailed",
    )


class TinyProject(Project):
    """A project whose home is its own, whatever the environment says."""

    @property
    def home(self) -> Path:
        return self.root / "home"


class TinyEngine:
    """What the routes need of an engine."""

    def __init__(self, found: Snapshot) -> None:
        self.snapshot = found
        self.store = EmbeddedStore.open(found.graph)
        self.codes = Codes(self.store)
        self.data_version = found.manifest["data_version"]
        self.queries = {
            "names": namedqueries.parse("names", _QUERY),
            "parts/names": namedqueries.parse("parts/names", f"# internal: part\n{_QUERY}"),
            "deep/names": namedqueries.parse("deep/names", _QUERY),
        }
        self.asked = 0

    def prosecute(self, question: Any) -> dict[str, Any]:
        self.asked += 1
        for index, person in enumerate(question.suspects):
            for text in person.nationality:
                self.codes.state(text, f"suspects[{index}].nationality")
        for text in question.conduct_in:
            self.codes.state(text, "conduct_in")
        if "breakdown" in question.offences:
            raise RuntimeError("secret words")
        return {"question": question.model_dump(), "data_version": self.data_version, "answers": []}

    def cooperate(self, question: Any) -> dict[str, Any]:
        self.codes.state(question.requesting[0], "requesting")
        return {"question": question.model_dump(), "data_version": self.data_version, "answers": []}

    def run_query(self, name: str, params: Mapping[str, str | Sequence[str]]) -> tuple[list[str], list[dict[str, str]]]:
        query = self.queries[name]
        bindings = {
            key: [query.parameters[0].term(self.codes.state(value, key)) for value in values]
            for key, values in params.items()
        }
        return ["order", "name", "never_bound"], self.store.select(query.text, bindings)

    def states(self) -> list[dict[str, Any]]:
        return list(self.codes.states.values())

    def state(self, text: str) -> dict[str, Any]:
        return self.codes.states[self.codes.state(text, "code")]

    def instruments(self) -> list[dict[str, Any]]:
        return [{"id": "treaty-1"}]

    def instrument(self, text: str, as_of: str | None = None) -> dict[str, Any]:
        if text not in ("treaty-1", "bilateral:XA-XB:extradition:2003"):
            raise InputError("id", "no such instrument", text, ["treaty-1"])
        on = self.codes.day(as_of, "as_of")[0] if as_of else None
        return {"id": text, "as_of": on, "parties": []}

    def cases(self) -> list[dict[str, Any]]:
        return [{"id": "case-1"}]

    def case(self, text: str) -> dict[str, Any]:
        if text != "case-1":
            raise InputError("id", "no such case", text, ["case-1"])
        return {"id": text}


class TinyHost:
    """A SPARQL host without a process."""

    def __init__(self) -> None:
        self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def close(self, drain_s: float | None = None) -> None:
        self.closed = True

    def status(self) -> HostStatus:
        return HostStatus(self.started, 1, 1, 0, 0, {}, 0, 0.0, True, True)


def publish(home: Path, version: str = VERSION) -> Snapshot:
    name = version.rpartition("+")[2]
    return snapshot.publish(home, name, snapshot.workplace(home), quads(), {"data_version": version})


def open_tiny(project: Project) -> TinyEngine:
    return TinyEngine(snapshot.current(project.home))


def tiny_app(
    project: Project,
    open_engine: Callable[[Project], Any] = open_tiny,
    open_host: Callable[[Snapshot], Any] = lambda found: TinyHost(),
    check_every_s: float = 0.05,
) -> FastAPI:
    return create_app(
        project,
        open_engine=open_engine,
        open_host=cast("Callable[[Snapshot], SparqlHost]", open_host),
        check_every_s=check_every_s,
    )


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = TinyProject(tmp_path_factory.mktemp("tiny"))
    folder = publish(project.home).folder / "export"
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "names.csv").write_text("code,name\n" + "XA,Xanadu\n" * 500)
    (folder / ".half-written.csv").write_text("code")
    (folder / "outside").symlink_to("/etc/hostname")
    return project


@pytest.fixture(scope="session")
def app(tiny_project: Project) -> FastAPI:
    return tiny_app(tiny_project, check_every_s=60)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        assert app.state.holder.wait(30)
        yield client
