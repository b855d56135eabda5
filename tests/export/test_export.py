"""Exports: what is in the files, that the same data give the same bytes, and that nothing else is ever lost."""

from __future__ import annotations

import csv
import datetime
import hashlib
import json
import os
import subprocess
import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
import zstandard
from csvw import CSVW

from export.small import TABLES, VERSION
from lexgraph import namedqueries
from lexgraph.codes import InputError
from lexgraph.export import FACTS, FORMATS, MANIFEST, METADATA, export, names
from lexgraph.settings import GRAPH, ID, ONTOLOGY, Project
from lexgraph.snapshot import Snapshot


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def every(small: Project, published: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Everything in every format."""
    root = tmp_path_factory.mktemp("exports")
    for fmt in FORMATS:
        export(small, "all", fmt, root / fmt, found=published)
    return {fmt: root / fmt for fmt in FORMATS}


def test_names_are_the_schemas_and_the_facts(small: Project) -> None:
    found = names(small)
    assert {"actions", "offences", "states", "bilateral-treaties", *FACTS} <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("fmt", FORMATS)
def test_manifest_tells_every_file(every: dict[str, Path], fmt: str) -> None:
    folder = every[fmt]
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["data_version"] == VERSION
    assert manifest["name"] == "small"
    assert manifest["licence"].startswith("https://creativecommons.org/licenses/by/4.0")
    assert {path.name for path in folder.iterdir()} == {MANIFEST, *(entry["file"] for entry in manifest["files"])}
    for entry in manifest["files"]:
        data = (folder / entry["file"]).read_bytes()
        assert entry["bytes"] == len(data)
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert "/" in entry["media_type"]


def test_source_tables_are_joined_and_say_where_each_row_came_from(small: Project, every: dict[str, Path]) -> None:
    found = rows(every["csv"] / "actions.csv")
    source = rows(small.data / "instruments/ets-185/actions.csv")
    assert [{k: v for k, v in row.items() if k != "file"} for row in found] == source
    assert {row["file"] for row in found} == {"data/instruments/ets-185/actions.csv"}
    manifest = json.loads((every["csv"] / MANIFEST).read_text(encoding="utf-8"))
    counts = {entry["file"]: entry["rows"] for entry in manifest["files"]}
    assert counts["actions.csv"] == len(source)
    assert counts["offences.csv"] == 0


def test_facts_have_codes_days_and_lists(every: dict[str, Path]) -> None:
    folder = every["csv"]
    assert rows(folder / "participation.csv") == [
        {
            "id": "participation/ets-185/FR/2006-05-01",
            "party": "FR",
            "instrument": "ets-185",
            "from": "2006-05-01",
            "until": "",
            "side": "any",
            "certainty": "shown",
            "derived_from": "record/action/ets-185/fr-ratification",
        }
    ]
    (crime,) = rows(folder / "criminalisation.csv")
    assert (crime["from"], crime["until"]) == ("", "2015-07-27")
    assert (crime["provision"], crime["citation"]) == ("fr-penal-code/323-1", "Penal Code, art. 323-1")
    assert (crime["penalty_years"], crime["penalty_aggravated_years"]) == ("2.5", "")
    first, second = rows(folder / "jurisdiction-grounds.csv")
    assert (first["legal_order"], first["conditions"], first["min_penalty_years"]) == ("FR", "", "1")
    assert (second["offences"], second["conditions"]) == ("genocide;war-crimes", "complementarity;gravity")
    assert [row["id"] for row in rows(folder / "court-jurisdiction.csv")] == ["ground/two"]
    (link,) = rows(folder / "cooperation-links.csv")
    assert (link["open_to"], link["dual_criminality"], link["penalty_threshold_years"]) == ("any", "required", "1")


def test_parquet_has_types(every: dict[str, Path]) -> None:
    crime = pq.read_table(every["parquet"] / "criminalisation.parquet").to_pylist()[0]
    assert crime["from"] is None
    assert crime["until"] == datetime.date(2015, 7, 27)
    assert crime["penalty_years"] == Decimal("2.5")
    assert crime["penalty_aggravated_years"] is None
    assert crime["derived_from"] == ["record/offence/one"]
    ground = pq.read_table(every["parquet"] / "jurisdiction-grounds.parquet").to_pylist()[0]
    assert ground["conditions"] == []
    assert ground["offences"] == ["illegal-access"]
    states = pq.read_table(every["parquet"] / "states.parquet")
    assert states.num_rows == len(rows(every["csv"] / "states.csv"))
    assert isinstance(states.to_pylist()[0]["checked_on"], datetime.date)
    assert states.schema.metadata[b"data_version"] == VERSION.encode()


def test_parquet_and_csv_say_the_same(every: dict[str, Path]) -> None:
    for path in sorted(every["parquet"].glob("*.parquet")):
        table = pq.read_table(path)
        told = rows(every["csv"] / f"{path.stem}.csv")
        assert table.num_rows == len(told), path.stem
        for typed, plain in zip(table.to_pylist(), told, strict=True):
            for name, value in typed.items():
                if isinstance(value, list):
                    assert ";".join(value) == plain[name]
                elif value is None:
                    assert plain[name] == ""
                elif isinstance(value, Decimal):
                    assert value == Decimal(plain[name])
                elif not isinstance(value, bool):
                    assert str(value) == plain[name]


def test_csvw_metadata_are_valid(every: dict[str, Path]) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read = CSVW(str(every["csv"] / METADATA), validate=True)
        assert read.is_valid, [str(w.message) for w in said]
    assert not [w for w in said if not issubclass(w.category, DeprecationWarning)]
    tables = {str(table.url): table for table in read.tables}
    assert len(tables) == len(names_of(every["csv"]))
    metadata = json.loads((every["csv"] / METADATA).read_text(encoding="utf-8"))
    actions = next(table for table in metadata["tables"] if table["url"] == "actions.csv")
    links = {(key["columnReference"], key["reference"]["resource"]) for key in actions["tableSchema"]["foreignKeys"]}
    assert links == {("instrument", "instruments.csv"), ("state", "states.csv")}


def names_of(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.csv")]


def test_csvw_says_the_same_triples_as_the_graph(every: dict[str, Path]) -> None:
    """The metadata carry the meaning: the address of a record, and of what it names."""
    metadata = json.loads((every["csv"] / METADATA).read_text(encoding="utf-8"))
    actions = next(table for table in metadata["tables"] if table["url"] == "actions.csv")["tableSchema"]
    assert actions["aboutUrl"].startswith(f"{ID}record/action/")
    assert [column["name"] for column in actions["columns"]][-2:] == ["file", "type"]
    facts = next(table for table in metadata["tables"] if table["url"] == "participation.csv")["tableSchema"]
    party = next(column for column in facts["columns"] if column["name"] == "party")
    assert party["valueUrl"] == f"{ID}state/{{+party}}"


def test_a_table_by_itself_has_no_link_to_tables_that_are_not_there(
    small: Project, published: Snapshot, tmp_path: Path
) -> None:
    files = export(small, "actions", "csv", tmp_path / "out", found=published)
    assert [entry["file"] for entry in files] == ["actions.csv", METADATA]
    (table,) = json.loads((tmp_path / "out" / METADATA).read_text(encoding="utf-8"))["tables"]
    assert "foreignKeys" not in table["tableSchema"]


def test_turtle_and_json_ld_hold_the_same_statements(every: dict[str, Path]) -> None:
    for name in ("participation", "states", "jurisdiction-grounds"):
        turtle = list(ox.parse(path=every["turtle"] / f"{name}.ttl", format=ox.RdfFormat.TURTLE))
        quads = list(ox.parse(path=every["jsonld"] / f"{name}.jsonld", format=ox.RdfFormat.JSON_LD))
        assert {quad.triple for quad in turtle} == {quad.triple for quad in quads}
        assert turtle
    graphs = {quad.graph_name for quad in quads}
    assert graphs == {ox.NamedNode(f"{GRAPH}derived/facts")}


def test_all_as_nquads_is_the_whole_graph_compressed(every: dict[str, Path], published: Snapshot) -> None:
    data = zstandard.ZstdDecompressor().stream_reader((every["nquads"] / "graph.nq.zst").read_bytes()).read()
    manifest = json.loads((every["nquads"] / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["files"][0]["rows"] == data.count(b"\n")
    assert data == zstandard.ZstdDecompressor().stream_reader(published.graph.read_bytes()).read()


@pytest.mark.parametrize("fmt", ["nquads", "turtle", "jsonld"])
def test_graph_is_one_plain_file(small: Project, published: Snapshot, tmp_path: Path, fmt: str) -> None:
    (entry,) = export(small, "graph", fmt, tmp_path / "out", found=published)
    path = tmp_path / "out" / entry["file"]
    assert path.name == f"graph{FORMATS[fmt][0]}"
    text = path.read_bytes()
    assert f"{ONTOLOGY}Participation".encode() in text or b"lexo:Participation" in text


@pytest.mark.parametrize("fmt", ["csv", "parquet", "turtle", "jsonld", "nquads"])
def test_same_data_give_same_bytes(
    small: Project, published: Snapshot, every: dict[str, Path], tmp_path: Path, fmt: str
) -> None:
    # Another process, with another order of hashes and another clock.
    code = (
        "import sys; from pathlib import Path; from export.small import SmallProject; "
        "from lexgraph.export import export; from lexgraph.snapshot import Snapshot; "
        "export(SmallProject(Path(sys.argv[1])), 'all', sys.argv[2], Path(sys.argv[3]), "
        "found=Snapshot(Path(sys.argv[4])))"
    )
    out = tmp_path / "again"
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    subprocess.run(
        [sys.executable, "-c", code, str(small.root), fmt, str(out), str(published.folder)],
        check=True,
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
    )
    assert hashes(out) == hashes(every[fmt])


def test_every_query_describes_what_it_selects(small: Project) -> None:
    queries = namedqueries.load(small.queries)
    for name in FACTS:
        query = queries[f"export/{name}"]
        described = [line.split()[2] for line in query.text.splitlines() if line.startswith("# column:")]
        selected = query.text.split("SELECT", 1)[1].split("WHERE", 1)[0].split()
        assert [f"?{column}" for column in described] == selected
        assert query.internal


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("what", "fmt", "field", "suggestion"),
    [
        ("offence", "csv", "what", "offences"),
        ("participations", "csv", "what", "participation"),
        ("all", "parque", "as", "parquet"),
        ("graph", "csv", "as", "nquads"),
    ],
)
def test_wrong_names_suggest_the_nearest(
    small: Project, published: Snapshot, tmp_path: Path, what: str, fmt: str, field: str, suggestion: str
) -> None:
    with pytest.raises(InputError) as caught:
        export(small, what, fmt, tmp_path / "out", found=published)
    assert caught.value.field == field
    assert caught.value.suggestions[0] == suggestion
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_export_is_left_alone(small: Project, published: Snapshot, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"notes\.txt"):
        export(small, "states", "csv", folder, found=published)
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "other", "files": []}', '{"format": "lexgraph-export"}', "{"])
def test_a_strange_manifest_makes_no_export(small: Project, published: Snapshot, tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="no part of an export"):
        export(small, "states", "csv", tmp_path, found=published)


def test_an_export_with_a_file_of_someone_else_is_left_alone(
    small: Project, published: Snapshot, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(small, "states", "csv", out, found=published)
    (out / "analysis.R").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="analysis"):
        export(small, "actions", "csv", out, found=published)
    assert (out / "states.csv").exists()


def test_a_file_is_no_folder(small: Project, published: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="is a file"):
        export(small, "states", "csv", tmp_path / "out", found=published)


# ------------------------------------------------------------------------------------------------ replacing


def test_an_export_is_replaced_whole(small: Project, published: Snapshot, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    export(small, "states", "csv", out, found=published)
    export(small, "actions", "parquet", out, found=published)
    assert sorted(path.name for path in out.iterdir()) == ["actions.parquet", MANIFEST]
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_empty_folder_and_a_link_are_filled(small: Project, published: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    export(small, "states", "csv", tmp_path / "link", found=published)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "states.csv").exists()


def test_a_failure_keeps_the_old_export(
    small: Project, published: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export(small, "states", "csv", out, found=published)
    before = hashes(out)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lexgraph.export._write_csv", full)
    with pytest.raises(OSError, match="No space"):
        export(small, "actions", "csv", out, found=published)
    assert hashes(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_export_left_is_swept(small: Project, published: Snapshot, tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead = int(ended.stdout)
    for name in (f".out.tmp-{dead}", f".out.old-{dead}", f".out.tmp-{os.getppid()}", ".out.tmp-mine", ".other.tmp-1"):
        (tmp_path / name).mkdir()
    export(small, "states", "csv", tmp_path / "out", found=published)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"out", f".out.tmp-{os.getppid()}", ".out.tmp-mine", ".other.tmp-1"}


def test_progress_goes_from_begin_to_end(small: Project, published: Snapshot, tmp_path: Path) -> None:
    said: list[tuple[str, float, str]] = []
    export(small, "all", "csv", tmp_path / "out", lambda *step: said.append(step), found=published)
    steps = list(dict.fromkeys(step for step, _, _ in said))
    assert steps == ["load", "write"]
    for step in steps:
        shares = [share for name, share, _ in said if name == step]
        assert shares[0] == 0.0
        assert shares[-1] == 1.0
        assert shares == sorted(shares)
    assert len(TABLES) < len(said)


# ---------------------------------------------------------------------------------------------- the real data


def test_real_facts_are_all_there(graph_project: Project, tmp_path: Path) -> None:
    """Every interval fact has one row, with every column that must not be blank."""
    from lexgraph import snapshot

    found = snapshot.current(graph_project.home)
    index = ox.Store.read_only(str(found.index))
    export(graph_project, "all", "parquet", tmp_path / "out", found=found)
    for name, cls in FACTS.items():
        table = pq.read_table(tmp_path / "out" / f"{name}.parquet")
        type_ = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
        things = {q.subject.value for q in index.quads_for_pattern(None, type_, ox.NamedNode(f"{ONTOLOGY}{cls}"))}
        ids = table.column("id").to_pylist()
        assert len(ids) == len(set(ids)), name
        assert {f"{ID}{one}" for one in ids} == things, name
        assert all(table.column("derived_from").to_pylist()), name
        for column in ("instrument", "certainty"):
            assert table.column(column).null_count == 0, (name, column)
        for start, end in zip(table.column("from").to_pylist(), table.column("until").to_pylist(), strict=True):
            assert start is None or end is None or start < end
