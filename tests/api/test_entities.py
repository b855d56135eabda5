"""Things and terms behind their IRIs."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from fastapi.testclient import TestClient

from lexgraph.settings import ID, ONTOLOGY
from lexgraph.sparql.results import GRAPHS, by_name


def triples(content: bytes, media: str) -> set[ox.Triple]:
    return {quad.triple for quad in ox.parse(content, format=by_name(media).rdf_format)}


@pytest.mark.parametrize("path", ["/id/state/XA", "/ontology/LegalOrder", "/ontology", "/.well-known/void"])
def test_every_format_says_the_same(client: TestClient, path: str) -> None:
    found = []
    for media in GRAPHS:
        response = client.get(path, headers={"Accept": media.name})
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == media.name
        assert "accept" in response.headers["vary"].lower()
        assert client.get(f"{path}?format={media.alias}").content == response.content
        found.append(triples(response.content, media.name))
    assert found[0]
    assert all(graph == found[0] for graph in found)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "text/turtle"),
        ("*/*", "text/turtle"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/ld+json;q=0.9, text/turtle;q=0.5", "application/ld+json"),
        ("text/*;q=0.5, application/n-triples", "application/n-triples"),
    ],
)
def test_negotiation(client: TestClient, accept: str | None, expected: str) -> None:
    response = client.get("/id/state/XA", headers={"Accept": accept} if accept else {})
    assert response.headers["content-type"].split(";")[0] == expected
    assert response.headers["link"] == f'<{ID}state/XA>; rel="canonical"'


def test_nothing_acceptable(client: TestClient) -> None:
    response = client.get("/id/state/XA", headers={"Accept": "image/png"})
    assert response.status_code == 406
    assert "text/turtle" in response.json()["offers"]


def test_a_page_links_to_what_it_names(client: TestClient) -> None:
    page = client.get("/id/state/XB", headers={"Accept": "text/html"})
    assert 'href="/ontology/LegalOrder"' in page.text
    assert "Xebec &lt;&amp;&gt;" in page.text
    assert "<&>" not in page.text
    term = client.get("/ontology/LegalOrder", headers={"Accept": "text/html"})
    assert "Referred to by" in term.text
    assert 'href="/id/state/XA"' in term.text


def test_the_ontology_is_as_written(client: TestClient) -> None:
    graph = triples(client.get("/ontology").content, "text/turtle")
    assert len(graph) == 5
    assert {triple.subject.value for triple in graph} == {ONTOLOGY, f"{ONTOLOGY}LegalOrder"}
    assert client.get("/ontology/").content == client.get("/ontology").content
    assert client.get("/ontology/9.9").content == client.get("/ontology").content
    page = client.get("/ontology", headers={"Accept": "text/html"}).text
    assert "Order &lt;of&gt; law." in page
    assert "A tiny ontology" in page


@pytest.mark.parametrize(
    "path",
    [
        "/id/state/ZZ",
        "/id/",
        "/ontology/Nothing",
        "/id/a%20b",
        "/id/x%3E%20%7B%7D",
        "/id/%22%0A",
        "/id/caf%C3%A9",
    ],
)
def test_what_is_not_there(client: TestClient, path: str) -> None:
    for accept in ("text/turtle", "text/html"):
        response = client.get(path, headers={"Accept": accept})
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
