"""Shapes and hygiene: what every record must look like, and what records must not say together.

Core SHACL (``ontology/shapes/*.ttl``) checks single records. Rules across records are set-based queries
(``ontology/shapes/hygiene/*.rq``): a SHACL constraint in SPARQL costs one query per node, these cost one in all.
A hygiene query selects ``?entity`` and ``?message`` (and ``?path`` where one property is at fault); its header
says ``# severity: error`` or ``# severity: warning``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox
import pyshacl
from rdflib import SH, XSD, Graph, Literal, URIRef
from rdflib.term import Node

from lexgraph.settings import BASE
from lexgraph.tables import CANONICAL

_STRING = str(XSD.string)


@dataclass(frozen=True, order=True)
class Finding:
    """Something that a shape or a hygiene query found."""

    severity: str
    entity: str
    path: str
    value: str
    message: str
    check: str


def validate(data: Graph, shapes: Graph) -> list[Finding]:
    """Validate with core SHACL; no inference, since the closure is already in the data."""
    conforms, report, _ = pyshacl.validate(data, shacl_graph=shapes, inference="none", advanced=False, meta_shacl=False)
    if conforms:
        return []
    assert isinstance(report, Graph)
    found = []
    for result in report.subjects(SH.resultSeverity, None):
        severity = "error" if report.value(result, SH.resultSeverity) == SH.Violation else "warning"
        path = report.value(result, SH.resultPath)
        found.append(
            Finding(
                severity=severity,
                entity=str(report.value(result, SH.focusNode)),
                path=str(path) if isinstance(path, URIRef) else "",
                value=str(report.value(result, SH.value) or ""),
                message=str(report.value(result, SH.resultMessage) or ""),
                check=str(report.value(result, SH.sourceShape) or "").replace(BASE, ""),
            )
        )
    return sorted(found)


def read_graph(data: bytes) -> Graph:
    """N-Triples as an rdflib graph; Oxigraph's parser and each term made once take half of rdflib's time."""
    graph = Graph()
    terms: dict[ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple, Node] = {}

    def term(found: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> Node:
        known = terms.get(found)
        if known is None:
            if isinstance(found, ox.Literal):
                datatype = None if found.language or found.datatype.value == _STRING else URIRef(found.datatype.value)
                known = Literal(found.value, lang=found.language, datatype=datatype)
            elif isinstance(found, ox.NamedNode):
                known = URIRef(found.value)
            else:
                raise TypeError(f"{found} is neither an IRI nor a literal")
            terms[found] = known
        return known

    for quad in ox.parse(data, format=ox.RdfFormat.N_TRIPLES):
        graph.add((term(quad.subject), term(quad.predicate), term(quad.object)))
    return graph


def load_shapes(folder: Path) -> Graph:
    """Every shapes file of a folder as one graph."""
    shapes = Graph()
    for path in sorted(folder.glob("*.ttl")):
        shapes.parse(data=path.read_text(encoding="utf-8").replace(CANONICAL, BASE), format="turtle")
    return shapes


def hygiene(store: ox.Store, folder: Path) -> list[Finding]:
    """Run every hygiene query of a folder over the default graph."""
    found = []
    for path in sorted(folder.glob("*.rq")):
        text = path.read_text(encoding="utf-8").replace(CANONICAL, BASE)
        severity = "warning" if "# severity: warning" in text else "error"
        rows = store.query(text)
        assert isinstance(rows, ox.QuerySolutions)
        names = [v.value for v in rows.variables]
        for row in rows:
            path_term = row["path"] if "path" in names else None
            found.append(
                Finding(
                    severity=severity,
                    entity=row["entity"].value,
                    path=path_term.value if path_term is not None else "",
                    value="",
                    message=row["message"].value,
                    check=path.stem,
                )
            )
    return sorted(found)
