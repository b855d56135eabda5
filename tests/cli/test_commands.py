"""query, cases, validate, build, export, serve, version."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.conftest import Listener, run
from export.small import VERSION
from lexgraph import __version__
from lexgraph.settings import Project
from lexgraph.snapshot import Snapshot
from lexgraph.tables import Problem

# ------------------------------------------------------------------------------------------------------- query


def test_query_passes_its_parameters(engine: Listener) -> None:
    result = run("query", "parties", "--param", "instrument=ets-185", "--param", "party=FR", "--param", "party=DE")
    assert result.exit_code == 0
    assert engine.asked == [("parties", {"instrument": ["ets-185"], "party": ["FR", "DE"]})]
    assert json.loads(result.stdout) == {
        "query": "parties",
        "parameters": {"instrument": ["ets-185"], "party": ["FR", "DE"]},
        "data_version": "2026.1.1+test",
        "columns": ["party", "from"],
        "rows": [{"party": "FR", "from": "2006-05-01"}, {"party": "DE"}],
    }


def test_query_rows_as_csv_and_table(engine: Listener) -> None:
    assert run("query", "parties", "--format", "csv").stdout == "party,from\nFR,2006-05-01\nDE,\n"
    assert "2006-05-01" in run("query", "parties", "--format", "table").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["partys"], "did you mean parties"),
        (["parties", "--param", "instrumnt=x"], "did you mean instrument"),
        (["parties", "--param", "party"], "NAME=VALUE"),
        (["parties", "--param", "=FR"], "NAME=VALUE"),
    ],
)
def test_query_errors_come_before_the_graph_is_read(engine: Listener, arguments: list[str], said: str) -> None:
    result = run("query", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert engine.asked == []


def test_query_without_a_name_lists_the_queries() -> None:
    listed = json.loads(run("query").stdout)
    names = {entry["name"] for entry in listed}
    assert "parties" in names
    assert not [name for name in names if name.startswith(("export/", "parts/"))]


def ask(folder: Path, text: str, *arguments: str) -> Any:
    path = folder / "own.rq"
    path.write_text(text, encoding="utf-8")
    return run("query", path, *arguments)


LEXO = "PREFIX lexo: <https://w3id.org/lexgraph/ontology/>\n"


def test_a_file_with_a_query_and_parameters(published: Project, tmp_path: Path) -> None:
    text = (
        "# param: party state who\n" + LEXO + "SELECT ?i ?day ?none WHERE { VALUES ?party { UNDEF } "
        "?p a lexo:Participation ; lexo:party ?party ; lexo:instrument ?i ; lexo:from ?day "
        "OPTIONAL { ?p lexo:no ?none } }"
    )
    result = ask(tmp_path, text, "--param", "party=FR", "--format", "csv")
    assert result.stdout == "i,day,none\nets-185,2006-05-01,\n"
    assert ask(tmp_path, text, "--param", "party=DE", "--format", "csv").stdout == "i,day,none\n"
    told = json.loads(ask(tmp_path, text).stdout)
    assert told["data_version"] == VERSION
    assert told["rows"] == [{"i": "ets-185", "day": "2006-05-01"}]


def test_a_file_may_ask_of_named_graphs(published: Project, tmp_path: Path) -> None:
    fact = "?p a lexo:Participation"
    graph = "https://w3id.org/lexgraph/graph/derived/facts"
    for text in (
        f"SELECT ?g WHERE {{ GRAPH ?g {{ {fact} }} }}",
        f"SELECT (<{graph}> AS ?g) FROM <{graph}> WHERE {{ {fact} }}",
        f"SELECT ?g FROM NAMED <{graph}> WHERE {{ GRAPH ?g {{ {fact} }} }}",
    ):
        assert ask(tmp_path, LEXO + text, "--format", "csv").stdout == f"g\n{graph}\n"


def test_forms_other_than_select(published: Project, tmp_path: Path) -> None:
    assert ask(tmp_path, LEXO + "ASK { ?p a lexo:Participation }", "--format", "csv").stdout == "answer\nyes\n"
    assert ask(tmp_path, LEXO + "ASK { ?p a lexo:Nothing }", "--format", "csv").stdout == "answer\nno\n"
    built = ask(tmp_path, LEXO + "CONSTRUCT { ?p a lexo:X } WHERE { ?p a lexo:Participation }").stdout
    assert built.endswith("<https://w3id.org/lexgraph/ontology/X> .\n")


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("SELECT * { SERVICE <http://example.org/> { ?s ?p ?o } }", 2, "SERVICE is not allowed"),
        ("DELETE WHERE { ?s ?p ?o }", 2, "only reads"),
        ("SELECT * FROM <http://example.org/> { ?s ?p ?o }", 2, "graph that is not here"),
        ("SELECT { broken", 2, "Syntax error"),
        ("SELECT (<http://example.org/f>(1) AS ?x) {}", 1, "cannot be evaluated"),
    ],
)
def test_a_file_reaches_no_further_than_the_endpoint(
    published: Project, tmp_path: Path, text: str, status: int, said: str
) -> None:
    result = ask(tmp_path, text)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in result.stderr


def test_a_file_without_the_parameter_or_of_other_bytes(published: Project, tmp_path: Path) -> None:
    result = ask(tmp_path, "SELECT * { ?s ?p ?o }", "--param", "party=FR")
    assert result.exit_code == 2
    assert "no such parameter" in result.stderr
    # Declared, but without the place in the text.
    result = ask(tmp_path, "# param: party state who\nSELECT * { ?s ?p ?o }", "--param", "party=FR")
    assert result.exit_code == 2
    # No value may break out of its place.
    text = "# param: party state who\nSELECT * { VALUES ?party { UNDEF } ?s ?p ?party }"
    result = ask(tmp_path, text, "--param", "party=FR> } #")
    assert result.exit_code == 2
    (tmp_path / "own.rq").write_bytes(b"\xff")
    assert run("query", tmp_path / "own.rq").exit_code == 2


# ------------------------------------------------------------------------------------------------------- cases


def test_cases_are_listed(small: Project) -> None:
    found = json.loads(run("cases").stdout)
    assert {case["id"] for case in found} == {path.stem for path in (small.data / "cases").glob("*.json")}
    rows = list(csv.DictReader(io.StringIO(run("cases", "--format", "csv").stdout)))
    assert [row["id"] for row in rows] == [case["id"] for case in found]


def test_cases_are_checked(engine: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "cases": 2,
        "exact": {"asked": 4, "agreed": 3, "share": 0.75},
        "loose": {"asked": 0, "agreed": 0, "share": None},
        "disagreements": [
            {
                "case": "one",
                "kind": "prosecute",
                "exact": True,
                "what": "FR",
                "wanted": "established",
                "got": "unknown",
                "wrong": ("status unknown instead of established",),
                "explained": None,
            }
        ],
    }
    monkeypatch.setattr("lexgraph.cases.check", lambda _: found)
    assert json.loads(run("cases", "--check").stdout)["exact"]["agreed"] == 3
    assert engine.in_memory is True
    table = run("cases", "--check", "--format", "table").stdout
    assert "75.0%" in table
    assert "status unknown instead of established" in table
    (row,) = csv.DictReader(io.StringIO(run("cases", "--check", "--format", "csv").stdout))
    assert (row["case"], row["exact"], row["wrong"]) == ("one", "yes", "status unknown instead of established")


# ---------------------------------------------------------------------------------------------------- validate


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_validate_a_file_a_folder_and_a_case(small: Project) -> None:
    actions = small.data / "instruments/ets-185/actions.csv"
    result = run("validate", actions)
    assert result.exit_code == 0, result.stderr
    rows = len(list(csv.reader(actions.open(encoding="utf-8", newline="")))) - 1
    assert result.stdout == f"1 file, {rows} records, no problem\n"
    assert run("validate", actions.parent).stdout.startswith("2 files, ")
    assert run("validate", sorted((small.data / "cases").glob("*.json"))[0]).stdout == "1 file, no problem\n"
    assert run("validate", small.ontology / "schemes").exit_code == 0
    assert not small.home.exists()


def test_validate_says_where_and_what_is_expected(small: Project) -> None:
    actions = small.data / "instruments/ets-185/actions.csv"
    edit(actions, ",document,", ",dokument,")
    result = run("validate", actions)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "data/instruments/ets-185/actions.csv, row 2, column evidence: 'dokument' is not one of" in result.stderr
    assert "1 problem in the sources" in result.stderr


def test_validate_follows_links_both_ways(small: Project) -> None:
    actions = small.data / "instruments/ets-185/actions.csv"
    edit(actions, ",ratification,", ",ratificaton,")
    result = run("validate", actions)
    assert result.exit_code == 2
    assert "did you mean ratification?" in result.stderr
    # The fault is in another file: it is told, and does not count against this one.
    result = run("validate", small.data / "states.csv")
    assert result.exit_code == 0
    assert "1 problem in other files" in result.stderr


def test_validate_finds_what_no_schema_describes(small: Project) -> None:
    (small.data / "instruments/ets-185/action.csv").write_text("id\n", encoding="utf-8")
    result = run("validate", small.data / "instruments")
    assert result.exit_code == 2
    assert "did you mean actions.csv?" in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("data/cases/new.json", "{", "is not JSON"),
        ("data/cases/new.json", "[]", "must be new"),
        ("data/cases/new.json", '{"id": "other"}', "must be new"),
        ("data/cases/new.json", b"\xff", "is not UTF-8"),
        ("ontology/new.ttl", "<a> <b>", "is not Turtle"),
    ],
)
def test_validate_cases_and_modules(small: Project, name: str, text: str | bytes, said: str) -> None:
    path = small.root / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run("validate", path)
    assert result.exit_code == 2
    assert said in result.stderr


def test_validate_refuses_what_it_cannot_check(small: Project, tmp_path: Path) -> None:
    for path, said in (
        (small.data / "none.csv", "no file or folder"),
        (tmp_path, "no part of the project"),
        (small.data / "VERSION", "nothing that can be checked"),
    ):
        result = run("validate", path)
        assert result.exit_code == 2
        assert said in result.stderr


def test_validate_everything_publishes_nothing(small: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = []

    def built(project: Project, home: Path, progress: Any) -> Any:
        homes.append(home)
        assert (home / "cache").resolve() == small.home / "cache"
        (home / "cache" / "kept").write_text("", encoding="utf-8")
        warnings = [Problem("data/states.csv", 2, "kind", "", "looks odd")]
        return SimpleNamespace(counts={"records": 1234}, warnings=warnings)

    monkeypatch.setattr("lexgraph.build.build", built)
    result = run("validate")
    assert result.stdout == "1,234 records, no problem; 1 warning\n"
    assert "warning: data/states.csv, row 2, column kind: looks odd" in result.stderr
    assert not homes[0].exists()
    assert (small.home / "cache" / "kept").exists()
    assert not (small.home / "current").exists()


# ----------------------------------------------------------------------------------- build, export, serve, version


def test_build_tells_counts_and_seconds(small: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def built(project: Project, home: Path | None, progress: Any) -> Any:
        asked.append(home)
        return SimpleNamespace(
            snapshot=Snapshot(tmp_path / "abc"),
            fresh=True,
            counts={"records": 1234, "derived": 5},
            warnings=[Problem("data/states.csv", 2, "kind", "", "looks odd")],
            seconds={"all": 3.21},
        )

    monkeypatch.setattr("lexgraph.build.build", built)
    result = run("build", "--out", tmp_path / "here")
    assert asked == [tmp_path / "here"]
    assert result.stdout == "abc built in 3.2 s\n1,234 records, 5 derived\n"
    assert result.stderr == "1 warning; see: lexgraph validate\n"
    run("build")
    assert asked[1] is None


def test_build_tells_every_problem(small: Project) -> None:
    """The real build, on sources with two faults."""
    actions = small.data / "instruments/ets-185/actions.csv"
    edit(actions, ",document,", ",dokument,")
    edit(small.data / "states.csv", "alpha3", "alpha_3")
    result = run("build")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "data/instruments/ets-185/actions.csv, row 2, column evidence: 'dokument' is not one of" in result.stderr
    assert "data/states.csv, row 1, column alpha_3: unknown column; did you mean alpha3?" in result.stderr
    assert not (small.home / "current").exists()


def test_export_tells_its_files(small: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def exported(project: Project, what: str, fmt: str, out: Path, progress: Any) -> list[dict[str, Any]]:
        asked.append((what, fmt, out))
        return [
            {"file": "states.csv", "rows": 1, "bytes": 1200},
            {"file": "csv-metadata.json", "rows": None, "bytes": 7},
        ]

    monkeypatch.setattr("lexgraph.export.export", exported)
    result = run("export", "--out", tmp_path / "out")
    assert asked == [("all", "csv", tmp_path / "out")]
    lines = result.stdout.splitlines()
    assert lines[:2] == ["states.csv, 1 row, 1,200 bytes", "csv-metadata.json, 7 bytes"]
    assert lines[2].startswith("2 files, 1,207 bytes in ")
    run("export", "--what", "states", "--as", "parquet", "--out", tmp_path / "out")
    assert asked[1] == ("states", "parquet", tmp_path / "out")


def test_export_errors_name_the_option(small: Project, tmp_path: Path) -> None:
    result = run("export", "--what", "offence", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("lexgraph: --what: no table is called 'offence'; did you mean offences")


def test_serve_builds_only_where_nothing_is_built(
    small: Project, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    built, served = [], []
    monkeypatch.setattr("lexgraph.build.build", lambda *_, **__: built.append(True))
    monkeypatch.setattr("lexgraph.api.app.create_app", lambda: "app")
    monkeypatch.setattr("uvicorn.run", lambda app, **how: served.append((app, how)))
    assert run("serve").exit_code == 0
    assert len(built) == 1
    request.getfixturevalue("published")
    assert run("serve", "--host", "0.0.0.0", "--port", "9000").exit_code == 0
    assert len(built) == 1
    assert served == [("app", {"host": "127.0.0.1", "port": 8000}), ("app", {"host": "0.0.0.0", "port": 9000})]


def test_version(small: Project, request: pytest.FixtureRequest) -> None:
    assert run("version").stdout == f"lexgraph {__version__}\ndata: none built\n"
    request.getfixturevalue("published")
    assert run("version").stdout == f"lexgraph {__version__}\ndata {VERSION}\n"


# ---------------------------------------------------------------------------------------------- the real graph


def test_a_real_question_from_a_case(
    graph_project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEXGRAPH_HOME", str(graph_project.home))
    case = sorted((graph_project.data / "cases").glob("*.json"))[0]
    expected = json.loads(case.read_text(encoding="utf-8"))["scenario"]["offences"]
    result = run("prosecute", "--scenario", case)
    answer = json.loads(result.stdout)
    assert answer["question"]["offences"] == expected
    assert answer["answers"]
    for name in ("csv", "table"):
        shown = run("prosecute", "--scenario", case, "--format", name).stdout
        assert all(found["jurisdiction"] in shown for found in answer["answers"])
    assert run("prosecute", "--offence", "hackin").exit_code == 2
    table = run("cooperate", "France", "DZA", "--offence", "hacking", "--format", "table").stdout
    assert "FR asks DZ" in table
    assert max(map(len, table.splitlines())) <= 100
    parties = run("query", "parties", "--param", "instrument=ets-185", "--param", "as_of=2010-07-01", "--format", "csv")
    assert "\nets-185,FR,FR,2006-05-01" in parties.stdout
