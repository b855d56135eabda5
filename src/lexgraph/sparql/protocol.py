"""The SPARQL 1.1 Protocol over HTTP, query only, as a router to be put into any FastAPI application.

Where the protocol leaves a choice: the default graph is the union of all named graphs; a graph named by
`default-graph-uri` or `named-graph-uri` must be one of this service; relative IRIs resolve against the base
address of the project; `format=` is a short form of Accept. Errors are problem details (RFC 9457).
"""

from __future__ import annotations

import json
import math
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pyoxigraph as ox
from fastapi import APIRouter, Depends, Request, Response

from lexgraph.settings import PROBLEM
from lexgraph.sparql.errors import (
    EngineFailed,
    HostClosed,
    HostUnavailable,
    NotAcceptable,
    QueryBusy,
    QueryFailed,
    QueryMemory,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
    QueryTooLarge,
    SparqlError,
    UnknownGraph,
)
from lexgraph.sparql.guard import MAX_QUERY_BYTES
from lexgraph.sparql.host import HostStatus, QueryResult, SparqlHost
from lexgraph.sparql.results import ALIASES, GRAPHS, ROWS, MediaType, choose

# A form may need three bytes for one of the query, and names its graphs besides.
MAX_BODY_BYTES = 4 * MAX_QUERY_BYTES
_MAX_FIELDS = 1000
_METHODS = "GET, HEAD, POST, OPTIONS"
_FORM = "application/x-www-form-urlencoded"
_DIRECT = "application/sparql-query"
_UPDATE = "application/sparql-update"

_COMMON = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
    "Vary": "Accept",
    # Results carry text of the client's choosing: no browser is to take one for a page and run what is in it.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": _METHODS,
    "Access-Control-Allow-Headers": "Accept, Content-Type",
    "Access-Control-Max-Age": "86400",
    "Allow": _METHODS,
}

_TITLES = {
    "missing-query": "There is no query",
    "several-queries": "There is more than one query",
    "bad-encoding": "The text is not UTF-8",
    "bad-parameters": "The parameters cannot be read",
    "unknown-format": "There is no such format",
    "unknown-graph": "There is no such graph here",
    "query-syntax": "The query is not valid SPARQL 1.1",
    "query-refused": "The query is not allowed here",
    "service": "The query is not allowed here",
    "too-deep": "The query is nested too deeply",
    "update": "This service only reads",
    "method-not-allowed": "The method is not allowed",
    "not-acceptable": "No acceptable format",
    "query-too-long": "The query is too long",
    "result-too-large": "The result is too large",
    "memory-limit": "The query takes too much memory",
    "unsupported-media-type": "The body has the wrong media type",
    "query-failed": "The query cannot be evaluated",
    "engine-failed": "The engine failed",
    "busy": "All workers are busy",
    "unavailable": "The query service is not available",
    "time-limit": "The query takes too long",
}
_REFUSED_STATUS = {"query-too-long": 413, "unknown-graph": 400}


@dataclass(frozen=True)
class _Body:
    """The body of a request, or nothing where it is over the limit."""

    content: bytes | None


@dataclass(frozen=True)
class _Operation:
    """What a request asks for. `query` is None where it asks for the service description."""

    query: str | None
    format_alias: str | None
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]


class _Problem(Exception):
    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.extra = {name: value for name, value in extra.items() if value is not None}


def router(
    host_provider: Callable[[], SparqlHost],
    description: Callable[[str], bytes] | None = None,
    *,
    path: str = "/sparql",
    endpoint: str | None = None,
) -> APIRouter:
    """The endpoint at `path`, with and without a slash at the end.

    Args:
        host_provider: gives the host of the current snapshot. It is asked for every request, and once more
            when a host turns out to have been closed meanwhile.
        description: gives the service description in a media type (Turtle, N-Triples, JSON-LD or RDF/XML).
            Without it one is made from what the host has loaded, see `service_description`.
        path: where the endpoint is.
        endpoint: its absolute address, for the description. Without it, as the request has it.
    """
    routes = APIRouter(tags=["SPARQL"])

    def run(request: Request, body: bytes | None) -> Response:
        accept = ", ".join(request.headers.getlist("accept")) or None
        try:
            operation = _read(request, body)
            if operation.query is None:
                return _describe(request, accept, operation.format_alias)
            result = _ask(host_provider, operation, accept)
            return _respond(request, 200, result.body, result.media_type.content_type)
        except SparqlError as error:
            return _problem(request, _of_error(error, host_provider))
        except _Problem as problem:
            return _problem(request, problem)

    def _describe(request: Request, accept: str | None, alias: str | None) -> Response:
        media = choose(accept, GRAPHS, alias)
        if media is None:
            names = tuple(offer.name for offer in GRAPHS)
            raise NotAcceptable(f"The service description comes as: {', '.join(names)}.", names)
        if description is not None:
            content = description(media.name)
        else:
            host = host_provider()
            host.start()
            address = endpoint or str(request.url.replace(query="", fragment="")).rstrip("/")
            try:
                content = service_description(address, host.status(), media)
            except ValueError as error:
                # The Host header is the client's, and may make no IRI.
                raise _Problem(400, "bad-parameters", f"{address} is not an IRI.") from error
        return _respond(request, 200, content, media.content_type)

    def get(request: Request) -> Response:
        """Run the query in `query`; without one, describe the service."""
        return run(request, None)

    def head(request: Request) -> Response:
        """As GET, without the body."""
        return run(request, None)

    def post(request: Request, body: Annotated[_Body, Depends(_receive)]) -> Response:
        """Run the query in the form field `query`, or in a body of type application/sparql-query."""
        if body.content is None:
            detail = f"The body is over the limit of {MAX_BODY_BYTES} bytes."
            return _problem(request, _Problem(413, "query-too-long", detail))
        return run(request, body.content)

    def options(request: Request) -> Response:
        """Say what is allowed, to browsers that ask before they send."""
        return Response(status_code=204, headers={**_COMMON, **_PREFLIGHT})

    def other(request: Request) -> Response:
        """Refuse the other methods."""
        detail = f"{request.method} is not allowed. Allowed: {_METHODS}."
        return _problem(request, _Problem(405, "method-not-allowed", detail, headers={"Allow": _METHODS}))

    for place, shown in ((path, True), (f"{path}/", False)):
        name = "sparql" if shown else "sparql_slash"
        common: dict[str, Any] = {"response_class": Response, "responses": _RESPONSES}
        routes.add_api_route(
            place,
            get,
            methods=["GET"],
            name=f"{name}_get",
            summary="SPARQL query (GET)",
            include_in_schema=shown,
            openapi_extra={"parameters": _PARAMETERS},
            **common,
        )
        routes.add_api_route(
            place,
            post,
            methods=["POST"],
            name=f"{name}_post",
            summary="SPARQL query (POST)",
            include_in_schema=shown,
            openapi_extra={"parameters": _PARAMETERS[1:], "requestBody": _REQUEST_BODY},
            **common,
        )
        for methods, handler in (
            (["HEAD"], head),
            (["OPTIONS"], options),
            (["PUT", "PATCH", "DELETE"], other),
        ):
            routes.add_api_route(place, handler, methods=methods, include_in_schema=False)
    return routes


# --------------------------------------------------------------------------------------------------- request


async def _receive(request: Request) -> _Body:
    """Read the body up to the limit. It waits for the client, so it must not hold a thread."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            return _Body(None)
    return _Body(bytes(content))


def _read(request: Request, body: bytes | None) -> _Operation:
    """The operation that a request asks for. `body` is None for GET and HEAD."""
    in_url = _fields(request.scope["query_string"])
    fields = list(in_url)
    queries = [value for name, value in in_url if name == "query"]
    if body is not None:
        kind = _media_type(request)
        if kind == _UPDATE:
            raise _Problem(403, "update", "Updates are not allowed: this service only reads.")
        if kind == _FORM:
            in_body = _fields(body)
            fields += in_body
            queries += [value for name, value in in_body if name == "query"]
            if queries and not any(name == "query" for name, _ in in_body):
                raise _Problem(400, "bad-parameters", "With POST the query belongs in the body.")
        elif kind == _DIRECT:
            queries.append(_decode(body))
        else:
            raise _Problem(
                415,
                "unsupported-media-type",
                f"The body must be {_FORM} or {_DIRECT}, not {kind or 'without a type'}.",
                headers={"Accept-Post": f"{_FORM}, {_DIRECT}"},
            )
    if any(name == "update" for name, _ in fields):
        status = 400 if body is None else 403
        raise _Problem(status, "update", "Updates are not allowed: this service only reads.")
    if len(queries) > 1:
        raise _Problem(400, "several-queries", f"There must be one query, not {len(queries)}.")

    def values(wanted: str) -> tuple[str, ...]:
        return tuple(value for name, value in fields if name == wanted)

    default, named = values("default-graph-uri"), values("named-graph-uri")
    if not queries and (body is not None or default or named):
        raise _Problem(400, "missing-query", "There is no parameter `query`.")
    formats = values("format")
    if len(formats) > 1:
        raise _Problem(400, "bad-parameters", "There must be at most one `format`.")
    if formats and formats[0] not in ALIASES:
        known = ", ".join(sorted(ALIASES))
        raise _Problem(400, "unknown-format", f"There is no format {formats[0]!r}. Known: {known}.")
    return _Operation(queries[0] if queries else None, formats[0] if formats else None, default, named)


def _fields(encoded: bytes) -> list[tuple[str, str]]:
    """The fields of a query string or form, percent-decoded once."""
    text = _decode(encoded)
    try:
        return urllib.parse.parse_qsl(
            text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MAX_FIELDS
        )
    except UnicodeDecodeError as error:
        raise _Problem(400, "bad-encoding", "A percent-encoded value is not UTF-8.") from error
    except ValueError as error:
        raise _Problem(400, "bad-parameters", f"There are more than {_MAX_FIELDS} parameters.") from error


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Problem(400, "bad-encoding", f"Byte {error.start + 1} is not UTF-8.") from error


def _media_type(request: Request) -> str:
    """The media type of the body, in lower case. Refuses a charset other than UTF-8."""
    kind, *parameters = request.headers.get("content-type", "").split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise _Problem(415, "unsupported-media-type", f"The body must be in UTF-8, not {value.strip()}.")
    return kind.strip().lower()


def _ask(host_provider: Callable[[], SparqlHost], operation: _Operation, accept: str | None) -> QueryResult:
    assert operation.query is not None
    for attempt in (1, 2):
        try:
            return host_provider().query(
                operation.query,
                accept=accept,
                format_alias=operation.format_alias,
                default_graphs=operation.default_graphs,
                named_graphs=operation.named_graphs,
            )
        except HostClosed:
            # A new snapshot took over between the two steps; the provider now gives its host.
            if attempt == 2:
                raise
    raise AssertionError("not reached")


# -------------------------------------------------------------------------------------------------- response


def _respond(
    request: Request,
    status: int,
    content: bytes,
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    everything = {**_COMMON, **(headers or {}), "Content-Type": content_type}
    if request.method == "HEAD":
        return Response(status_code=status, headers={**everything, "Content-Length": str(len(content))})
    return Response(content, status_code=status, headers=everything)


def _problem(request: Request, problem: _Problem) -> Response:
    document = {
        "type": f"{PROBLEM}{problem.code}",
        "title": _TITLES.get(problem.code, _TITLES["query-refused"]),
        "status": problem.status,
        "detail": problem.detail,
        **problem.extra,
    }
    content = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return _respond(request, problem.status, content, "application/problem+json", problem.headers)


def _of_error(error: SparqlError, host_provider: Callable[[], SparqlHost]) -> _Problem:
    def problem(status: int, **extra: Any) -> _Problem:
        return _Problem(status, error.code, error.message, **extra)

    match error:
        case QueryRefused():
            status = _REFUSED_STATUS.get(error.code, 403)
            return problem(status, line=error.line, column=error.column)
        case QuerySyntaxError():
            return problem(400, line=error.line, column=error.column)
        case UnknownGraph():
            return problem(400)
        case NotAcceptable():
            return problem(406, offers=error.offers)
        case QueryTooLarge() | QueryMemory():
            return problem(413)
        case QueryTimeout():
            return problem(504)
        case QueryBusy():
            wait = math.ceil(host_provider().deadline_s)
            return problem(503, headers={"Retry-After": str(wait)})
        case HostUnavailable():
            return problem(503, headers={"Retry-After": "5"})
        case EngineFailed():
            return problem(500)
        case QueryFailed():
            return problem(400)
        case _:
            return problem(500)


# ----------------------------------------------------------------------------------------------- description

_SD = "http://www.w3.org/ns/sparql-service-description#"
_VOID = "http://rdfs.org/ns/void#"
_RDF_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_INTEGER = ox.NamedNode("http://www.w3.org/2001/XMLSchema#integer")


def service_description(
    endpoint: str, status: HostStatus, media: MediaType, *, more: Iterable[ox.Triple] = ()
) -> bytes:
    """Describe the service in the SPARQL service description vocabulary, with nothing in it that is not so.

    It says: SPARQL 1.1 queries, no federation; the union of all graphs as default graph; the result formats;
    the graphs and their sizes. `more` adds to it, for instance an entailment regime or a licence.

    Args:
        endpoint: the absolute address of the endpoint.
        status: of a host that was started.
        media: one of `results.GRAPHS`.
        more: further triples.
    """
    service = ox.NamedNode(f"{endpoint}#service")
    dataset = ox.NamedNode(f"{endpoint}#dataset")
    union = ox.NamedNode(f"{endpoint}#default-graph")

    def sd(name: str) -> ox.NamedNode:
        return ox.NamedNode(f"{_SD}{name}")

    def count(number: int) -> ox.Literal:
        return ox.Literal(str(number), datatype=_INTEGER)

    triples = [
        ox.Triple(service, _RDF_TYPE, sd("Service")),
        ox.Triple(service, sd("endpoint"), ox.NamedNode(endpoint)),
        ox.Triple(service, sd("supportedLanguage"), sd("SPARQL11Query")),
        ox.Triple(service, sd("feature"), sd("UnionDefaultGraph")),
        ox.Triple(service, sd("defaultDataset"), dataset),
        ox.Triple(dataset, _RDF_TYPE, sd("Dataset")),
        ox.Triple(dataset, sd("defaultGraph"), union),
        ox.Triple(union, _RDF_TYPE, sd("Graph")),
        ox.Triple(union, ox.NamedNode(f"{_VOID}triples"), count(status.triples)),
    ]
    triples += [
        ox.Triple(service, sd("resultFormat"), ox.NamedNode(offer.iri))
        for offer in (*ROWS, *GRAPHS)
        if offer.iri is not None
    ]
    for number, (name, size) in enumerate(sorted(status.graphs.items()), start=1):
        entry = ox.NamedNode(f"{endpoint}#named-graph-{number}")
        graph = ox.NamedNode(f"{endpoint}#graph-{number}")
        triples += [
            ox.Triple(dataset, sd("namedGraph"), entry),
            ox.Triple(entry, _RDF_TYPE, sd("NamedGraph")),
            ox.Triple(entry, sd("name"), ox.NamedNode(name)),
            ox.Triple(entry, sd("graph"), graph),
            ox.Triple(graph, _RDF_TYPE, sd("Graph")),
            ox.Triple(graph, ox.NamedNode(f"{_VOID}triples"), count(size)),
        ]
    content = ox.serialize([*triples, *more], format=media.rdf_format, prefixes={"sd": _SD, "void": _VOID})
    assert content is not None
    return content


# --------------------------------------------------------------------------------------------------- OpenAPI

_STRING = {"type": "string"}
_STRINGS = {"type": "array", "items": _STRING}
_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "query",
        "in": "query",
        "description": "A SPARQL 1.1 query of at most 64 KiB. Without it, the service description.",
        "schema": _STRING,
        "example": "SELECT ?s WHERE { ?s ?p ?o } LIMIT 10",
    },
    {
        "name": "default-graph-uri",
        "in": "query",
        "description": "A graph of the default graph. Takes the place of FROM. May be repeated.",
        "schema": _STRINGS,
    },
    {
        "name": "named-graph-uri",
        "in": "query",
        "description": "A named graph. Takes the place of FROM NAMED. May be repeated.",
        "schema": _STRINGS,
    },
    {
        "name": "format",
        "in": "query",
        "description": "Short form of Accept.",
        "schema": {"type": "string", "enum": sorted(ALIASES)},
    },
]
_REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        _DIRECT: {"schema": _STRING},
        _FORM: {
            "schema": {
                "type": "object",
                "required": ["query"],
                "properties": {
                    "query": _STRING,
                    "default-graph-uri": _STRINGS,
                    "named-graph-uri": _STRINGS,
                    "format": {"type": "string", "enum": sorted(ALIASES)},
                },
            }
        },
    },
}
_PROBLEM_CONTENT: dict[str, Any] = {
    "application/problem+json": {
        "schema": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": _STRING,
                "status": {"type": "integer"},
                "detail": _STRING,
                "line": {"type": "integer"},
                "column": {"type": "integer"},
                "offers": _STRINGS,
            },
        }
    }
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Rows or a boolean for SELECT and ASK, a graph for CONSTRUCT and DESCRIBE.",
        "content": {offer.name: {} for offer in (*ROWS, *GRAPHS)},
    },
    **{
        status: {"description": text, "content": _PROBLEM_CONTENT}
        for status, text in {
            400: "No query, several, a syntax error, an unknown graph or function, a wrong encoding.",
            403: "The query is not allowed: SERVICE, an update.",
            406: "No format the client accepts.",
            413: "The query or its result is too large, or it takes too much memory.",
            415: "The body has the wrong media type.",
            500: "The engine failed.",
            503: "All workers are busy. Retry-After says when to ask again.",
            504: "The query ran into the time limit.",
        }.items()
    },
}
