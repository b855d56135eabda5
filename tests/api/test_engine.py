"""Over HTTP the real engine says what it says on the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from lexgraph.api.openapi import examples
from lexgraph.engine import Engine

from .conftest import TinyHost, tiny_app


@pytest.fixture(scope="module")
def real(engine: Engine) -> Iterator[TestClient]:
    app = tiny_app(
        engine.project,
        open_engine=lambda project: engine,
        open_host=lambda found: TinyHost(),
        check_every_s=600,
    )
    with TestClient(app) as client:
        assert app.state.holder.wait(60)
        yield client


@pytest.mark.parametrize("name", ["prosecute", "cooperate", "routes", "havens"])
def test_get_post_and_engine_agree(real: TestClient, engine: Engine, name: str) -> None:
    given = examples()[name]
    answer = getattr(engine, name)(given["question"])
    assert real.post(f"/v1/{name}", json=given["question"]).json() == json.loads(json.dumps(answer))
    got = real.get(f"/v1/{name}?{urlencode(given['parameters'], doseq=True)}")
    assert got.status_code == 200
    assert got.json()["routes" if name == "routes" else "answers"]
    assert set(got.json()) >= set(given["answer"])


def _command(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", "from lexgraph.cli import main; main()", *arguments, "--format", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_command_line_agrees(real: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXGRAPH_HOME", str(engine.project.home))
    asked = examples()["prosecute"]["parameters"]
    options = [
        part
        for name, values in asked.items()
        for value in ([values] if isinstance(values, str) else values)
        for part in (f"--{name.replace('_', '-')}", value)
    ]
    got = real.get(f"/v1/prosecute?{urlencode(asked, doseq=True)}").json()
    assert _command("prosecute", *options) == got
    asked = examples()["cooperate"]["parameters"]
    options = [
        part
        for name, values in asked.items()
        if name not in ("requesting", "requested")
        for value in ([values] if isinstance(values, str) else values)
        for part in (f"--{name.replace('_', '-')}", value)
    ]
    got = real.get(f"/v1/cooperate?{urlencode(asked, doseq=True)}").json()
    assert _command("cooperate", asked["requesting"], asked["requested"], *options) == got


def test_every_link_of_the_start_page_works(real: TestClient) -> None:
    page = real.get("/").text
    links = {unescape(link) for link in re.findall(r'href="(/[^"]*)"', page)}
    assert len(links) > 10
    # The endpoint needs its own process, which this application goes without.
    for link in links - {"/sparql"}:
        assert real.get(link).status_code == 200, link


def test_every_query_has_an_example_with_rows(real: TestClient) -> None:
    for query in real.get("/v1/queries").json()["queries"]:
        answer = real.get(query["example"])
        assert answer.status_code == 200, query["name"]
        assert answer.json()["rows"], query["name"]
        table = real.get(query["example"], headers={"Accept": "text/csv"})
        assert table.text.splitlines()[0].split(",") == answer.json()["columns"]


def test_every_state_and_code_dereferences(real: TestClient) -> None:
    for name, kind in (
        ("states", "state"),
        ("offences", "offence"),
        ("principles", "principle"),
        ("measures", "measure"),
    ):
        for entry in real.get(f"/v1/{name}").json()[name]:
            assert real.get(f"/id/{kind}/{entry['code']}").status_code == 200, entry


def test_every_instrument_and_case_is_there(real: TestClient) -> None:
    for name in ("instruments", "cases"):
        for entry in real.get(f"/v1/{name}").json()[name]:
            single = real.get(f"/v1/{name}/{entry['id']}")
            assert single.status_code == 200
            assert single.json()["id"] == entry["id"]
