"""The two questions: parameters, bodies, and what is said of wrong ones."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lexgraph.api.answers import MAX_BODY_BYTES
from lexgraph.api.parameters import COOPERATE, HAVENS, PROSECUTE, ROUTES, Parameter
from lexgraph.questions.models import CooperateQuestion, HavensQuestion, ProsecuteQuestion, RoutesQuestion

ALL_OF_PROSECUTE = {
    "offences": ["illegal-access", "piracy"],
    "conduct_date": "2000-06-01",
    "as_of": "2000-11-10",
    "conduct_in": ["XA", "XB"],
    "effects_in": ["XB"],
    "systems_in": ["XC"],
    "suspects": [
        {"nationality": ["XA", "XB"], "residence": ["XA"], "present_in": ["XC"], "established_in": ["XB"]},
    ],
    "victims": [{"nationality": ["XB"], "residence": ["XC"], "established_in": ["XA"]}],
    "interests": ["XB"],
    "flag": ["XC"],
    "features": ["serious-crime"],
    "judged_in": ["XA"],
    "complaint_by": ["XB"],
    "authorised_by": ["XC"],
    "extradition_refused_by": ["XA"],
    "proceedings_in": ["XB"],
    "explain": True,
}
PROSECUTE_QUERY = (
    "offence=illegal-access&offence=piracy&conduct_date=2000-06-01&as_of=2000-11-10&conduct_in=XA&conduct_in=XB"
    "&effects_in=XB&systems_in=XC&suspect_nationality=XA&suspect_nationality=XB&suspect_residence=XA&suspect_in=XC"
    "&victim_nationality=XB&victim_residence=XC&victim_seat=XA&interest=XB&flag=XC&feature=serious-crime"
    "&judged_in=XA&complaint_by=XB&authorised_by=XC&extradition_refused_by=XA&proceedings_in=XB&suspect_seat=XB"
    "&explain=true"
)
ALL_OF_COOPERATE = {
    "requesting": ["XA", "XC"],
    "requested": ["XB"],
    "offences": ["illegal-access"],
    "measures": ["extradition"],
    "as_of": "2000-11-10",
    "conduct_date": "2000-06-01",
    "person": {"nationality": ["XB"]},
    "features": ["serious-crime"],
    "conduct_in": ["XA"],
    "effects_in": ["XA"],
    "systems_in": ["XB"],
    "proceedings_in": ["XB"],
    "judged_in": ["XC"],
    "pleas": ["health"],
    "interests": ["XC"],
    "request_dates": {"XA": "2000-11-01"},
    "explain": True,
}
COOPERATE_QUERY = (
    "requesting=XA&requesting=XC&requested=XB&offence=illegal-access&measure=extradition&as_of=2000-11-10"
    "&conduct_date=2000-06-01&person_nationality=XB&feature=serious-crime&conduct_in=XA&effects_in=XA&systems_in=XB"
    "&proceedings_in=XB&judged_in=XC&plea=health&interest=XC&request_date=XA%3D2000-11-01&explain=true"
)


@pytest.mark.parametrize(
    ("name", "query", "question"),
    [("prosecute", PROSECUTE_QUERY, ALL_OF_PROSECUTE), ("cooperate", COOPERATE_QUERY, ALL_OF_COOPERATE)],
)
def test_parameters_and_body_ask_the_same(client: TestClient, name: str, query: str, question: dict) -> None:
    got = client.get(f"/v1/{name}?{query}")
    posted = client.post(f"/v1/{name}", json=question)
    assert got.status_code == posted.status_code == 200
    assert got.content == posted.content
    assert got.json()["question"] == question
    assert got.headers["content-type"] == "application/json"


def test_every_field_of_the_questions_has_a_parameter() -> None:
    def places(model: type, prefix: str = "") -> set[str]:
        schema = model.model_json_schema()
        found = set()
        for name, node in schema["properties"].items():
            inner = node.get("items", node).get("$ref")
            if inner:
                brackets = "[]" if "items" in node else ""
                fields = schema["$defs"][inner.rsplit("/", 1)[-1]]["properties"]
                found |= {f"{name}{brackets}.{field}" for field in fields}
            else:
                found.add(name)
        return found

    def named(parameters: tuple[Parameter, ...]) -> set[str]:
        return {one.place.removesuffix("{}") for one in parameters}

    assert named(PROSECUTE) == places(ProsecuteQuestion)
    assert named(COOPERATE) == places(CooperateQuestion)
    assert named(ROUTES) == places(RoutesQuestion)
    assert named(HAVENS) == places(HavensQuestion)


@pytest.mark.parametrize(
    "query",
    [
        "offence=piracy&interest=XA&feature=serious-crime",
        "offences=piracy&interests=XA&features=serious-crime",
    ],
)
def test_both_names_of_a_parameter_are_understood(client: TestClient, query: str) -> None:
    question = client.get(f"/v1/prosecute?{query}").json()["question"]
    assert (question["offences"], question["interests"], question["features"]) == (
        ["piracy"],
        ["XA"],
        ["serious-crime"],
    )


def test_empty_values_are_not_given(client: TestClient) -> None:
    question = client.get("/v1/prosecute?offence=piracy&as_of=&conduct_in=&flag=%20").json()["question"]
    assert question["as_of"] is None
    assert question["conduct_in"] == question["flag"] == []


@pytest.mark.parametrize(
    ("query", "field", "suggestion"),
    [
        ("offence=piracy&conduct-in=XA", "conduct-in", "conduct_in"),
        ("ofence=piracy", "ofence", "offence"),
        ("offence=piracy&suspects_nationality=XA", "suspects_nationality", "suspect_nationality"),
        ("offence=piracy&victim_nationalty=XA", "victim_nationalty", "victim_nationality"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest(
    client: TestClient, query: str, field: str, suggestion: str
) -> None:
    response = client.get(f"/v1/prosecute?{query}")
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["field"] == field
    assert error["suggestions"][0] == suggestion


def test_all_errors_are_told_at_once(client: TestClient) -> None:
    response = client.get("/v1/prosecute?offense=piracy&nonsense=1&as_of=2000&as_of=2001")
    assert [error["field"] for error in response.json()["errors"]] == ["offense", "nonsense", "as_of"]


def test_an_error_of_the_engine_names_field_and_parameter(client: TestClient) -> None:
    response = client.get("/v1/prosecute?offence=piracy&suspect_nationality=XA&suspect_nationality=Xebek")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["type"].endswith("/problem/invalid-input")
    assert document["status"] == 422
    [error] = document["errors"]
    assert error["field"] == "suspects[0].nationality"
    assert error["parameter"] == "suspect_nationality"
    assert error["suggestions"][0].startswith("XB")
    posted = client.post("/v1/prosecute", json={"offences": ["piracy"], "suspects": [{"nationality": ["Xebek"]}]})
    [error] = posted.json()["errors"]
    assert (posted.status_code, error["field"]) == (422, "suspects[0].nationality")
    assert "parameter" not in error


def test_the_offence_is_required(client: TestClient) -> None:
    [error] = client.get("/v1/prosecute").json()["errors"]
    assert (error["field"], error["parameter"]) == ("offences", "offence")
    fields = {error["field"] for error in client.get("/v1/cooperate").json()["errors"]}
    assert fields == {"requesting", "requested"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"offences": ["piracy"], "flagg": []}, ["flagg"]),
        ({"offences": ["piracy"], "suspects": [{}, {"nationalty": ["XA"]}]}, ["suspects[1].nationalty"]),
        ({"offences": ["piracy", 3], "as_of": 2000}, ["offences[1]", "as_of"]),
        ({"offences": ["piracy"], "suspects": ["XA"]}, ["suspects[0]"]),
        ([], ["body"]),
        (None, ["body"]),
    ],
)
def test_a_wrong_body_names_its_fields(client: TestClient, body: object, fields: list[str]) -> None:
    response = client.post("/v1/prosecute", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == fields
    assert "Prosecute" not in response.text


def test_a_misspelt_field_is_compared_with_those_of_its_own_object(client: TestClient) -> None:
    body = {"offences": ["piracy"], "suspects": [{"present_inn": ["XA"]}]}
    [error] = client.post("/v1/prosecute", json=body).json()["errors"]
    assert error["suggestions"] == ["present_in"]


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b'{\n "offences": [,]}', 2, 15),
        (b"", 1, 1),
        (b'{"a": "\xff"}', 1, 1),
        (b'{"a": NaN}', 1, 7),
        (b"[" * 5000, 1, 1026),
    ],
)
def test_malformed_json_is_refused_with_its_place(client: TestClient, body: bytes, line: int, column: int) -> None:
    response = client.post("/v1/prosecute", content=body, headers={"Content-Type": "application/json"})
    document = response.json()
    assert (response.status_code, document["line"], document["column"]) == (422, line, column)
    assert document["type"].endswith("/problem/malformed-json")


def test_a_body_over_the_limit_is_refused(client: TestClient) -> None:
    body = json.dumps({"offences": ["piracy"]}).encode()
    fits = body + b" " * (MAX_BODY_BYTES - len(body))
    headers = {"Content-Type": "application/json"}
    assert client.post("/v1/prosecute", content=fits, headers=headers).status_code == 200
    assert client.post("/v1/prosecute", content=fits + b" ", headers=headers).status_code == 413
    in_pieces = client.post("/v1/prosecute", content=iter([fits, b" "]), headers=headers)
    assert in_pieces.status_code == 413
    assert in_pieces.json()["type"].endswith("/problem/body-too-large")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ("application/ld+json", 200),
        ("application/x-www-form-urlencoded", 200),
        ("", 200),
        ("text/plain", 415),
        ("application/xml", 415),
    ],
)
def test_media_type_of_the_body(client: TestClient, content_type: str, status: int) -> None:
    response = client.post("/v1/prosecute", content=b'{"offences": "piracy"}', headers={"Content-Type": content_type})
    assert response.status_code == status


def test_a_form_is_not_taken_for_json(client: TestClient) -> None:
    assert client.post("/v1/prosecute", data={"offence": "piracy"}).status_code == 415


def test_post_takes_no_parameters(client: TestClient) -> None:
    response = client.post("/v1/prosecute?offence=piracy", json={"offences": ["piracy"]})
    assert response.status_code == 422


def test_only_json_is_on_offer(client: TestClient) -> None:
    response = client.get("/v1/prosecute?offence=piracy", headers={"Accept": "text/csv"})
    assert response.status_code == 406
    assert response.json()["offers"] == ["application/json"]
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert client.get("/v1/prosecute?offence=piracy", headers={"Accept": browser}).status_code == 200


def test_a_fault_of_ours_says_nothing_of_itself(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    response = client.get("/v1/prosecute?offence=breakdown")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert response.json()["instance"] in caplog.text
    assert "secret words" in caplog.text


def test_an_answer_that_the_client_has_is_not_worked_out_again(app: FastAPI, client: TestClient) -> None:
    engine = app.state.holder.get().engine
    url = "/v1/prosecute?offence=piracy&as_of=2001-01-01"
    first = client.get(url)
    before = engine.asked
    again = client.get(url, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, engine.asked) == (304, b"", before)
    assert again.headers["etag"] == first.headers["etag"]
    assert engine.data_version in first.headers["etag"]
    assert client.get(url, headers={"If-None-Match": "*"}).status_code == 200
    other = client.get(
        "/v1/prosecute?offence=piracy&as_of=2001-01-02", headers={"If-None-Match": first.headers["etag"]}
    )
    assert other.status_code == 200


def test_without_a_day_the_tag_is_of_today(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime

    class Tomorrow(datetime.date):
        @classmethod
        def today(cls) -> datetime.date:
            return datetime.date(2999, 1, 1)

    first = client.get("/v1/prosecute?offence=piracy").headers["etag"]
    monkeypatch.setattr("lexgraph.api.answers.date", Tomorrow)
    assert client.get("/v1/prosecute?offence=piracy", headers={"If-None-Match": first}).status_code == 200
