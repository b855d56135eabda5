"""The service about itself: start page, reference, health, metrics, descriptions."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlencode

import pyoxigraph as ox
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from lexgraph import __version__
from lexgraph.api import openapi, pages, reference
from lexgraph.api.entities import PREFIXES
from lexgraph.api.metrics import Metrics
from lexgraph.api.negotiate import HTML, JSON, dump, pick, respond
from lexgraph.api.problems import KINDS, Problem
from lexgraph.api.queries import entry, public
from lexgraph.api.snapshots import Holder
from lexgraph.export import LICENCE
from lexgraph.settings import ID, PROBLEM
from lexgraph.sparql.results import GRAPHS

_VOID = "http://rdfs.org/ns/void#"
_DCT = "http://purl.org/dc/terms/"
_DCAT = "http://www.w3.org/ns/dcat#"
_SPDX = "http://spdx.org/rdf/terms#"
_XSD = "http://www.w3.org/2001/XMLSchema#"


def routes(holder: Holder, metrics: Metrics) -> APIRouter:
    """Everything that is not about the law."""
    router = APIRouter(tags=["Service"])

    def health() -> Response:
        """Whether the process is alive. It is also while the graph is loading; see /ready."""
        return _json(200, {"status": "alive", "version": __version__, "data_version": holder.version})

    def ready() -> Response:
        """Whether questions are answered."""
        return _json(200, {"status": "ready", "data_version": holder.get().engine.data_version})

    def measured() -> Response:
        """Counters in Prometheus' text format."""
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def described(request: Request) -> Response:
        """This description."""
        return _json(200, request.app.openapi())

    def documented(request: Request) -> Response:
        """The reference page."""
        return _html(reference.page(request.app.openapi(), request.scope.get("root_path", "")))

    def landing(request: Request) -> Response:
        """The start page."""
        return _html(_landing(request, holder))

    def void(request: Request) -> Response:
        """The data set, described with VoID and DCAT."""
        media = pick(request, GRAPHS)
        opened = holder.get()
        base = str(request.base_url)

        def make() -> bytes:
            try:
                triples = list(_void(base, holder))
            except ValueError:
                # The Host header is the client's, and may make no IRI.
                raise Problem("not-found", f"{base!r} is not an address.") from None
            prefixes = {**PREFIXES, "void": _VOID, "dcat": _DCAT, "spdx": _SPDX}
            content = ox.serialize(triples, format=media.rdf_format, prefixes=prefixes)
            assert content is not None
            return content

        files = [f"{base} {name}" for name in opened.catalogue.files()]
        return respond(request, opened, media, make, depends_on=files)

    def problem(request: Request, code: str) -> Response:
        """What a kind of problem means."""
        kind = KINDS.get(code)
        if kind is None:
            raise Problem("not-found", f"There is no description of {code!r} here.")
        if pick(request, (HTML, JSON)) == JSON:
            return _json(
                200,
                {
                    "type": f"{PROBLEM}{code}",
                    "title": kind.title,
                    "status": kind.status,
                    "description": kind.text,
                },
            )
        body = f"<p>Status {kind.status}. {escape(kind.text)}</p><p><code>{escape(PROBLEM + code)}</code></p>"
        return _html(pages.page(request.scope.get("root_path", ""), kind.title, body))

    text = {"text/html": {"schema": {"type": "string"}}}
    for path, handler, content, statuses in (
        ("/health", health, {"application/json": {}}, ()),
        ("/ready", ready, {"application/json": {}}, (503,)),
        ("/metrics", measured, {"text/plain": {"schema": {"type": "string"}}}, ()),
        ("/openapi.json", described, {"application/json": {}}, ()),
        ("/docs", documented, text, ()),
        ("/", landing, text, ()),
        ("/problem/{code}", problem, {**text, "application/json": {}}, (404, 406, 422)),
        ("/.well-known/void", void, {media.name: {} for media in GRAPHS}, (406, 422, 503)),
    ):
        router.add_api_route(
            path,
            handler,
            methods=["GET"],
            response_class=Response,
            responses={
                200: {"description": "Here it is.", "content": content},
                **openapi.errors(*statuses, 500),
            },
        )
    return router


def _json(status: int, value: Any) -> Response:
    headers = {"Content-Type": JSON.name, "Cache-Control": "no-cache"}
    return Response(dump(value), status_code=status, headers=headers)


def _html(content: bytes) -> Response:
    headers = {**pages.HEADERS, "Content-Type": HTML.content_type, "Cache-Control": "no-cache"}
    return Response(content, headers=headers)


def _landing(request: Request, holder: Holder) -> bytes:
    root = request.scope.get("root_path", "")
    shown = openapi.examples()

    def rows(items: list[tuple[str, str]]) -> str:
        return "".join(
            f'<tr><th>{escape(text)}</th><td><a href="{escape(address)}"><code>{escape(address)}</code></a></td></tr>'
            for text, address in items
        )

    asked = [
        (
            shown[name]["text"],
            f"{root}/v1/{name}?{urlencode(shown[name]['parameters'], doseq=True)}",
        )
        for name in ("prosecute", "cooperate", "routes", "havens")
    ]
    links = [(one["text"], root + one["address"]) for one in shown["links"]]
    opened = holder.opened
    state = f"Data version {opened.engine.data_version}." if opened else "The graph is being loaded."
    body = (
        "<p>Which state can prosecute an offence, and which can cooperate, on a day. Every answer comes with "
        f"its legal basis, its conditions, its source and its certainty.</p><p>{escape(state)}</p>"
        f"<h2>Ask</h2><table>{rows(asked)}</table><p>With the whole question as a body:</p>"
        f"<pre>{escape(_curl(str(request.base_url), shown['prosecute']['question']), quote=False)}</pre>"
        f"<h2>Look up</h2><table>{rows(links)}</table>"
    )
    if opened:
        listed = [entry(query, root) for query in public(opened).values()]
        named = [(one["question"] or one["title"], one["example"]) for one in listed if "?" in one["example"]]
        body += f"<h2>Named queries</h2><table>{rows(named)}</table>" if named else ""
    return pages.page(root, "Who can prosecute, who can cooperate", body)


def _curl(base: str, question: dict[str, Any]) -> str:
    given = {name: value for name, value in question.items() if value not in ([], {})}
    body = dump(given).decode().strip()
    return f"curl {base}v1/prosecute -H 'Content-Type: application/json' -d '{body}'"


def _void(base: str, holder: Holder) -> list[ox.Triple]:
    opened = holder.get()
    dataset = ox.NamedNode(f"{base}.well-known/void#dataset")
    service = ox.NamedNode(f"{base}.well-known/void#sparql")
    kind = ox.NamedNode(f"{PREFIXES['rdf']}type")

    def node(iri: str) -> ox.NamedNode:
        return ox.NamedNode(iri)

    def number(value: int, of: str = "integer") -> ox.Literal:
        return ox.Literal(str(value), datatype=node(_XSD + of))

    triples = [
        ox.Triple(dataset, kind, node(f"{_VOID}Dataset")),
        ox.Triple(dataset, kind, node(f"{_DCAT}Dataset")),
        ox.Triple(dataset, node(f"{_DCT}title"), ox.Literal("lexgraph", language="en")),
        ox.Triple(dataset, node(f"{_DCT}license"), node(LICENCE)),
        ox.Triple(dataset, node(f"{PREFIXES['owl']}versionInfo"), ox.Literal(opened.engine.data_version)),
        ox.Triple(dataset, node(f"{_VOID}sparqlEndpoint"), node(f"{base}sparql")),
        ox.Triple(dataset, node(f"{_VOID}uriSpace"), ox.Literal(ID)),
        ox.Triple(dataset, node(f"{_VOID}vocabulary"), node(PREFIXES["lexo"])),
        ox.Triple(dataset, node(f"{_VOID}triples"), number(len(opened.engine.store))),
        ox.Triple(service, kind, node(f"{_DCAT}DataService")),
        ox.Triple(service, node(f"{_DCAT}endpointURL"), node(f"{base}sparql")),
        ox.Triple(service, node(f"{_DCAT}servesDataset"), dataset),
    ]
    for file in opened.catalogue.entries(base.rstrip("/")):
        one = node(file["href"])
        checksum = node(f"{base}.well-known/void#sha256-{file['sha256']}")
        media = file["media_type"].split(";", 1)[0]
        triples += [
            ox.Triple(dataset, node(f"{_DCAT}distribution"), one),
            ox.Triple(one, kind, node(f"{_DCAT}Distribution")),
            ox.Triple(one, node(f"{_DCAT}downloadURL"), one),
            ox.Triple(
                one,
                node(f"{_DCAT}mediaType"),
                node(f"https://www.iana.org/assignments/media-types/{media}"),
            ),
            ox.Triple(one, node(f"{_DCAT}byteSize"), number(file["size"], "nonNegativeInteger")),
            ox.Triple(one, node(f"{_DCT}license"), node(LICENCE)),
            ox.Triple(
                one,
                node(f"{_DCT}modified"),
                ox.Literal(file["modified"], datatype=node(f"{_XSD}dateTime")),
            ),
            ox.Triple(one, node(f"{_SPDX}checksum"), checksum),
            ox.Triple(
                checksum,
                node(f"{_SPDX}algorithm"),
                node("http://spdx.org/rdf/terms#checksumAlgorithm_sha256"),
            ),
            ox.Triple(
                checksum,
                node(f"{_SPDX}checksumValue"),
                ox.Literal(file["sha256"], datatype=node(f"{_XSD}hexBinary")),
            ),
        ]
        if ".nq" in file["name"] or ".nt" in file["name"] or ".ttl" in file["name"]:
            triples.append(ox.Triple(dataset, node(f"{_VOID}dataDump"), one))
    return triples
