"""Named queries."""

from __future__ import annotations

import csv

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient


def test_the_list_has_addresses_that_work(client: TestClient) -> None:
    listed = client.get("/v1/queries").json()["queries"]
    assert [query["name"] for query in listed] == ["deep/names", "names"]
    for query in listed:
        assert query["parameters"] == [{"name": "order", "kind": "state", "text": "legal order"}]
        assert query["example"] == f"{query['href']}?order=XA"
        assert len(client.get(query["example"]).json()["rows"]) == 1
        assert len(client.get(query["href"]).json()["rows"]) == 3


def test_rows_as_json(client: TestClient) -> None:
    document = client.get("/v1/queries/names?order=XA&order=Xyst&order=").json()
    assert document["query"] == "names"
    assert document["parameters"] == {"order": ["XA", "Xyst"]}
    assert document["columns"] == ["order", "name", "never_bound"]
    assert [row["name"] for row in document["rows"]] == ["Xanadu, Upper", "Xyst"]


@pytest.mark.parametrize(
    ("query", "accept"),
    [("format=csv", "application/json"), ("", "text/csv"), ("", "text/*, application/json;q=0.5")],
)
def test_rows_as_csv(client: TestClient, query: str, accept: str) -> None:
    response = client.get(f"/v1/queries/names?{query}", headers={"Accept": accept})
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    rows = list(csv.reader(response.text.splitlines()))
    assert rows[0] == ["order", "name", "never_bound"]
    assert rows[1][1:] == ["Xanadu, Upper", ""]


def test_text_of_the_query(client: TestClient) -> None:
    response = client.get("/v1/queries/deep/names", headers={"Accept": "application/sparql-query"})
    assert response.headers["content-type"].startswith("application/sparql-query")
    assert "SELECT ?order ?name" in response.text
    assert client.get("/v1/queries/deep/names?format=rq").content == response.content


def test_formats_have_tags_of_their_own(client: TestClient) -> None:
    tags = {
        client.get("/v1/queries/names", headers={"Accept": accept}).headers["etag"]
        for accept in ("application/json", "text/csv", "application/sparql-query")
    }
    assert len(tags) == 3


def test_wrong_input(client: TestClient) -> None:
    assert client.get("/v1/queries/nmes").json()["suggestions"][0] == "names"
    assert client.get("/v1/queries/nmes").status_code == 404
    assert client.get("/v1/queries/parts/names").status_code == 404
    [error] = client.get("/v1/queries/names?ordr=XA").json()["errors"]
    assert error["suggestions"] == ["order"]
    [error] = client.get("/v1/queries/names?order=Xebek").json()["errors"]
    assert (error["field"], error["suggestions"][0]) == ("order", "XB (Xebec <&>)")
    [error] = client.get("/v1/queries/names?format=cvs").json()["errors"]
    assert (error["field"], error["suggestions"]) == ("format", ["csv"])
    assert client.get("/v1/queries/names", headers={"Accept": "image/png"}).status_code == 406


def test_only_a_few_run_at_once(app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from lexgraph.api import queries

    monkeypatch.setattr(queries, "_PATIENCE_S", 0.05)
    engine = app.state.holder.get().engine
    go_on, begun = threading.Event(), threading.Semaphore(0)
    original = engine.run_query

    def slow(name: str, params: dict) -> object:
        begun.release()
        assert go_on.wait(10)
        return original(name, params)

    monkeypatch.setattr(engine, "run_query", slow)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(client.get("/v1/queries/names").status_code)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert begun.acquire(timeout=10)
    assert begun.acquire(timeout=10)
    third = client.get("/v1/queries/names")
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (third.status_code, third.headers["retry-after"], statuses) == (503, "5", [200, 200])
