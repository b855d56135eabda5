"""Things and terms behind their IRIs, in the form that the client asks for.

An address answers at once, without a detour over a 303: whoever follows the IRI itself has been redirected
here already, and the Link header tells the IRI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

import pyoxigraph as ox
import zstandard
from fastapi import APIRouter, Request, Response

from lexgraph.api import openapi, pages
from lexgraph.api.negotiate import HTML, check_names, pick, respond
from lexgraph.api.problems import Problem
from lexgraph.api.snapshots import Holder, Opened
from lexgraph.settings import BASE, GRAPH, ID, ONTOLOGY
from lexgraph.sparql.results import GRAPHS, MediaType

_OFFERS = (*GRAPHS, HTML)
_INCOMING = 50

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_OWL = "http://www.w3.org/2002/07/owl#"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
PREFIXES = {
    "lexo": ONTOLOGY,
    "rdf": _RDF,
    "rdfs": _RDFS,
    "owl": _OWL,
    "skos": _SKOS,
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "prov": "http://www.w3.org/ns/prov#",
    "eli": "http://data.europa.eu/eli/ontology#",
    "vann": "http://purl.org/vocab/vann/",
}
_LABELS = (f"{_SKOS}prefLabel", f"{_RDFS}label", "http://purl.org/dc/terms/title")
_SECTIONS = (
    (f"{_OWL}Class", "Classes"),
    (f"{_OWL}ObjectProperty", "Properties that link"),
    (f"{_OWL}DatatypeProperty", "Properties with values"),
)


def ontology(graph: Path) -> bytes:
    """The ontology's own graph of a snapshot, as N-Triples."""
    found = bytearray()
    ending = f" <{GRAPH}ontology".encode()
    line = re.compile(re.escape(ending) + rb"[^<> ]*> \.$")
    with graph.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as source:
        rest = b""
        while block := source.read(1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            for text in lines:
                if ending in text and (match := line.search(text)):
                    found += text[: match.start()] + b" .\n"
    return bytes(found)


def routes(holder: Holder) -> APIRouter:
    """Things below /id/, terms below /ontology/, and the ontology as a whole."""
    router = APIRouter(tags=["Linked data"])

    def thing(request: Request, path: str) -> Response:
        """What the graph says of a thing."""
        return described(request, ID + path)

    def term(request: Request, path: str) -> Response:
        """What the graph says of a term or module of the ontology; all of it at its version's address."""
        opened = holder.get()
        iri = ONTOLOGY + path
        rows = opened.engine.store.select(
            f"SELECT ?o {{ ?o <{_OWL}versionIRI> {_named(iri)} }} ORDER BY STRLEN(STR(?o)) LIMIT 1"
        )
        if rows and rows[0]["o"] == ONTOLOGY:
            return whole(request)
        return described(request, rows[0]["o"] if rows else iri)

    def whole(request: Request) -> Response:
        """The ontology."""
        check_names(request, ("format",))
        media = pick(request, _OFFERS)
        opened = holder.get()

        def make() -> bytes:
            if media == HTML:
                return _ontology_page(request, opened)
            return _serialise(opened.ontology, media)

        return respond(request, opened, media, make, headers=_headers(media, ONTOLOGY))

    def described(request: Request, iri: str) -> Response:
        check_names(request, ("format",))
        media = pick(request, _OFFERS)
        opened = holder.get()

        def make() -> bytes:
            triples = opened.engine.store.construct(f"DESCRIBE {_named(iri)}")
            if not triples:
                raise Problem("not-found", f"The graph says nothing of <{iri}>.")
            return _page(request, opened, iri, triples) if media == HTML else _serialise(triples, media)

        return respond(request, opened, media, make, headers=_headers(media, iri))

    for path, handler, shown in (
        ("/id/{path:path}", thing, True),
        ("/ontology", whole, True),
        ("/ontology/", whole, False),
        ("/ontology/{path:path}", term, True),
    ):
        router.add_api_route(
            path,
            handler,
            methods=["GET"],
            name=handler.__name__ if shown else f"{handler.__name__}_slash",
            response_class=Response,
            responses={
                200: openapi.negotiated(_OFFERS),
                304: openapi.NOT_MODIFIED,
                **openapi.errors(404, 406, 422, 500, 503),
            },
            openapi_extra={"parameters": [openapi.format_parameter(_OFFERS)]},
            include_in_schema=shown,
        )
    return router


def _named(iri: str) -> str:
    """An IRI as it stands in a query. What is no IRI names nothing."""
    try:
        return str(ox.NamedNode(iri))
    except ValueError:
        raise Problem("not-found", f"{iri!r} is not an IRI.") from None


def _headers(media: MediaType, iri: str) -> dict[str, str]:
    link = {"Link": f'<{iri}>; rel="canonical"'} if iri.isascii() else {}
    return {**link, **pages.HEADERS} if media == HTML else link


def _serialise(triples: bytes, media: MediaType) -> bytes:
    parsed = ox.parse(triples, format=ox.RdfFormat.N_TRIPLES)
    content = ox.serialize((quad.triple for quad in parsed), format=media.rdf_format, prefixes=PREFIXES)
    assert content is not None
    return content


# ---------------------------------------------------------------------------------------------------- pages


def short(iri: str) -> str:
    """An IRI with a prefix where there is one, without the base where it is ours."""
    for prefix, namespace in PREFIXES.items():
        rest = iri.removeprefix(namespace)
        if rest and rest != iri and "/" not in rest:
            return f"{prefix}:{rest}"
    return iri.removeprefix(ID) if iri.startswith(ID) else iri


def _link(root: str, iri: str, labels: dict[str, str]) -> str:
    address = f"{root}/{iri.removeprefix(BASE)}" if iri.startswith((ID, ONTOLOGY)) else iri
    if not address.startswith(("/", "http://", "https://")):
        return escape(iri)
    label = labels.get(iri)
    said = f" <span>{escape(label)}</span>" if label else ""
    return f'<a href="{escape(address)}" rel="noreferrer">{escape(short(iri))}</a>{said}'


def _labels(opened: Opened, terms: Iterable[str]) -> dict[str, str]:
    """English names of things, where they have any."""
    nodes = " ".join(str(ox.NamedNode(iri)) for iri in dict.fromkeys(terms) if iri.startswith(BASE))
    properties = " ".join(f"<{iri}>" for iri in _LABELS)
    rows = opened.engine.store.select(
        f"SELECT ?s (SAMPLE(?o) AS ?label) {{ VALUES ?s {{ {nodes} }} VALUES ?p {{ {properties} }} ?s ?p ?o "
        'FILTER(LANG(?o) IN ("", "en")) } GROUP BY ?s'
    )
    return {row["s"]: row["label"] for row in rows if "label" in row}


def _page(request: Request, opened: Opened, iri: str, triples: bytes) -> bytes:
    root = request.scope.get("root_path", "")
    node = ox.NamedNode(iri)
    values: dict[str, list[ox.NamedNode | ox.Literal]] = {}
    for quad in ox.parse(triples, format=ox.RdfFormat.N_TRIPLES):
        if quad.subject == node and isinstance(quad.object, ox.NamedNode | ox.Literal):
            values.setdefault(quad.predicate.value, []).append(quad.object)
    incoming = opened.engine.store.select(f"SELECT ?s ?p {{ ?s ?p {node} }} LIMIT {_INCOMING + 1}")
    linked = [one.value for many in values.values() for one in many if isinstance(one, ox.NamedNode)]
    labels = _labels(opened, [iri, *values, *linked, *(row["s"] for row in incoming)])

    def show(term: ox.NamedNode | ox.Literal) -> str:
        if isinstance(term, ox.NamedNode):
            return _link(root, term.value, labels)
        language = f' lang="{escape(term.language)}" dir="auto"' if term.language else ""
        return f"<span{language}>{escape(term.value)}</span>"

    def key(term: ox.NamedNode | ox.Literal) -> tuple[str, str]:
        return (term.language or "" if isinstance(term, ox.Literal) else "", term.value)

    rows = "".join(
        f"<tr><th>{_link(root, name, {})}</th><td>{'<br>'.join(map(show, sorted(terms, key=key)))}</td></tr>"
        for name, terms in sorted(values.items(), key=lambda item: (item[0] not in _LABELS, short(item[0])))
    )
    title = labels.get(iri) or short(iri)
    here = f"{root}/{iri.removeprefix(BASE)}"
    formats = " · ".join(f'<a href="{escape(here)}?format={media.alias}">{escape(media.name)}</a>' for media in GRAPHS)
    body = f"<p><code>{escape(iri)}</code></p><p>{formats}</p><table>{rows}</table>"
    if incoming:
        more = f" (the first {_INCOMING})" if len(incoming) > _INCOMING else ""
        items = "".join(
            f"<tr><th>{_link(root, row['s'], labels)}</th><td>{_link(root, row['p'], {})}</td></tr>"
            for row in incoming[:_INCOMING]
        )
        body += f"<h2>Referred to by{more}</h2><table>{items}</table>"
    return pages.page(root, title, body)


def _ontology_page(request: Request, opened: Opened) -> bytes:
    root = request.scope.get("root_path", "")
    kinds: dict[str, list[str]] = {}
    texts: dict[str, tuple[str, str]] = {}
    title = "Ontology"
    for quad in ox.parse(opened.ontology, format=ox.RdfFormat.N_TRIPLES):
        if not isinstance(quad.subject, ox.NamedNode):
            continue
        subject, predicate = quad.subject.value, quad.predicate.value
        if isinstance(quad.object, ox.NamedNode) and predicate == f"{_RDF}type":
            kinds.setdefault(quad.object.value, []).append(subject)
        elif isinstance(quad.object, ox.Literal) and quad.object.language in ("en", None):
            label, definition = texts.get(subject, ("", ""))
            if predicate == f"{_RDFS}label":
                label = quad.object.value
            elif predicate == f"{_SKOS}definition":
                definition = quad.object.value
            elif subject == ONTOLOGY and predicate == "http://purl.org/dc/terms/title":
                title = quad.object.value
            texts[subject] = (label, definition)
    formats = " · ".join(f'<a href="{root}/ontology?format={media.alias}">{escape(media.name)}</a>' for media in GRAPHS)
    body = f"<p><code>{escape(ONTOLOGY)}</code></p><p>{formats}</p>"
    for kind, heading in _SECTIONS:
        rows = "".join(
            f"<tr><th>{_link(root, iri, {})}</th><td>{escape(texts.get(iri, ('', ''))[1])}</td></tr>"
            for iri in sorted(set(kinds.get(kind, [])))
            if iri.startswith(ONTOLOGY)
        )
        if rows:
            body += f"<h2>{heading}</h2><table>{rows}</table>"
    return pages.page(root, title, body)
