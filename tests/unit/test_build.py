"""The build: the same bytes for the same inputs, no more work than needed, and never a half graph in use."""

from __future__ import annotations

import csv
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import lexgraph
from lexgraph import build, snapshot, tables
from lexgraph.settings import Project, project
from lexgraph.store import EmbeddedStore

OFFENCES = "data/national/DZ/offences.csv"
SOURCE = Path(lexgraph.__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _only_the_project_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEXGRAPH_HOME", "LEXGRAPH_ROOT", "LEXGRAPH_BASE"):
        monkeypatch.delenv(name, raising=False)


def copy_sources(root: Path) -> Project:
    """A small project: the whole ontology, one state's law and one instrument."""
    whole = project().root
    shutil.copytree(whole / "ontology", root / "ontology", ignore=shutil.ignore_patterns("examples"))
    shutil.copytree(whole / "queries", root / "queries")
    for part in ("schema", "custom", "national/DZ", "instruments/ets-189"):
        shutil.copytree(whole / "data" / part, root / "data" / part)
    (root / "data" / "cases").mkdir()
    for part in ("VERSION", "states.csv"):
        shutil.copy(whole / "data" / part, root / "data" / part)
    return Project(root)


def built(found: Project) -> build.Result:
    try:
        return build.build(found)
    except tables.SourceError as exc:
        pytest.fail("\n".join(map(str, exc.problems)))


@pytest.fixture(scope="session")
def template(once: Callable[[str, Callable[[Path], object]], Path]) -> Project:
    """The small project, built once from nothing."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("LEXGRAPH_HOME", raising=False)
            assert built(copy_sources(folder / "project")).fresh

    return Project(once("template", make) / "project")


@pytest.fixture
def small(template: Project, tmp_path: Path) -> Project:
    """A copy of the built small project, to be changed."""
    shutil.copytree(template.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def edit(path: Path, column: str, value: str, **where: str) -> int:
    """Change one cell of the first row that fits; returns the number of the row as the build counts."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    number, row = next((n, r) for n, r in enumerate(rows, start=2) if all(r[k] == v for k, v in where.items()))
    row[column] = value
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return number


def in_use(found: Project) -> tuple[str, str]:
    graph = snapshot.current(found.home)
    return os.readlink(found.home / "current"), hashlib.sha256(graph.graph.read_bytes()).hexdigest()


def cached(found: Project, step: str) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (found.home / "cache" / step).glob("*/*")}


def left_over(found: Project) -> list[str]:
    return [p.name for p in (found.home / "snapshots").iterdir() if p.name.startswith(".")]


def evaluated(result: build.Result) -> list[str]:
    """The rules that were run, not taken from the cache."""
    return [name.removeprefix("rule ") for name in result.seconds if name.startswith("rule ")]


def refused(found: Project) -> list[tables.Problem]:
    before = in_use(found)
    with pytest.raises(tables.SourceError) as caught:
        build.build(found)
    assert in_use(found) == before
    assert left_over(found) == []
    return caught.value.problems


# --- the same inputs


def test_the_same_inputs_give_the_same_bytes_in_another_home_and_process(template: Project, tmp_path: Path) -> None:
    # Another hash seed: an order that comes from a set would show.
    script = "import sys; from pathlib import Path; from lexgraph import build; from lexgraph.settings import Project\n"
    script += "print(build.build(Project(Path(sys.argv[1])), Path(sys.argv[2])).snapshot.folder)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(template.root), str(tmp_path / "other")],
        env=os.environ | {"PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    other, first = snapshot.Snapshot(Path(done.stdout.strip())), snapshot.current(template.home)
    assert other.name == first.name
    assert other.graph.read_bytes() == first.graph.read_bytes()
    changing = {"seconds"}
    assert {k: v for k, v in other.manifest.items() if k not in changing} == {
        k: v for k, v in first.manifest.items() if k not in changing
    }


def test_the_name_does_not_depend_on_where_the_project_lies(template: Project, small: Project) -> None:
    result = build.build(small)
    assert not result.fresh
    assert result.snapshot.name == snapshot.current(template.home).name


def test_an_unchanged_rebuild_does_nothing_and_is_fast(small: Project) -> None:
    files = {p: p.stat().st_mtime_ns for p in small.home.rglob("*") if p.is_file()}
    before = time.perf_counter()
    result = build.build(small)
    assert time.perf_counter() - before < 1
    assert not result.fresh
    assert {p: p.stat().st_mtime_ns for p in small.home.rglob("*") if p.is_file()} == files


def test_a_file_that_is_touched_but_not_changed_rebuilds_nothing(small: Project) -> None:
    (small.root / OFFENCES).touch()
    assert not build.build(small).fresh


def test_the_manifest_counts_what_the_graph_holds(small: Project) -> None:
    found = snapshot.current(small.home)
    store = EmbeddedStore.open(found.graph)
    (row,) = store.select("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }")
    counts = found.manifest["counts"]
    assert 0 < int(row["n"]) <= sum(counts[k] for k in ("asserted", "ontology", "entailed", "derived"))
    assert counts["records"] == sum(found.manifest["tables"].values())
    with (small.root / OFFENCES).open(encoding="utf-8", newline="") as file:
        assert found.manifest["tables"][OFFENCES] == len(list(csv.DictReader(file)))


# --- no more work than needed


def test_a_changed_table_is_read_again_alone(small: Project) -> None:
    before, vocabulary = cached(small, "tables"), cached(small, "vocabulary")
    ontology = cached(small, "ontology")
    edit(small.root / OFFENCES, "note", "read again", state="DZ")
    told: list[tuple[str, float]] = []
    result = build.build(small, progress=lambda step, share, detail: told.append((step, share)))
    assert result.fresh
    done = [step for step, share in told if share == 1.0]
    assert done[:6] == ["tables", "ontology", "vocabulary", "links", "closure", "rules"]
    assert done[-1] == "publish"
    after = cached(small, "tables")
    assert len(set(after) - set(before)) == 1
    assert all(before[name] == after[name] for name in set(after) & set(before))
    assert cached(small, "vocabulary") == vocabulary
    assert cached(small, "ontology") == ontology


def test_a_changed_rule_runs_alone_with_those_after_it(small: Project) -> None:
    closure = cached(small, "closure")
    names = sorted(p.stem for p in (small.ontology / "rules").glob("*.rq"))
    rule = small.ontology / "rules" / f"{names[-2]}.rq"
    rule.write_text(rule.read_text(encoding="utf-8") + "# said once more\n", encoding="utf-8")
    result = build.build(small)
    assert result.fresh
    assert evaluated(result) == names[-2:]
    assert cached(small, "closure") == closure


def test_a_changed_shape_runs_no_rule(small: Project) -> None:
    shape = next((small.ontology / "shapes" / "hygiene").glob("*.rq"))
    shape.write_text(shape.read_text(encoding="utf-8") + "# said once more\n", encoding="utf-8")
    result = build.build(small)
    assert result.fresh
    assert evaluated(result) == []


def test_going_back_gives_the_first_snapshot_again(small: Project) -> None:
    first = in_use(small)
    text = (small.root / OFFENCES).read_bytes()
    edit(small.root / OFFENCES, "note", "another note", state="DZ")
    build.build(small)
    assert in_use(small) != first
    (small.root / OFFENCES).write_bytes(text)
    assert not build.build(small).fresh
    assert in_use(small) == first


def test_a_new_release_number_is_seen(small: Project) -> None:
    (small.data / "VERSION").write_text("2099.1.0\n", encoding="utf-8")
    build.build(small)
    assert snapshot.current(small.home).manifest["data_version"].startswith("2099.1.0+")


# --- failing builds


def test_a_broken_table_leaves_the_graph_in_use_and_names_the_cell(small: Project) -> None:
    table, before = small.root / OFFENCES, in_use(small)
    text = table.read_bytes()
    number = edit(table, "valid_from", "2020-02-31", state="DZ")
    (problem,) = refused(small)
    assert (problem.file, problem.row, problem.column, problem.value) == (OFFENCES, number, "valid_from", "2020-02-31")
    table.write_bytes(text)
    edit(table, "note", "good again", state="DZ")
    assert built(small).fresh
    assert in_use(small) != before


def test_a_link_to_nothing_leaves_the_graph_in_use_and_names_the_cell(small: Project) -> None:
    number = edit(small.root / OFFENCES, "offence", "illegal-acces", offence="illegal-access")
    (problem,) = refused(small)
    assert (problem.file, problem.row, problem.column) == (OFFENCES, number, "offence")
    assert problem.expected.endswith("did you mean illegal-access?")


def test_a_violated_shape_leaves_the_graph_in_use_and_names_the_cell(small: Project) -> None:
    number = edit(small.root / OFFENCES, "valid_until", "1900-01-01", valid_until="", offence="illegal-access")
    found = [p for p in refused(small) if p.file == OFFENCES]
    assert (OFFENCES, number, "valid_until") in {(p.file, p.row, p.column) for p in found}


def test_an_order_that_is_state_and_territory_contradicts_the_ontology(small: Project) -> None:
    # Only a territory has a sovereign.
    number = edit(small.data / "states.csv", "sovereign", "DZ", code="FR")
    found = refused(small)
    assert ("data/states.csv", number) in {(p.file, p.row) for p in found}
    assert any("contradicts the ontology" in p.expected for p in found)


def test_a_module_that_is_no_turtle_is_named_with_its_line(small: Project) -> None:
    module = small.ontology / "lexgraph.ttl"
    lines = module.read_text(encoding="utf-8").count("\n")
    module.write_text(module.read_text(encoding="utf-8") + "\nthis is no turtle\n", encoding="utf-8")
    (problem,) = refused(small)
    assert problem.file == "ontology/lexgraph.ttl"
    assert problem.row is not None
    assert problem.row > lines


def test_a_blank_node_in_the_ontology_is_refused(small: Project) -> None:
    module = small.ontology / "lexgraph.ttl"
    with module.open("a", encoding="utf-8") as file:
        file.write("\n<https://w3id.org/lexgraph/ontology/x> <https://example.org/p> [] .\n")
    (problem,) = refused(small)
    assert (problem.file, problem.expected) == ("ontology/lexgraph.ttl", "has a blank node; name it by an IRI")


def test_a_table_that_no_schema_describes_stops_the_build(small: Project) -> None:
    (small.data / "national" / "DZ" / "offence.csv").write_text("id\n", encoding="utf-8")
    (problem,) = refused(small)
    assert problem.file == "data/national/DZ/offence.csv"


def test_a_case_that_is_no_json_or_bears_another_name_stops_the_build(small: Project) -> None:
    (small.data / "cases" / "one.json").write_text("{", encoding="utf-8")
    (small.data / "cases" / "two.json").write_text('{"id": "three"}', encoding="utf-8")
    found = {p.file: p for p in refused(small)}
    assert found["data/cases/one.json"].row == 1
    assert found["data/cases/two.json"].value == "three"


# --- killed builds

_KILLED = """
import os, signal, sys
from pathlib import Path
from lexgraph import build
from lexgraph.settings import Project
wanted, seen = int(sys.argv[2]), 0
def progress(step, share, detail):
    global seen
    seen += 1
    if seen == wanted:
        print(step, share, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
build.build(Project(Path(sys.argv[1])), progress=progress)
print("done", seen, flush=True)
"""


def run_until(found: Project, wanted: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _KILLED, str(found.root), str(wanted)],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("when", ["early", "at random", "late"])
def test_a_killed_build_leaves_the_last_graph_and_the_next_one_succeeds(small: Project, when: str) -> None:
    before = in_use(small)
    edit(small.root / OFFENCES, "note", f"killed {when}", state="DZ")
    # Two reports for each step and one for each rule: up to the shapes, when the workplace of the snapshot exists.
    late = 14 + len(list((small.ontology / "rules").glob("*.rq")))
    wanted = {"early": 2, "late": late, "at random": random.Random().randrange(3, late)}[when]
    done = run_until(small, wanted)
    assert done.returncode == -signal.SIGKILL, f"report {wanted}: {done.stdout} {done.stderr}"
    assert in_use(small) == before, f"killed at report {wanted}: {done.stdout}"
    store = EmbeddedStore.open(snapshot.current(small.home).graph)
    assert store.select("SELECT * WHERE { ?s ?p ?o } LIMIT 1")
    if when == "late":
        assert left_over(small)
    assert built(small).fresh
    assert in_use(small) != before
    assert left_over(small) == []


def test_a_build_killed_while_it_writes_leaves_the_last_graph(small: Project) -> None:
    before = in_use(small)
    edit(small.root / OFFENCES, "note", "killed while writing", state="DZ")
    script = (
        "import os, signal, sys; from pathlib import Path; from lexgraph import build, snapshot\n"
        "from lexgraph.settings import Project\n"
        "snapshot.switch = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "build.build(Project(Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(small.root)], env=os.environ | {"PYTHONPATH": str(SOURCE)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert in_use(small) == before
    # The graph was whole but not in use: the next build takes it.
    build.build(small)
    assert in_use(small) != before
    assert left_over(small) == []


def test_a_damaged_cache_entry_is_made_again(small: Project) -> None:
    for step in ("tables", "closure", "rules"):
        for path in (small.home / "cache" / step).glob("*/*"):
            path.write_bytes(b"\x80\x05damaged")
    edit(small.root / OFFENCES, "note", "cache", state="DZ")
    assert built(small).fresh
