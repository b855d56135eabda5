"""Named queries: headers are read, parameters become terms, and every query of the project says what it is."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from lexgraph import namedqueries
from lexgraph.codes import InputError
from lexgraph.engine import Engine
from lexgraph.namedqueries import Parameter
from lexgraph.settings import ID, project

TEXT = """# title: Parties
# question: Which orders
# question: does an instrument bind?
# param: instrument instrument the instrument
# param: as_of date day of the question
# param: word text
# example: instrument=ets-185 as_of=2010-07-01
SELECT DISTINCT ?party (?x AS ?from) ?until WHERE { VALUES ?instrument { UNDEF } VALUES ?as_of { UNDEF } }"""

QUERIES = namedqueries.load(project().queries)
PUBLIC = sorted(name for name, query in QUERIES.items() if not query.internal)


def test_a_header_is_read_whole() -> None:
    query = namedqueries.parse("parties", TEXT)
    assert (query.title, query.question) == ("Parties", "Which orders does an instrument bind?")
    assert query.parameters == (
        Parameter("instrument", "instrument", "the instrument"),
        Parameter("as_of", "date", "day of the question"),
        Parameter("word", "text", ""),
    )
    assert query.example == "instrument=ets-185 as_of=2010-07-01"
    assert not query.internal


def test_a_query_without_a_header_is_called_by_its_name() -> None:
    query = namedqueries.parse("bare", "# internal: part of an answer\nSELECT * WHERE {}")
    assert (query.title, query.question, query.parameters, query.internal) == ("bare", "", (), True)


@pytest.mark.parametrize(
    ("kind", "value", "term"),
    [
        ("state", "DZ", ox.NamedNode(f"{ID}state/DZ")),
        ("measure", "extradition", ox.NamedNode(f"{ID}measure/extradition")),
        (
            "date",
            "2010-07-01",
            ox.Literal("2010-07-01", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#date")),
        ),
        ("text", "DZ", ox.Literal("DZ")),
    ],
)
def test_a_value_becomes_a_term_of_its_kind(kind: str, value: str, term: object) -> None:
    assert Parameter("x", kind, "").term(value) == term


def test_columns_are_named_in_order_and_renamed_ones_by_their_new_name() -> None:
    assert namedqueries.columns(TEXT) == ["party", "from", "until"]


def test_files_are_named_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one.rq").write_text("SELECT * WHERE {}", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    assert list(namedqueries.load(tmp_path)) == ["parts/one"]


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_every_query_of_the_project_says_what_it_asks(name: str) -> None:
    query = QUERIES[name]
    assert query.title != name
    assert "?" in query.question
    for parameter in query.parameters:
        assert parameter.text, f"{parameter.name} says nothing"
        assert f"?{parameter.name}" in query.text
    assert namedqueries.columns(query.text)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_query_has_an_example_that_gives_rows(engine: Engine, name: str) -> None:
    pairs = [pair.split("=", 1) for pair in QUERIES[name].example.split()]
    columns, rows = engine.run_query(name, {key: value.split(",") for key, value in pairs})
    assert rows, f"{name} {QUERIES[name].example} gives nothing"
    assert all(set(row) <= set(columns) for row in rows)
    assert not any(value.startswith(ID) for row in rows for value in row.values())


def test_an_unknown_query_names_the_nearest(engine: Engine) -> None:
    with pytest.raises(InputError) as caught:
        engine.run_query("partie", {})
    assert caught.value.field == "query"
    assert "parties" in caught.value.suggestions


def test_an_unknown_parameter_names_the_nearest(engine: Engine) -> None:
    with pytest.raises(InputError) as caught:
        engine.run_query("parties", {"instrumnt": "ets-185"})
    assert (caught.value.field, caught.value.suggestions) == ("instrumnt", ["instrument"])


def test_a_value_that_is_no_code_of_its_kind_is_refused(engine: Engine) -> None:
    with pytest.raises(InputError) as caught:
        engine.run_query("parties", {"instrument": "ets-1855"})
    assert caught.value.field == "instrument"
    assert "ets-185" in caught.value.suggestions
