"""The named queries: list, text, and rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response

from lexgraph.api import openapi
from lexgraph.api.negotiate import (
    CSV,
    JSON,
    SPARQL_QUERY,
    check_names,
    dump,
    pick,
    respond,
    table,
)
from lexgraph.api.problems import Problem, invalid, nearest, of_input
from lexgraph.api.snapshots import Holder, Opened
from lexgraph.codes import InputError
from lexgraph.namedqueries import NamedQuery

_FORMAT = "format"
# They run in this process and cannot be cut off: a few at a time, so that other requests find a thread.
_AT_ONCE = 2
_PATIENCE_S = 5.0


def routes(holder: Holder) -> APIRouter:
    """The list of named queries, and each by its name."""
    router = APIRouter(tags=["Named queries"])
    gate = threading.BoundedSemaphore(_AT_ONCE)

    @contextmanager
    def turn() -> Iterator[None]:
        if not gate.acquire(timeout=_PATIENCE_S):
            raise Problem("busy", "Too many named queries run already.", headers={"Retry-After": "5"})
        try:
            yield
        finally:
            gate.release()

    def listing(request: Request) -> Response:
        """The named queries with their parameters, and an address that works for each."""
        check_names(request, (_FORMAT,))
        media = pick(request, (JSON,))
        opened = holder.get()
        root = request.scope.get("root_path", "")

        def make() -> bytes:
            listed = [entry(query, root) for query in public(opened).values()]
            return dump({"data_version": opened.engine.data_version, "queries": listed})

        return respond(request, opened, media, make)

    def run(request: Request, name: str) -> Response:
        """Run a named query, as JSON or CSV; its text as application/sparql-query. Left out means any."""
        opened = holder.get()
        queries = public(opened)
        query = queries.get(name)
        if query is None:
            near = nearest(name, queries)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise Problem("not-found", f"There is no query {name!r}.{hint}", suggestions=near)
        names = [parameter.name for parameter in query.parameters]
        check_names(request, (*names, _FORMAT))
        media = pick(request, (JSON, CSV, SPARQL_QUERY))
        if media == SPARQL_QUERY:
            return respond(request, opened, media, query.text.encode)
        params = {
            key: values
            for key in names
            if (values := [value for value in request.query_params.getlist(key) if value.strip()])
        }

        def make() -> bytes:
            with turn():
                columns, rows = opened.engine.run_query(name, params)
            if media == CSV:
                return table(columns, rows)
            return dump(
                {
                    "query": name,
                    "parameters": params,
                    "data_version": opened.engine.data_version,
                    "columns": columns,
                    "rows": rows,
                }
            )

        try:
            return respond(request, opened, media, make)
        except InputError as error:
            raise invalid([of_input(error)]) from None

    router.add_api_route(
        "/v1/queries",
        listing,
        methods=["GET"],
        response_class=Response,
        responses={
            200: openapi.listing("queries"),
            304: openapi.NOT_MODIFIED,
            **openapi.errors(406, 422, 500, 503),
        },
    )
    router.add_api_route(
        "/v1/queries/{name:path}",
        run,
        methods=["GET"],
        response_class=Response,
        responses={
            200: openapi.QUERY_RESULT,
            304: openapi.NOT_MODIFIED,
            **openapi.errors(404, 406, 422, 500, 503),
        },
        openapi_extra={"parameters": openapi.QUERY_PARAMETERS},
    )
    return router


def _parts(example: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in example.split()]


def public(opened: Opened) -> dict[str, NamedQuery]:
    """The queries that answer a question by themselves, by name."""
    return {name: query for name, query in sorted(opened.engine.queries.items()) if not query.internal}


def entry(query: NamedQuery, root: str) -> dict[str, Any]:
    """A query as it is listed."""
    given = [(name, value) for name, found, value in _parts(query.example) if found]
    address = f"{root}/v1/queries/{quote(query.name)}"
    return {
        "name": query.name,
        "title": query.title,
        "question": query.question,
        "parameters": [
            {"name": parameter.name, "kind": parameter.kind, "text": parameter.text} for parameter in query.parameters
        ],
        "href": address,
        "example": f"{address}?{urlencode(given)}" if given else address,
    }
