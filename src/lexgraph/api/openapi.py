"""The OpenAPI document: questions from their models, answers and problems by hand, examples from a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from lexgraph import __version__
from lexgraph.api.parameters import Parameter
from lexgraph.api.problems import KINDS, MEDIA_TYPE
from lexgraph.questions.models import CooperateQuestion, HavensQuestion, ProsecuteQuestion, RoutesQuestion
from lexgraph.sparql.results import MediaType

_SCHEMAS = "#/components/schemas/"
_STRING: dict[str, Any] = {"type": "string"}
_DAY: dict[str, Any] = {"type": ["string", "null"]}
_DESCRIPTION = """\
Which state can prosecute an offence, and which can cooperate, on a day: every answer with its legal basis,
its conditions, its source and its certainty. What is not known is said to be unknown.

States are ISO 3166-1 alpha-2 codes; alpha-3 codes and names are understood. Days are ISO 8601; a year or a
month alone means its first day. Errors are problem details (RFC 9457). Every response names its data version
in `X-Lexgraph-Data-Version`; answers to GET carry an entity tag.

Information, no legal advice. Data under CC BY 4.0."""

_TAGS = (
    ("Answers", "The two questions."),
    ("Look-ups", "Codes, instruments, cases."),
    ("Named queries", "Questions that are kept as SPARQL files."),
    ("SPARQL", "SPARQL 1.1 Protocol, queries only."),
    ("Linked data", "Things and terms behind their IRIs."),
    ("Bulk files", "Everything, to take away."),
    ("Service", "Health, metrics, descriptions."),
)


def _object(properties: dict[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _SCHEMAS + name}


_STRINGS = _array(_STRING)
_COMMON_ANSWER = {
    "question": {"type": "object", "description": "As understood, with defaults filled in."},
    "data_version": _STRING,
}
_SCHEMAS_BY_HAND: dict[str, Any] = {
    "Problem": _object(
        {
            "type": {"type": "string", "format": "uri-reference", "description": "Stable; tells the kind."},
            "title": _STRING,
            "status": {"type": "integer"},
            "detail": _STRING,
            "instance": _STRING,
            "errors": _array(_ref("FieldError")),
            "suggestions": _STRINGS,
            "offers": _STRINGS,
            "line": {"type": "integer"},
            "column": {"type": "integer"},
        },
        ("type", "title", "status"),
    ),
    "FieldError": _object(
        {
            "field": {
                "type": "string",
                "description": "Place in the question: `suspects[0].residence`.",
            },
            "message": _STRING,
            "suggestions": _STRINGS,
            "parameter": {"type": "string", "description": "Over GET: the parameter at fault."},
        },
        ("field", "message", "suggestions"),
    ),
    "ProsecuteAnswer": _object(
        {
            **_COMMON_ANSWER,
            "answers": _array(
                _object(
                    {
                        "jurisdiction": _STRING,
                        "name": _STRING,
                        "status": _STRING,
                        "certainty": {"type": ["string", "null"]},
                        "criminalisation": _array({"type": "object"}),
                        "grounds": _array({"type": "object"}),
                    },
                    ("jurisdiction", "name", "status", "grounds"),
                )
            ),
            "concurrence": {"type": "object"},
            "obstacles": _array({"type": "object"}),
        },
        ("question", "data_version", "answers"),
    ),
    "CooperateAnswer": _object(
        {
            **_COMMON_ANSWER,
            "answers": _array(
                _object(
                    {
                        "requesting": _STRING,
                        "requested": _STRING,
                        "measure": _STRING,
                        "status": _STRING,
                        "certainty": {"type": ["string", "null"]},
                        "bases": _array({"type": "object"}),
                        "bars": _array({"type": "object"}),
                        "fallback": {"type": ["object", "null"]},
                        "authorities": _array({"type": "object"}),
                        "obstacles": _array({"type": "object"}),
                    },
                    ("requesting", "requested", "measure", "status", "bases"),
                )
            ),
            "obstacles": _array({"type": "object"}),
        },
        ("question", "data_version", "answers"),
    ),
    "RoutesAnswer": _object(
        {
            **_COMMON_ANSWER,
            "status": _STRING,
            "why": _STRING,
            "routes": _array(_object({"code": _STRING, "why": _STRING}, ("code", "why"))),
            "obstacles": _array({"type": "object"}),
        },
        ("question", "data_version", "status", "routes"),
    ),
    "HavensAnswer": _object(
        {
            **_COMMON_ANSWER,
            "answers": _array(
                _object(
                    {"jurisdiction": _STRING, "name": _STRING, "code": _STRING, "why": _STRING},
                    ("jurisdiction", "name", "code", "why"),
                )
            ),
        },
        ("question", "data_version", "answers"),
    ),
    "QueryResult": _object(
        {
            "query": _STRING,
            "parameters": {"type": "object", "additionalProperties": _STRINGS},
            "data_version": _STRING,
            "columns": _STRINGS,
            "rows": _array({"type": "object", "additionalProperties": _STRING}),
        },
        ("query", "parameters", "data_version", "columns", "rows"),
    ),
}

_HEADERS: dict[str, Any] = {
    "X-Lexgraph-Data-Version": {"description": "Version of the data.", "schema": _STRING},
    "ETag": {"description": "For If-None-Match.", "schema": _STRING},
}
NOT_MODIFIED: dict[str, Any] = {"description": "The client has it already.", "headers": _HEADERS}
OBJECT: dict[str, Any] = {
    "description": "Found.",
    "headers": _HEADERS,
    "content": {"application/json": {"schema": {"type": "object"}}},
}
QUERY_RESULT: dict[str, Any] = {
    "description": "The rows, or the text of the query.",
    "headers": _HEADERS,
    "content": {
        "application/json": {"schema": _ref("QueryResult")},
        "text/csv": {"schema": _STRING},
        "application/sparql-query": {"schema": _STRING},
    },
}
QUERY_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "parameters",
        "in": "query",
        "description": "Those of the query, each under its own name; see `/v1/queries`. Left out means any.",
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": _STRINGS},
    },
    {
        "name": "format",
        "in": "query",
        "description": "Short form of Accept.",
        "schema": {"type": "string", "enum": ["json", "csv", "rq"]},
    },
]
FILE: dict[str, Any] = {
    "description": "The file.",
    "headers": _HEADERS,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
PART: dict[str, Any] = {**FILE, "description": "The part of the file that Range asks for."}


@cache
def examples() -> dict[str, Any]:
    """The examples: questions with answers, and addresses for the start page."""
    text = resources.files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def answer(name: str) -> dict[str, Any]:
    """The answer to a question."""
    return {
        "description": "The answer. It is an answer also where nobody can.",
        "headers": _HEADERS,
        "content": {
            "application/json": {
                "schema": _ref(f"{name.capitalize()}Answer"),
                "example": examples()[name]["answer"],
            }
        },
    }


def question_body(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """The question as a body."""
    return {
        "required": True,
        "content": {"application/json": {"schema": _ref(model.__name__), "example": examples()[name]["question"]}},
    }


def question_parameters(name: str, parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    """The question as parameters."""
    given: dict[str, Any] = examples()[name]["parameters"]
    documented = []
    for one in parameters:
        entry = {
            "name": one.name,
            "in": "query",
            "description": one.text + (f" Also as `{one.also}`." if one.also else ""),
            "schema": _STRINGS if one.many else _STRING,
        }
        documented.append({**entry, "example": given[one.name]} if one.name in given else entry)
    return documented


def listing(name: str) -> dict[str, Any]:
    """A list under a name, beside the data version."""
    schema = _object({"data_version": _STRING, name: _array({"type": "object"})}, ("data_version", name))
    return {
        "description": "The list.",
        "headers": _HEADERS,
        "content": {"application/json": {"schema": schema}},
    }


def negotiated(offers: Iterable[MediaType]) -> dict[str, Any]:
    """The same content in several formats."""
    return {
        "description": "In the format asked for.",
        "headers": _HEADERS,
        "content": {media.name: {"schema": _STRING} for media in offers},
    }


def format_parameter(offers: Iterable[MediaType]) -> dict[str, Any]:
    """`format=`, the short form of Accept."""
    return {
        "name": "format",
        "in": "query",
        "description": "Short form of Accept.",
        "schema": {"type": "string", "enum": [media.alias for media in offers]},
    }


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, by status."""
    return {
        status: {
            "description": " Or: ".join(kind.title + "." for kind in KINDS.values() if kind.status == status),
            "content": {MEDIA_TYPE: {"schema": _ref("Problem")}},
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make the application describe itself so."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title="lexgraph",
                version=__version__,
                summary="Which state can prosecute, which can cooperate.",
                description=_DESCRIPTION,
                routes=app.routes,
                license_info={"name": "Apache-2.0 (code), CC BY 4.0 (data)"},
                tags=[{"name": name, "description": text} for name, text in _TAGS],
            )
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            # The framework's own form of errors, which is never sent.
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            for operations in made["paths"].values():
                for operation in operations.values():
                    _drop_default_422(operation)
            _, questions = models_json_schema(
                [
                    (model, "validation")
                    for model in (ProsecuteQuestion, CooperateQuestion, RoutesQuestion, HavensQuestion)
                ],
                ref_template=_SCHEMAS + "{model}",
            )
            schemas.update(questions["$defs"])
            schemas.update(_SCHEMAS_BY_HAND)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _drop_default_422(operation: dict[str, Any]) -> None:
    responses = operation.get("responses", {})
    content = responses.get("422", {}).get("content", {})
    if "application/json" in content and MEDIA_TYPE in content:
        del content["application/json"]
    elif "application/json" in content:
        del responses["422"]
