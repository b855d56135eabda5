"""Errors as problem details (RFC 9457), each with a stable type."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ValidationError
from rapidfuzz import fuzz, process
from starlette.exceptions import HTTPException

from lexgraph.codes import InputError
from lexgraph.settings import PROBLEM

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)

FieldError = dict[str, Any]
"""What is wrong with one field: field, message, suggestions; over GET the parameter besides."""


@dataclass(frozen=True)
class Kind:
    """A kind of problem. Its code is the last part of its type."""

    status: int
    title: str
    text: str


KINDS: dict[str, Kind] = {
    "invalid-input": Kind(
        422,
        "The question cannot be understood",
        "A field is missing, unknown or holds a value that is not known. `errors` names each field, says "
        "what is wrong and, where something is near, suggests it.",
    ),
    "malformed-json": Kind(
        422,
        "The body is not JSON",
        "The body cannot be read as JSON. `line` and `column` tell where.",
    ),
    "not-found": Kind(404, "There is no such thing here", "The path, or the thing it names, is not known."),
    "method-not-allowed": Kind(405, "The method is not allowed", "`Allow` lists the methods of this path."),
    "not-acceptable": Kind(
        406, "No acceptable format", "Nothing that the client accepts is on offer. `offers` lists what is."
    ),
    "body-too-large": Kind(413, "The body is too large", "A body may have 256 KiB at most."),
    "unsupported-media-type": Kind(415, "The body has the wrong media type", "A question is sent as application/json."),
    "internal": Kind(500, "The service failed", "The fault is on our side. `instance` finds it in the service's log."),
    "not-ready": Kind(
        503,
        "The graph is not loaded",
        "The service has just started, or no graph was built. Ask again.",
    ),
    "busy": Kind(503, "Too many long queries run", "Ask again after the seconds in Retry-After."),
}


class Problem(Exception):
    """A request without an answer. `extra` becomes members of the document; None is left out."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        """Make a problem of a kind of `KINDS`."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = {name: value for name, value in extra.items() if value is not None}


def document(code: str, detail: str, **extra: Any) -> bytes:
    """A problem of a kind as JSON."""
    kind = KINDS[code]
    return orjson.dumps(
        {
            "type": f"{PROBLEM}{code}",
            "title": kind.title,
            "status": kind.status,
            "detail": _sendable(detail),
            **{name: _sendable(value) for name, value in extra.items()},
        }
    )


def _sendable(value: Any) -> Any:
    """Without lone surrogates, which may come from the client and cannot be written as UTF-8."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case dict():
            return {_sendable(key): _sendable(item) for key, item in value.items()}
        case list() | tuple():
            return [_sendable(item) for item in value]
        case _:
            return value


def respond(problem: Problem) -> Response:
    """The response for a problem."""
    return Response(
        document(problem.code, problem.detail, **problem.extra),
        status_code=KINDS[problem.code].status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


# ---------------------------------------------------------------------------------------------- wrong input


def nearest(text: str, known: Iterable[str]) -> list[str]:
    """The names most like a text, best first, three at most."""
    return [hit[0] for hit in process.extract(text, list(known), scorer=fuzz.ratio, score_cutoff=55, limit=3)]


def field_error(field: str, message: str, suggestions: Iterable[str] = ()) -> FieldError:
    """What is wrong with one field."""
    return {"field": field, "message": message, "suggestions": list(suggestions)}


def invalid(errors: list[FieldError]) -> Problem:
    """The problem for input with these errors."""
    said = [
        error["message"] + (f"; did you mean {' or '.join(error['suggestions'])}?" if error["suggestions"] else "")
        for error in errors
    ]
    detail = "; ".join(f"{error['field']}: {text}" for error, text in zip(errors, said, strict=True))
    return Problem("invalid-input", detail, errors=errors)


def of_input(error: InputError) -> FieldError:
    """An error of the engine's about one field."""
    return field_error(error.field, error.message, error.suggestions)


# In place of messages that speak of Python.
_MESSAGES = {
    "model_type": "there must be an object here",
    "list_type": "there must be a list here",
    "string_type": "there must be a text here",
    "missing": "it is missing",
}


def of_validation(error: ValidationError, model: type[BaseModel]) -> list[FieldError]:
    """The errors of a model about a body, each field written as `suspects[0].nationality`."""
    schema = model.model_json_schema()
    found = {}
    for item in error.errors(include_url=False, include_input=False):
        field, known = _place(schema, item["loc"])
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, InputError):
            found[field] = field_error(field, cause.message, cause.suggestions)
        elif item["type"] == "extra_forbidden":
            name = str(item["loc"][-1])
            message = f"there is no field of this name; known: {', '.join(known)}"
            found[field] = field_error(field, message, nearest(name, known))
        else:
            message = _MESSAGES.get(item["type"], item["msg"][:1].lower() + item["msg"][1:])
            found.setdefault(field, field_error(field, message))
    return list(found.values())


def _place(schema: dict[str, Any], location: tuple[int | str, ...]) -> tuple[str, list[str]]:
    """A place in a question as text, and the names that the innermost object there has."""
    text, node, known = "", schema, list(schema.get("properties", {}))
    for part in location:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        if isinstance(part, int):
            text += f"[{part}]"
            node = node.get("items", {})
            continue
        known = list(node.get("properties", {})) or known
        text += f".{part}" if text else part
        node = node.get("properties", {}).get(part, {})
    return text or "body", known


# ------------------------------------------------------------------------------------------------- handlers


def install(app: FastAPI) -> None:
    """Make the application answer every error with a problem."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return respond(error)

    @app.exception_handler(InputError)
    async def _input(request: Request, error: InputError) -> Response:
        return respond(invalid([of_input(error)]))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND:
            return respond(Problem("not-found", f"There is nothing at {request.url.path}."))
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(_allowed(app, request.url.path))
            detail = f"{request.method} is not allowed here. Allowed: {allowed}."
            return respond(Problem("method-not-allowed", detail, headers={"Allow": allowed}))
        phrase = HTTPStatus(error.status_code).phrase
        content = orjson.dumps({"type": "about:blank", "title": phrase, "status": error.status_code})
        return Response(content, error.status_code, dict(error.headers or {}), MEDIA_TYPE)

    @app.exception_handler(Exception)
    async def _internal(request: Request, error: Exception) -> Response:
        instance = uuid.uuid4().urn
        _log.error("%s %s failed: %s", request.method, request.url.path, instance, exc_info=error)
        # The middleware that sets these on other responses has been passed by.
        headers = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
        if version := app.state.holder.version:
            headers["X-Lexgraph-Data-Version"] = version
        detail = "Something went wrong that is not the question's fault."
        return respond(Problem("internal", detail, headers=headers, instance=instance))


def _allowed(app: FastAPI, path: str) -> list[str]:
    """Every method that some route of a path takes. The framework's own 405 names those of one route only."""
    patterns: list[tuple[re.Pattern[str], set[str]]] = app.state.methods
    methods = set[str]().union(*(methods for pattern, methods in patterns if pattern.match(path)))
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))
