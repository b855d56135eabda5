"""Result formats: which media types carry which form of query, and how a client picks one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pyoxigraph import QueryResultsFormat, RdfFormat


class QueryForm(StrEnum):
    """The four forms of a SPARQL 1.1 query."""

    SELECT = "SELECT"
    ASK = "ASK"
    CONSTRUCT = "CONSTRUCT"
    DESCRIBE = "DESCRIBE"

    @property
    def is_graph(self) -> bool:
        """Whether the result is a graph rather than rows or a boolean."""
        return self in (QueryForm.CONSTRUCT, QueryForm.DESCRIBE)


@dataclass(frozen=True)
class MediaType:
    """A format on offer: its media type, its short name in `format=`, and how it is sent."""

    name: str
    alias: str
    graph: bool
    charset: bool = False
    iri: str | None = None

    @property
    def content_type(self) -> str:
        """The value of the Content-Type header."""
        return f"{self.name}; charset=utf-8" if self.charset else self.name

    @property
    def rdf_format(self) -> RdfFormat:
        """The serialiser of a graph. Raises ValueError for rows."""
        if not self.graph:
            raise ValueError(f"{self.name} carries rows, not a graph")
        return _RDF[self.alias]

    @property
    def results_format(self) -> QueryResultsFormat:
        """The serialiser of rows. Raises ValueError for a graph."""
        if self.graph:
            raise ValueError(f"{self.name} carries a graph, not rows")
        return _RESULTS[self.alias]


_FORMATS = "http://www.w3.org/ns/formats/"
_RESULTS = {
    "json": QueryResultsFormat.JSON,
    "xml": QueryResultsFormat.XML,
    "csv": QueryResultsFormat.CSV,
    "tsv": QueryResultsFormat.TSV,
}
_RDF = {
    "ttl": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "jsonld": RdfFormat.JSON_LD,
    "rdfxml": RdfFormat.RDF_XML,
}

# In order of preference: the first wins where the client has none.
ROWS: tuple[MediaType, ...] = (
    MediaType("application/sparql-results+json", "json", False, iri=f"{_FORMATS}SPARQL_Results_JSON"),
    MediaType("application/sparql-results+xml", "xml", False, iri=f"{_FORMATS}SPARQL_Results_XML"),
    MediaType("text/csv", "csv", False, charset=True, iri=f"{_FORMATS}SPARQL_Results_CSV"),
    MediaType("text/tab-separated-values", "tsv", False, charset=True, iri=f"{_FORMATS}SPARQL_Results_TSV"),
    # Plain JSON and XML are what generic clients ask for. They get what they asked for, under that name.
    MediaType("application/json", "json", False),
    MediaType("application/xml", "xml", False),
)
GRAPHS: tuple[MediaType, ...] = (
    MediaType("text/turtle", "ttl", True, charset=True, iri=f"{_FORMATS}Turtle"),
    MediaType("application/n-triples", "nt", True, iri=f"{_FORMATS}N-Triples"),
    MediaType("application/ld+json", "jsonld", True, iri=f"{_FORMATS}JSON-LD"),
    MediaType("application/rdf+xml", "rdfxml", True, iri=f"{_FORMATS}RDF_XML"),
)
ALIASES: frozenset[str] = frozenset(media.alias for media in (*ROWS, *GRAPHS))


def offers(form: QueryForm) -> tuple[MediaType, ...]:
    """The media types that can carry a result of this form, preferred ones first."""
    return GRAPHS if form.is_graph else ROWS


def by_name(name: str) -> MediaType:
    """The offer with this media type. Raises KeyError where there is none."""
    for media in (*ROWS, *GRAPHS):
        if media.name == name:
            return media
    raise KeyError(name)


def negotiate(accept: str | None, form: QueryForm, format_alias: str | None) -> MediaType | None:
    """Pick the format of a result, or None where nothing fits (HTTP 406).

    `format_alias` (`format=csv`) goes before `accept`. A missing or empty Accept takes the default. The most
    specific range that matches a type sets its weight; `q=0` rules it out; ties go to our own order.
    """
    return choose(accept, offers(form), format_alias)


def choose(accept: str | None, candidates: Iterable[MediaType], format_alias: str | None = None) -> MediaType | None:
    """Pick one of the candidates, as `negotiate` does."""
    candidates = tuple(candidates)
    if format_alias is not None:
        return next((media for media in candidates if media.alias == format_alias), None)
    if accept is None or not accept.strip():
        return candidates[0]
    ranges = _parse_accept(accept)
    best: MediaType | None = None
    best_weight = 0.0
    for media in candidates:
        weight = _weight(media.name, ranges)
        if weight > best_weight:
            best, best_weight = media, weight
    return best


def _parse_accept(accept: str) -> list[tuple[str, float]]:
    """Media ranges with their weights. A range with a weight that cannot be read is left out."""
    ranges = []
    for item in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in item.split(";"))
        if "/" not in media_range:
            continue
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value.strip())
                except ValueError:
                    weight = -1.0
                break
        if 0.0 <= weight <= 1.0:
            ranges.append((media_range, weight))
    return ranges


def _weight(name: str, ranges: list[tuple[str, float]]) -> float:
    kind = name.split("/", 1)[0]
    for wanted in (name, f"{kind}/*", "*/*"):
        found = [weight for media_range, weight in ranges if media_range == wanted]
        if found:
            return max(found)
    return 0.0
