"""What the graph knows of: states, instruments, cases, and the codes that questions use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from lexgraph.api import openapi
from lexgraph.api.negotiate import JSON, check_names, dump, pick, respond
from lexgraph.api.problems import Problem
from lexgraph.api.snapshots import Holder
from lexgraph.codes import InputError

if TYPE_CHECKING:
    from lexgraph.engine import Engine

_AS_OF = "as_of"

_LISTS: tuple[tuple[str, str, Callable[[Engine], list[dict[str, Any]]]], ...] = (
    (
        "states",
        "States and other legal orders, with their codes and names.",
        lambda engine: engine.states(),
    ),
    ("instruments", "Treaties, union law, schemes and national laws.", lambda engine: engine.instruments()),
    ("offences", "Offence categories.", lambda engine: _codes(engine, "offence")),
    ("principles", "Principles of jurisdiction.", lambda engine: _codes(engine, "principle")),
    ("measures", "Measures of cooperation.", lambda engine: _codes(engine, "measure")),
    ("cases", "Real cases, as fact patterns with what happened.", lambda engine: engine.cases()),
)


def routes(holder: Holder) -> APIRouter:
    """The lists, and single states, instruments and cases."""
    router = APIRouter(tags=["Look-ups"])
    for name, text, rows in _LISTS:
        _add_list(router, holder, name, text, rows)

    def state(request: Request, code: str) -> Response:
        """One state or other legal order, by code (alpha-2 or alpha-3) or name."""
        return single(request, "code", lambda engine: engine.state(code))

    def instrument(request: Request, id: str) -> Response:
        """One instrument with its provisions and its parties on the day `as_of`, or today."""
        day = request.query_params.get(_AS_OF) or date.today().isoformat()
        return single(request, "id", lambda engine: engine.instrument(id, day), (_AS_OF,), (day,))

    def case(request: Request, id: str) -> Response:
        """One real case."""
        return single(request, "id", lambda engine: engine.case(id))

    def single(
        request: Request,
        key: str,
        find: Callable[[Engine], dict[str, Any]],
        names: tuple[str, ...] = (),
        depends_on: tuple[str, ...] = (),
    ) -> Response:
        check_names(request, ("format", *names))
        media = pick(request, (JSON,))
        opened = holder.get()
        try:
            return respond(request, opened, media, lambda: dump(find(opened.engine)), depends_on=depends_on)
        except InputError as error:
            # Of what is asked, only the name in the path can be missing; the rest is input like any other.
            if error.field in names:
                raise
            raise _missing(request.path_params[key], error.suggestions) from None

    as_of = {
        "name": _AS_OF,
        "in": "query",
        "description": "The day of the parties; today if left out.",
        "schema": {"type": "string"},
    }
    for path, handler, extra in (
        ("/v1/states/{code}", state, []),
        ("/v1/instruments/{id}", instrument, [as_of]),
        ("/v1/cases/{id}", case, []),
    ):
        router.add_api_route(
            path,
            handler,
            methods=["GET"],
            response_class=Response,
            responses={
                200: openapi.OBJECT,
                304: openapi.NOT_MODIFIED,
                **openapi.errors(404, 406, 422, 500, 503),
            },
            openapi_extra={"parameters": extra} if extra else None,
        )
    return router


def _add_list(
    router: APIRouter,
    holder: Holder,
    name: str,
    text: str,
    rows: Callable[[Engine], list[dict[str, Any]]],
) -> None:
    def everything(request: Request) -> Response:
        check_names(request, ("format",))
        media = pick(request, (JSON,))
        opened = holder.get()
        return respond(
            request,
            opened,
            media,
            lambda: dump({"data_version": opened.engine.data_version, name: rows(opened.engine)}),
        )

    router.add_api_route(
        f"/v1/{name}",
        everything,
        methods=["GET"],
        name=name,
        summary=text,
        response_class=Response,
        responses={
            200: openapi.listing(name),
            304: openapi.NOT_MODIFIED,
            **openapi.errors(406, 422, 500, 503),
        },
    )


def _codes(engine: Engine, kind: str) -> list[dict[str, Any]]:
    return [entry for _, entry in sorted(engine.codes.kinds.get(kind, {}).items())]


def _missing(name: str, suggestions: list[str]) -> Problem:
    hint = f" Did you mean {' or '.join(suggestions)}?" if suggestions else ""
    return Problem("not-found", f"{name!r} is not known here.{hint}", suggestions=suggestions)
