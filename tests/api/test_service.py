"""The service about itself, and what all responses share."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lexgraph.api.problems import KINDS
from lexgraph.sparql.host import SparqlHost

from .conftest import VERSION, TinyProject, publish, tiny_app


def test_health_and_readiness(client: TestClient) -> None:
    assert client.get("/health").json()["data_version"] == VERSION
    assert client.get("/ready").json() == {"status": "ready", "data_version": VERSION}


def test_before_there_is_a_graph(tmp_path: object) -> None:
    app = tiny_app(TinyProject(tmp_path))  # type: ignore[arg-type]
    with TestClient(app) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/").status_code == 200
        assert client.get("/metrics").status_code == 200
        for path in (
            "/ready",
            "/v1/states",
            "/v1/prosecute?offence=piracy",
            "/id/state/XA",
            "/export/",
            "/sparql",
        ):
            response = client.get(path)
            assert response.status_code == 503
            assert "retry-after" in response.headers
            assert response.headers["content-type"] == "application/problem+json"
            assert "x-lexgraph-data-version" not in response.headers
        # Wrong input is wrong input all the same.
        assert client.get("/v1/prosecute?ofence=piracy").status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/", "/health", "/v1/states", "/v1/states/ZZ", "/nowhere", "/id/state/XA", "/export/", "/metrics"],
)
def test_every_response_has_the_common_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-lexgraph-data-version"] == VERSION
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert "Accept" in re.split(r",\s*", headers["vary"])
    assert headers["x-content-type-options"] == "nosniff"


def test_browsers_may_ask_first(client: TestClient) -> None:
    response = client.options(
        "/v1/prosecute",
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = client.get("/v1/states", headers={"Origin": "https://example.org"}).headers
    assert "X-Lexgraph-Data-Version" in exposed["access-control-expose-headers"]


def test_head_is_get_without_a_body(client: TestClient) -> None:
    for path in ("/", "/v1/states", "/id/state/XA", "/ontology", "/v1/states/ZZ"):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers.get("etag") == get.headers.get("etag")


def test_compression(client: TestClient) -> None:
    assert client.get("/ontology", headers={"Accept": "text/html"}).headers["content-encoding"] == "gzip"
    plain = client.get("/ontology", headers={"Accept": "text/html", "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/prosecute", "GET, HEAD, POST"),
        ("POST", "/v1/states", "GET, HEAD"),
        ("PUT", "/id/state/XA", "GET, HEAD"),
        ("OPTIONS", "/", "GET, HEAD"),
    ],
)
def test_405_names_the_methods(client: TestClient, method: str, path: str, allow: str) -> None:
    response = client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allow
    assert response.json()["type"].endswith("/problem/method-not-allowed")


def test_unknown_path(client: TestClient) -> None:
    response = client.get("/v2/prosecute")
    assert response.json()["status"] == response.status_code == 404


def test_every_kind_of_problem_is_described(client: TestClient) -> None:
    for code, kind in KINDS.items():
        assert kind.text.split(".")[0] in client.get(f"/problem/{code}?format=json").json()["description"]
        assert client.get(f"/problem/{code}", headers={"Accept": "text/html"}).status_code == 200
    assert client.get("/problem/nothing").status_code == 404


def test_metrics_count_by_route(client: TestClient) -> None:
    client.get("/v1/states/XA")
    client.get("/nowhere/in/particular")
    text = client.get("/metrics").text
    assert 'lexgraph_http_requests_total{method="GET",route="/v1/states/{code}",status="200"}' in text
    assert "particular" not in text
    assert f'lexgraph_info{{data_version="{VERSION}"' in text
    assert "lexgraph_ready 1.0" in text
    assert "lexgraph_triples" in text


class _Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given["href"] or "")
        self.loaded += [given[name] or "" for name in ("src", "srcset", "data") if name in given]
        if tag in ("link", "script", "iframe"):
            self.loaded.append(tag)


@pytest.mark.parametrize("path", ["/", "/docs", "/id/state/XA", "/ontology", "/problem/not-found"])
def test_pages_load_nothing(client: TestClient, path: str) -> None:
    response = client.get(path, headers={"Accept": "text/html"})
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not _Links(response.text).loaded
    assert "url(" not in response.text


def test_the_description_is_whole(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    assert {"ProsecuteQuestion", "CooperateQuestion", "Suspect", "Problem"} <= set(schemas)
    assert "HTTPValidationError" not in schemas
    references = re.findall(r'"#/components/schemas/(\w+)"', client.get("/openapi.json").text)
    assert set(references) <= set(schemas)
    for path in ("/v1/prosecute", "/v1/cooperate"):
        operations = document["paths"][path]
        assert {"200", "304", "406", "422", "500", "503"} <= set(operations["get"]["responses"])
        assert {"200", "406", "413", "415", "422", "500", "503"} <= set(operations["post"]["responses"])
        body = operations["post"]["requestBody"]["content"]["application/json"]["example"]
        assert client.post(path, json=body).status_code in (200, 422)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation.get("summary")
            problems = [r for status, r in operation["responses"].items() if status >= "400"]
            assert problems, path
            assert all("application/problem+json" in response["content"] for response in problems)
    assert "/sparql" in document["paths"]


def test_the_reference_shows_every_path(client: TestClient) -> None:
    page = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page


def test_below_another_address(app: FastAPI, client: TestClient) -> None:
    with TestClient(app, root_path="/lex") as below:
        assert app.state.holder.wait(30)
        assert 'href="/lex/docs"' in below.get("/").text
        assert below.get("/export/").json()["files"][0]["href"] == "/lex/export/graph.nq.zst"


def test_sparql_is_there(tmp_path: object) -> None:
    project = TinyProject(tmp_path)  # type: ignore[arg-type]
    publish(project.home)
    app = tiny_app(project, open_host=lambda found: SparqlHost(found.folder))
    with TestClient(app) as client:
        assert app.state.holder.wait(30)
        response = client.get("/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"})
        assert response.status_code == 200
        assert response.headers["x-lexgraph-data-version"] == VERSION
        assert "ServiceDescription" in client.get("/sparql").text or "sd:Service" in client.get("/sparql").text
        assert client.get("/metrics").status_code == 200
