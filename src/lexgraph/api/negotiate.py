"""What every answer shares: choice of the format, entity tags, JSON."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from fastapi import Request, Response

from lexgraph import __version__
from lexgraph.api.problems import FieldError, Problem, field_error, invalid, nearest
from lexgraph.api.snapshots import Opened
from lexgraph.sparql.results import MediaType, choose

JSON = MediaType("application/json", "json", False)
CSV = MediaType("text/csv", "csv", False, charset=True)
HTML = MediaType("text/html", "html", False, charset=True)
SPARQL_QUERY = MediaType("application/sparql-query", "rq", False, charset=True)

_WITH_HEADER = "text/csv; charset=utf-8; header=present"


def pick(request: Request, offers: Sequence[MediaType]) -> MediaType:
    """The format that the client wants, by `format=` or Accept; the first on offer where it does not care.

    Raises:
        Problem: nothing on offer is acceptable, or `format=` names nothing on offer.
    """
    alias = request.query_params.get("format")
    aliases = [media.alias for media in offers]
    if alias is not None and alias not in aliases:
        message = f"there is no format {alias!r} here; known: {', '.join(aliases)}"
        raise invalid([field_error("format", message, nearest(alias, aliases))])
    media = choose(", ".join(request.headers.getlist("accept")), offers, alias)
    if media is None:
        names = [offer.name for offer in offers]
        raise Problem("not-acceptable", f"On offer: {', '.join(names)}.", offers=names)
    return media


def check_names(request: Request, known: Iterable[str]) -> None:
    """Refuse parameters that a route does not have: one with a slip in it must not be passed over in silence.

    Raises:
        Problem: there is one.
    """
    if errors := unknown(request.query_params, known):
        raise invalid(errors)


def unknown(given: Iterable[str], known: Iterable[str]) -> list[FieldError]:
    """An error for each name that is not known."""
    names = list(known)
    listed = f"known: {', '.join(names)}" if names else "there are none here"
    return [
        field_error(name, f"there is no parameter of this name; {listed}", nearest(name, names))
        for name in dict.fromkeys(given)
        if name not in names
    ]


def respond(
    request: Request,
    opened: Opened,
    media: MediaType,
    make: Callable[[], bytes],
    *,
    depends_on: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer a GET: 304 without any work where the client has the answer already, else what `make` gives.

    The tag is weak, since the answer may be sent compressed. It is made of the data version, the software
    version, the address, the format and whatever else the answer `depends_on`.
    """
    parts = (__version__, request.url.path, request.scope["query_string"].decode("latin-1"), media.name)
    digest = hashlib.sha256("\n".join((*parts, *depends_on)).encode()).hexdigest()[:20]
    tag = f'W/"{opened.engine.data_version}-{digest}"'
    everything = {**version_header(opened), "ETag": tag, "Cache-Control": "no-cache", **(headers or {})}
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=everything)
    content_type = _WITH_HEADER if media == CSV else media.content_type
    return Response(make(), headers={**everything, "Content-Type": content_type})


def version_header(opened: Opened) -> dict[str, str]:
    """Which data an answer comes from."""
    return {"X-Lexgraph-Data-Version": opened.engine.data_version}


def matches(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has the answer with this tag. `*` counts as no: there may be no answer at all."""
    given = (if_none_match or "").split(",")
    return tag.removeprefix("W/") in (item.strip().removeprefix("W/") for item in given)


def dump(value: Any) -> bytes:
    """JSON, with a line feed at its end for terminals."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def table(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """CSV (RFC 4180) with a header line. What is not bound is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
