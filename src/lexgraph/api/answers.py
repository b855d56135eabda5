"""Who can prosecute, who can cooperate: GET with flat parameters, POST with the whole question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ValidationError

from lexgraph.api import openapi, parameters
from lexgraph.api.negotiate import JSON, dump, pick, respond, version_header
from lexgraph.api.parameters import Parameter
from lexgraph.api.problems import Problem, field_error, invalid, of_input, of_validation
from lexgraph.api.snapshots import Holder
from lexgraph.codes import InputError
from lexgraph.questions.models import CooperateQuestion, HavensQuestion, ProsecuteQuestion, RoutesQuestion

if TYPE_CHECKING:
    from lexgraph.engine import Engine

MAX_BODY_BYTES = 256 * 1024

# What command-line clients say of any body unless told otherwise.
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class _Kind:
    """One of the two questions."""

    name: str
    summary: str
    text: str
    model: type[BaseModel]
    parameters: tuple[Parameter, ...]
    ask: Callable[[Engine, Any], dict[str, Any]]


_KINDS = (
    _Kind(
        "prosecute",
        "Which states can prosecute?",
        "For every state (and court) tied to the facts: each ground of jurisdiction with its legal basis, "
        "its conditions and a status. What is not given is unknown, never false.",
        ProsecuteQuestion,
        parameters.PROSECUTE,
        lambda engine, question: engine.prosecute(question),
    ),
    _Kind(
        "cooperate",
        "Which states can cooperate?",
        "For a requesting state, a requested one and a measure: each basis, what it demands, what may "
        "refuse it, and a status. Several requesting or requested states give one answer each.",
        CooperateQuestion,
        parameters.COOPERATE,
        lambda engine, question: engine.cooperate(question),
    ),
    _Kind(
        "routes",
        "What would open a measure that finds no basis?",
        "Instruments that the requesting state could join, what the requested law gives without a treaty, a transfer "
        "of proceedings, prosecution there, third states bound to extradite to it, police channels.",
        RoutesQuestion,
        parameters.ROUTES,
        lambda engine, question: engine.routes(question),
    ),
    _Kind(
        "havens",
        "Where is it no crime, and from where does nothing bind?",
        "Legal orders in which an act is recorded as no crime on a day, and, towards a requesting state, those from "
        "which no extradition treaty or union law binds: documented, or only not recorded.",
        HavensQuestion,
        parameters.HAVENS,
        lambda engine, question: engine.havens(question),
    ),
)


def routes(holder: Holder) -> APIRouter:
    """GET and POST of both questions."""
    router = APIRouter(tags=["Answers"])
    for kind in _KINDS:
        _add(router, holder, kind)
    return router


def _add(router: APIRouter, holder: Holder, kind: _Kind) -> None:
    def get(request: Request) -> Response:
        media = pick(request, (JSON,))
        try:
            question = _validate(kind, parameters.read(request.query_params.multi_items(), kind.parameters))
            opened = holder.get()
            # Without a day the question means today, so tomorrow the answer is another one.
            today = () if getattr(question, "as_of", None) else (date.today().isoformat(),)
            return respond(request, opened, media, lambda: dump(kind.ask(opened.engine, question)), depends_on=today)
        except InputError as error:
            raise invalid(parameters.name_parameters([of_input(error)], kind.parameters)) from None
        except _Invalid as error:
            named = of_validation(error.cause, kind.model)
            raise invalid(parameters.name_parameters(named, kind.parameters)) from None

    def post(request: Request, body: Annotated[bytes, Depends(_receive)]) -> Response:
        parameters.read(request.query_params.multi_items(), ())
        media = pick(request, (JSON,))
        try:
            question = _validate(kind, _load(request, body))
        except _Invalid as error:
            raise invalid(of_validation(error.cause, kind.model)) from None
        opened = holder.get()
        return Response(
            dump(kind.ask(opened.engine, question)),
            headers={**version_header(opened), "Content-Type": media.content_type},
        )

    path = f"/v1/{kind.name}"
    answer = openapi.answer(kind.name)
    router.add_api_route(
        path,
        get,
        methods=["GET"],
        name=f"{kind.name}_get",
        summary=kind.summary,
        description=kind.text,
        response_class=Response,
        responses={200: answer, 304: openapi.NOT_MODIFIED, **openapi.errors(406, 422, 500, 503)},
        openapi_extra={"parameters": openapi.question_parameters(kind.name, kind.parameters)},
    )
    router.add_api_route(
        path,
        post,
        methods=["POST"],
        name=f"{kind.name}_post",
        summary=kind.summary,
        description=kind.text,
        response_class=Response,
        responses={200: answer, **openapi.errors(406, 413, 415, 422, 500, 503)},
        openapi_extra={"requestBody": openapi.question_body(kind.name, kind.model)},
    )


class _Invalid(Exception):
    def __init__(self, cause: ValidationError) -> None:
        super().__init__()
        self.cause = cause


def _validate(kind: _Kind, question: Any) -> BaseModel:
    try:
        return kind.model.model_validate(question)
    except ValidationError as error:
        raise _Invalid(error) from None


async def _receive(request: Request) -> bytes:
    """Read the body up to the limit. It waits for the client, so it must not hold a thread."""
    too_large = Problem("body-too-large", f"The body is over the limit of {MAX_BODY_BYTES} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise too_large
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise too_large
    return bytes(content)


def _load(request: Request, body: bytes) -> Any:
    kind = request.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    is_json = not kind or kind == JSON.name or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json and not (kind == _FORM and body.lstrip().startswith(b"{")):
        raise Problem(
            "unsupported-media-type",
            f"The body must be {JSON.name}, not {kind}.",
            headers={"Accept-Post": JSON.name},
        )
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(
            "malformed-json",
            f"{where}: {error.msg}.",
            line=error.lineno,
            column=error.colno,
            errors=[field_error("body", f"{where}: {error.msg}")],
        ) from None
