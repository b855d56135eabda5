"""Lists and single things."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from .conftest import VERSION


@pytest.mark.parametrize(
    ("name", "key", "expected"),
    [
        ("states", "code", ["XA", "XB", "XC"]),
        ("instruments", "id", ["treaty-1"]),
        ("offences", "code", ["illegal-access", "piracy"]),
        ("principles", "code", ["flag", "protective"]),
        ("measures", "code", ["extradition", "video-hearing"]),
        ("cases", "id", ["case-1"]),
    ],
)
def test_lists(client: TestClient, name: str, key: str, expected: list[str]) -> None:
    response = client.get(f"/v1/{name}")
    document = response.json()
    assert document["data_version"] == VERSION
    assert [entry[key] for entry in document[name]] == expected
    assert client.get(f"/v1/{name}/").content == response.content
    assert client.get(f"/v1/{name}", headers={"If-None-Match": response.headers["etag"]}).status_code == 304
    assert client.get(f"/v1/{name}?colour=red").status_code == 422


@pytest.mark.parametrize("text", ["XA", "xa", "XAA", "Xanadu,%20Upper"])
def test_a_state_by_code_or_name(client: TestClient, text: str) -> None:
    assert client.get(f"/v1/states/{text}").json()["code"] == "XA"


def test_a_bilateral_treaty(client: TestClient) -> None:
    plain = client.get("/v1/instruments/bilateral:XA-XB:extradition:2003?as_of=2010-07")
    assert plain.json() == {"id": "bilateral:XA-XB:extradition:2003", "as_of": "2010-07-01", "parties": []}
    assert client.get("/v1/instruments/bilateral%3AXA-XB%3Aextradition%3A2003").status_code == 200


@pytest.mark.parametrize("path", ["/v1/states/Xebek", "/v1/instruments/treaty-2", "/v1/cases/case-2"])
def test_what_is_not_there_is_404_with_the_nearest(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["suggestions"]
    assert response.headers["content-type"] == "application/problem+json"


def test_a_wrong_day_is_422(client: TestClient) -> None:
    response = client.get("/v1/instruments/treaty-1?as_of=yesterday")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "as_of"


def test_without_a_day_parties_are_those_of_today(client: TestClient) -> None:
    assert client.get("/v1/instruments/treaty-1").json()["as_of"] is not None
