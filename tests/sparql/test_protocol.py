"""The protocol, case by case: after the W3C's SPARQL 1.1 protocol tests, and what they leave out."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from rdflib import RDF, Graph, Namespace, URIRef

from lexgraph.sparql.guard import MAX_QUERY_BYTES
from lexgraph.sparql.host import SparqlHost
from lexgraph.sparql.protocol import MAX_BODY_BYTES, router

from .conftest import BULK, DATA, DEADLINE_S

SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
FORM = {"content-type": "application/x-www-form-urlencoded"}
DIRECT = {"content-type": "application/sparql-query"}
D0, D1, D2, D3 = (DATA.format(number) for number in range(4))
TWO = f"ASK {{ <{D1}> a ?t . <{D2}> a ?t . }}"
NAMED = f"ASK {{ GRAPH ?g1 {{ <{D1}> a ?t }} GRAPH ?g2 {{ <{D2}> a ?t }} }}"
FULL = f"ASK {{ <{D3}> a ?t GRAPH ?g1 {{ <{D1}> a ?t }} GRAPH ?g2 {{ <{D2}> a ?t }} }}"


@pytest.fixture(scope="module")
def client(host: SparqlHost) -> TestClient:
    app = FastAPI()
    app.include_router(router(lambda: host))
    return TestClient(app)


def url(*pairs: tuple[str, str], path: str = "/sparql") -> str:
    return f"{path}?{urlencode(pairs, quote_via=quote)}" if pairs else path


def defaults(*graphs: str) -> list[tuple[str, str]]:
    return [("default-graph-uri", graph) for graph in graphs]


def nameds(*graphs: str) -> list[tuple[str, str]]:
    return [("named-graph-uri", graph) for graph in graphs]


def problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = response.json()
    assert document["type"] == f"https://w3id.org/lexgraph/problem/{code}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


# Name, method, address, body, headers, truth of the ASK.
W3C_TRUE = [
    ("query_post_form", "POST", url(*defaults(D0)), b"query=ASK%20%7B%7D", FORM, True),
    ("query_dataset_default_graphs_get", "GET", url(("query", TWO), *defaults(D1, D2)), None, {}, True),
    ("query_dataset_default_graphs_post", "POST", url(*defaults(D1, D2)), TWO.encode(), DIRECT, True),
    ("query_dataset_named_graphs_post", "POST", url(*nameds(D1, D2)), NAMED.encode(), DIRECT, True),
    ("query_dataset_named_graphs_get", "GET", url(("query", NAMED), *nameds(D1, D2)), None, {}, True),
    ("query_dataset_full", "POST", url(*defaults(D3), *nameds(D1, D2)), FULL.encode(), DIRECT, True),
    (
        "query_multiple_dataset",
        "POST",
        url(*nameds(D1, D2)),
        NAMED.replace("ASK", f"ASK FROM <{D3}>").encode(),
        DIRECT,
        True,
    ),
    ("query_get", "GET", url(("query", "ASK {}"), *defaults(D0)), None, {}, True),
    ("query_post_direct", "POST", url(), b"ASK {}", DIRECT, True),
    # Beyond the W3C's: that a dataset also leaves out what it should.
    ("default_graph_leaves_out", "GET", url(("query", TWO), *defaults(D1)), None, {}, False),
    ("named_graph_leaves_out", "GET", url(("query", NAMED), *nameds(D1)), None, {}, False),
    ("named_only_empties_default", "GET", url(("query", FULL), *nameds(D1, D2)), None, {}, False),
    (
        "replaces_from",
        "GET",
        url(("query", TWO.replace("{", f"FROM <{D1}> FROM <{D2}> {{", 1)), *defaults(D0)),
        None,
        {},
        False,
    ),
    ("dataset_in_form", "POST", url(), urlencode([("query", TWO), *defaults(D1)]).encode(), FORM, False),
    ("slash", "GET", url(("query", "ASK {}"), path="/sparql/"), None, {}, True),
    (
        "form_with_charset",
        "POST",
        url(),
        b"query=ASK+%7B%7D",
        {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"},
        True,
    ),
    (
        "direct_with_charset",
        "POST",
        url(),
        b"ASK {}",
        {"content-type": 'Application/SPARQL-query;charset="utf-8"'},
        True,
    ),
    ("unknown_parameter", "GET", url(("query", "ASK {}"), ("timeout", "9")), None, {}, True),
]


@pytest.mark.parametrize(
    ("method", "address", "body", "headers", "truth"),
    [case[1:] for case in W3C_TRUE],
    ids=[case[0] for case in W3C_TRUE],
)
def test_ask(
    client: TestClient, method: str, address: str, body: bytes | None, headers: dict[str, str], truth: bool
) -> None:
    response = client.request(method, address, content=body, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/sparql-results+json"
    assert response.json()["boolean"] is truth


MEDIA = "unsupported-media-type"
ASK = url(("query", "ASK {}"))
UTF16 = {"content-type": "application/sparql-query; charset=UTF-16"}
UPDATE = {"content-type": "application/sparql-update"}
TEXT = {"content-type": "text/plain"}
BAD = [
    ("bad_query_method", "PUT", ASK, None, FORM, 405, "method-not-allowed"),
    ("delete", "DELETE", ASK, None, {}, 405, "method-not-allowed"),
    (
        "bad_multiple_queries",
        "GET",
        url(("query", "ASK {}"), ("query", "SELECT * {}")),
        None,
        {},
        400,
        "several-queries",
    ),
    ("multiple_in_form", "POST", url(), b"query=ASK+%7B%7D&query=ASK+%7B%7D", FORM, 400, "several-queries"),
    ("form_and_url", "POST", ASK, b"query=ASK+%7B%7D", FORM, 400, "several-queries"),
    ("direct_and_url", "POST", ASK, b"ASK {}", DIRECT, 400, "several-queries"),
    ("post_with_query_in_url", "POST", ASK, b"", FORM, 400, "bad-parameters"),
    ("bad_query_wrong_media_type", "POST", url(), b"ASK {}", TEXT, 415, MEDIA),
    ("bad_query_missing_form_type", "POST", url(), b"query=ASK%20%7B%7D", {}, 415, MEDIA),
    ("bad_query_missing_direct_type", "POST", url(), b"ASK {}", {}, 415, MEDIA),
    ("multipart", "POST", url(), b"--x--", {"content-type": "multipart/form-data; boundary=x"}, 415, MEDIA),
    ("json", "POST", url(), b'{"query": "ASK {}"}', {"content-type": "application/json"}, 415, MEDIA),
    ("bad_query_non_utf8", "POST", url(), "ASK {}".encode("utf-16"), UTF16, 415, MEDIA),
    (
        "non_utf8_undeclared",
        "POST",
        url(),
        "ASK { ?s ?p 'caf\u00e9' }".encode("latin-1"),
        DIRECT,
        400,
        "bad-encoding",
    ),
    ("non_utf8_in_form", "POST", url(), b"query=ASK+%7B+%3Fs+%3Fp+%22%E9%22+%7D", FORM, 400, "bad-encoding"),
    (
        "non_utf8_in_url",
        "GET",
        "/sparql?query=ASK%20%7B%3Fs%20%3Fp%20%22%E9%22%7D",
        None,
        {},
        400,
        "bad-encoding",
    ),
    ("bad_query_syntax", "GET", url(("query", "ASK {")), None, {}, 400, "query-syntax"),
    ("empty_query", "GET", url(("query", "")), None, {}, 400, "query-syntax"),
    ("empty_direct", "POST", url(), b"", DIRECT, 400, "query-syntax"),
    ("missing_in_form", "POST", url(), b"format=json", FORM, 400, "missing-query"),
    ("dataset_without_query", "GET", url(*defaults(D0)), None, {}, 400, "missing-query"),
    ("bad_update_get", "GET", url(("update", "CLEAR ALL")), None, {}, 400, "update"),
    ("update_post_form", "POST", url(), b"update=CLEAR+ALL", FORM, 403, "update"),
    ("update_post_direct", "POST", url(), b"CLEAR ALL", UPDATE, 403, "update"),
    (
        "bad_multiple_updates",
        "POST",
        url(),
        b"update=CLEAR%20NAMED&update=CLEAR%20DEFAULT",
        FORM,
        403,
        "update",
    ),
    ("bad_update_wrong_media_type", "POST", url(), b"CLEAR NAMED", TEXT, 415, MEDIA),
    ("bad_update_missing_form_type", "POST", url(), b"update=CLEAR%20NAMED", {}, 415, MEDIA),
    (
        "bad_update_non_utf8",
        "POST",
        url(),
        "CLEAR NAMED".encode("utf-16"),
        {"content-type": "application/sparql-update; charset=UTF-16"},
        415,
        MEDIA,
    ),
    ("update_as_query", "POST", url(), b"INSERT DATA { <x:a> <x:b> 1 }", DIRECT, 403, "update"),
    ("load_as_query", "GET", url(("query", "LOAD <http://127.0.0.1:9/>")), None, {}, 403, "update"),
    ("service", "GET", url(("query", "ASK { SERVICE <http://127.0.0.1:9/> { } }")), None, {}, 403, "service"),
    ("from_file", "GET", url(("query", "ASK FROM <file:///etc/passwd> { }")), None, {}, 400, "unknown-graph"),
    (
        "default_graph_file",
        "GET",
        url(("query", "ASK {}"), *defaults("file:///etc/passwd")),
        None,
        {},
        400,
        "unknown-graph",
    ),
    ("named_graph_unknown", "POST", url(*nameds("http://x/")), b"ASK {}", DIRECT, 400, "unknown-graph"),
    ("unknown_format", "GET", url(("query", "ASK {}"), ("format", "png")), None, {}, 400, "unknown-format"),
    (
        "two_formats",
        "GET",
        url(("query", "ASK {}"), ("format", "json"), ("format", "xml")),
        None,
        {},
        400,
        "bad-parameters",
    ),
    ("many_parameters", "GET", url() + "?" + "a=1&" * 1001, None, {}, 400, "bad-parameters"),
    ("unknown_function", "GET", url(("query", "SELECT (<x:f>(1) AS ?x) {}")), None, {}, 400, "query-failed"),
    ("not_acceptable", "GET", ASK, None, {"accept": "image/png"}, 406, "not-acceptable"),
    (
        "graph_format_for_rows",
        "GET",
        url(("query", "ASK {}"), ("format", "ttl")),
        None,
        {},
        406,
        "not-acceptable",
    ),
    ("description_not_acceptable", "GET", url(), None, {"accept": "image/png"}, 406, "not-acceptable"),
    ("long_query", "POST", url(), b"ASK {}" + b" " * MAX_QUERY_BYTES, DIRECT, 413, "query-too-long"),
    ("long_body", "POST", url(), b"a" * (MAX_BODY_BYTES + 1), DIRECT, 413, "query-too-long"),
    (
        "large_result",
        "GET",
        url(("query", "SELECT * { ?a ?b ?c . ?d ?e ?f }")),
        None,
        {},
        413,
        "result-too-large",
    ),
]


@pytest.mark.parametrize(
    ("method", "address", "body", "headers", "status", "code"),
    [case[1:] for case in BAD],
    ids=[case[0] for case in BAD],
)
def test_bad(
    client: TestClient,
    method: str,
    address: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    response = client.request(method, address, content=body, headers=headers)
    problem(response, status, code)
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ("SELECT (1 AS ?value) {}", None, "application/sparql-results+json"),
        ("SELECT (1 AS ?value) {}", "application/sparql-results+xml", "application/sparql-results+xml"),
        ("SELECT (1 AS ?value) {}", "text/csv", "text/csv; charset=utf-8"),
        ("SELECT (1 AS ?value) {}", "text/tab-separated-values", "text/tab-separated-values; charset=utf-8"),
        ("SELECT (1 AS ?value) {}", "application/json", "application/json"),
        ("ASK {}", "application/sparql-results+xml;q=0.9, */*;q=0.1", "application/sparql-results+xml"),
        ("DESCRIBE <http://example.org/>", None, "text/turtle; charset=utf-8"),
        ("DESCRIBE <http://example.org/>", "application/rdf+xml", "application/rdf+xml"),
        ("CONSTRUCT { <s> <p> 1 } WHERE {}", None, "text/turtle; charset=utf-8"),
        ("CONSTRUCT { <s> <p> 1 } WHERE {}", "application/n-triples", "application/n-triples"),
        ("CONSTRUCT { <s> <p> 1 } WHERE {}", "application/ld+json", "application/ld+json"),
        ("CONSTRUCT { <s> <p> 1 } WHERE {}", "text/html, application/rdf+xml", "application/rdf+xml"),
    ],
)
def test_content_types(client: TestClient, query: str, accept: str | None, content_type: str) -> None:
    headers = {"accept": accept} if accept else {}
    response = client.post("/sparql", content=query, headers={**DIRECT, **headers})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == content_type
    assert "Accept" in response.headers["vary"]
    if query.startswith(("CONSTRUCT", "DESCRIBE")):
        form = {"application/ld+json": "json-ld", "application/rdf+xml": "xml"}.get(content_type, "turtle")
        assert len(Graph().parse(data=response.content, format=form)) == 1


def test_rows_as_text(client: TestClient) -> None:
    query = "SELECT ?o { <http://example.org/raw> <http://example.org/p> ?o } ORDER BY ?o"
    csv = client.get(url(("query", query), ("format", "csv")))
    assert csv.text == 'o\r\n%41\r\n"caf\u00e9, a+b"\r\n'
    tsv = client.get(url(("query", query), ("format", "tsv")))
    assert tsv.text == '?o\n"%41"\n"caf\u00e9, a+b"\n'


def test_percent_decoding_happens_once(client: TestClient) -> None:
    query = 'SELECT ?s ("a+b" AS ?plus) { ?s ?p "%41" }'
    expected = [{"s": "http://example.org/raw", "plus": "a+b"}]
    for response in (
        client.get(url(("query", query))),
        client.post("/sparql", content=urlencode({"query": query}), headers=FORM),
        client.post("/sparql", content=query, headers=DIRECT),
        client.post("/sparql", content=urlencode({"query": query.replace("%41", "\\u002541")}), headers=FORM),
    ):
        bindings = json.loads(response.text)["results"]["bindings"]
        assert [{name: term["value"] for name, term in row.items()} for row in bindings] == expected


def test_text_beyond_ascii(client: TestClient) -> None:
    query = 'ASK { ?s ?p "caf\u00e9, a+b" }'
    assert client.get(url(("query", query))).json()["boolean"] is True
    assert client.post("/sparql", content=query.encode(), headers=DIRECT).json()["boolean"] is True


def test_head(client: TestClient) -> None:
    for address in (url(("query", "ASK {}")), url(), url(("query", "ASK {"))):
        full, head = client.get(address), client.head(address)
        assert head.status_code == full.status_code
        assert head.content == b""
        for name in ("content-type", "content-length", "vary"):
            assert head.headers[name] == full.headers[name]


def test_cors(client: TestClient) -> None:
    response = client.get(url(("query", "ASK {}")), headers={"origin": "https://example.org"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    preflight = client.options(
        "/sparql",
        headers={
            "origin": "https://example.org",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        },
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "Content-Type" in preflight.headers["access-control-allow-headers"]


def test_results_are_no_pages(client: TestClient) -> None:
    response = client.get(url(("query", "SELECT ('<script>' AS ?x) {}"), ("format", "xml")))
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "turtle"),
        ("application/rdf+xml", "xml"),
        ("application/ld+json, text/turtle;q=0.5", "json-ld"),
        ("application/n-triples", "nt"),
    ],
)
def test_service_description(client: TestClient, accept: str | None, form: str) -> None:
    response = client.get("/sparql", headers={"accept": accept} if accept else {})
    assert response.status_code == 200
    graph = Graph().parse(data=response.content, format=form)
    (service,) = graph.subjects(RDF.type, SD.Service)
    assert str(graph.value(service, SD.endpoint)) == "http://testserver/sparql"
    assert list(graph.objects(service, SD.feature)) == [SD.UnionDefaultGraph]
    assert list(graph.objects(service, SD.supportedLanguage)) == [SD.SPARQL11Query]
    names = {str(name) for name in graph.objects(None, SD.name)}
    assert names == {D0, D1, D2, D3, BULK}
    assert "BasicFederatedQuery" not in response.text
    # Every format that it names is to be had.
    formats = set(graph.objects(service, SD.resultFormat))
    assert len(formats) == 8
    for name in ("SPARQL_Results_JSON", "SPARQL_Results_TSV", "Turtle", "JSON-LD", "RDF_XML"):
        assert URIRef(f"http://www.w3.org/ns/formats/{name}") in formats


def test_own_description(host: SparqlHost) -> None:
    app = FastAPI()
    app.include_router(router(lambda: host, lambda media: f"# {media}\n".encode(), path="/q"))
    assert TestClient(app).get("/q").text == "# text/turtle\n"


def test_syntax_error_has_a_place(client: TestClient) -> None:
    document = problem(client.get(url(("query", "SELECT * {\n ?s ?p 'x }"))), 400, "query-syntax")
    assert (document["line"], document["column"]) == (2, 8)


def test_time_limit(client: TestClient) -> None:
    query = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    document = problem(client.get(url(("query", query))), 504, "time-limit")
    assert f"{DEADLINE_S:g} seconds" in str(document["detail"])
    assert client.get(url(("query", "ASK {}"))).json()["boolean"] is True


def test_memory_limit(client: TestClient, host: SparqlHost) -> None:
    if not host.status().memory_limit:
        pytest.skip("the system does not tell the address space in use")
    query = "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f"
    # On a slow machine the time is over first; either way the query ends and the service goes on.
    response = client.get(url(("query", query)))
    assert (response.status_code, response.json()["type"].rsplit("/", 1)[1]) in [
        (413, "memory-limit"),
        (504, "time-limit"),
    ]
    assert client.get(url(("query", "ASK {}"))).status_code == 200


def test_busy(snapshot: object, monkeypatch: pytest.MonkeyPatch, host: SparqlHost) -> None:
    monkeypatch.setattr(host, "_busy", 2)
    monkeypatch.setattr(host, "_max_waiting", 0)
    app = FastAPI()
    app.include_router(router(lambda: host))
    response = TestClient(app).get(url(("query", "ASK {}")))
    problem(response, 503, "busy")
    assert int(response.headers["retry-after"]) >= 1


def test_a_new_snapshot_takes_over(snapshot: str, host: SparqlHost) -> None:
    closed = SparqlHost(snapshot)
    closed.close()
    hosts = iter([closed, host])
    app = FastAPI()
    app.include_router(router(lambda: next(hosts)))
    assert TestClient(app).get(url(("query", "ASK {}"))).status_code == 200
    app = FastAPI()
    app.include_router(router(lambda: closed))
    problem(TestClient(app).get(url(("query", "ASK {}"))), 503, "unavailable")


def test_openapi(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert list(paths) == ["/sparql"]
    assert set(paths["/sparql"]) == {"get", "post"}
    names = [parameter["name"] for parameter in paths["/sparql"]["get"]["parameters"]]
    assert names == ["query", "default-graph-uri", "named-graph-uri", "format"]
