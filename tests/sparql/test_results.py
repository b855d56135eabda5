from __future__ import annotations

import pytest

from lexgraph.sparql.results import QueryForm, negotiate

SELECT, CONSTRUCT = QueryForm.SELECT, QueryForm.CONSTRUCT
JSON, XML = "application/sparql-results+json", "application/sparql-results+xml"


@pytest.mark.parametrize(
    ("accept", "form", "alias", "expected"),
    [
        (None, SELECT, None, JSON),
        ("", SELECT, None, JSON),
        ("*/*", QueryForm.ASK, None, JSON),
        (None, CONSTRUCT, None, "text/turtle"),
        ("*/*", QueryForm.DESCRIBE, None, "text/turtle"),
        (XML, SELECT, None, XML),
        ("text/csv", SELECT, None, "text/csv"),
        ("text/*", SELECT, None, "text/csv"),
        ("TEXT/Tab-Separated-Values", SELECT, None, "text/tab-separated-values"),
        ("application/json", SELECT, None, "application/json"),
        ("application/*", CONSTRUCT, None, "application/n-triples"),
        (f"{JSON};q=0.5, text/csv;q=0.9", SELECT, None, "text/csv"),
        (f"{XML};q=0.9, {JSON};q=0.9", SELECT, None, JSON),
        ("text/turtle;q=0.1, */*;q=0.5", CONSTRUCT, None, "application/n-triples"),
        (f"{JSON};q=0, */*", SELECT, None, XML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", SELECT, None, "application/xml"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", CONSTRUCT, None, "text/turtle"),
        ("application/ld+json;profile=x;q=0.9, text/turtle;q=0.2", CONSTRUCT, None, "application/ld+json"),
        ("application/rdf+xml , text/turtle;q=0.9", CONSTRUCT, None, "application/rdf+xml"),
        ("nonsense, text/csv;q=high, text/tab-separated-values", SELECT, None, "text/tab-separated-values"),
        ("image/png", SELECT, None, None),
        ("text/turtle", SELECT, None, None),
        ("text/csv", CONSTRUCT, None, None),
        ("*/*;q=0", SELECT, None, None),
        (";;;,,,=", SELECT, None, None),
        ("image/png", SELECT, "csv", "text/csv"),
        (None, SELECT, "json", JSON),
        (None, SELECT, "xml", XML),
        (None, SELECT, "tsv", "text/tab-separated-values"),
        (None, CONSTRUCT, "ttl", "text/turtle"),
        (None, CONSTRUCT, "nt", "application/n-triples"),
        (None, CONSTRUCT, "jsonld", "application/ld+json"),
        (None, CONSTRUCT, "rdfxml", "application/rdf+xml"),
        (None, CONSTRUCT, "csv", None),
        (None, SELECT, "ttl", None),
        (None, SELECT, "png", None),
    ],
)
def test_negotiation(accept: str | None, form: QueryForm, alias: str | None, expected: str | None) -> None:
    chosen = negotiate(accept, form, alias)
    assert (chosen.name if chosen else None) == expected
