"""Tables: what is wrong is named by file, row and column; what is right arrives in the graph unchanged."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lexgraph import tables
from lexgraph.settings import ID, ONTOLOGY, Project, project
from lexgraph.tables import Problem, Rows, TableSchema

TERM = "https://w3id.org/lexgraph/ontology/"
THING = "https://w3id.org/lexgraph/id/"

PLACES: dict[str, Any] = {
    "@id": "https://w3id.org/lexgraph/schema/places",
    "lexgraph:files": "data/places.csv",
    "aboutUrl": f"{THING}state/{{code}}",
    "columns": [
        {
            "name": "code",
            "propertyUrl": f"{TERM}code",
            "datatype": {"base": "string", "format": "[A-Z]{2}"},
            "required": True,
        },
        {"name": "note", "propertyUrl": f"{TERM}note", "datatype": "string"},
    ],
    "primaryKey": "code",
}

FACTS: dict[str, Any] = {
    "@id": "https://w3id.org/lexgraph/schema/facts",
    "lexgraph:files": "data/national/*/facts.csv",
    "lexgraph:folderColumn": "state",
    "aboutUrl": f"{THING}record/fact/{{id}}",
    "columns": [
        {
            "name": "id",
            "propertyUrl": f"{TERM}identifier",
            "datatype": {"base": "string", "format": "[a-z0-9-]+"},
            "required": True,
        },
        {
            "name": "state",
            "propertyUrl": f"{TERM}legalOrder",
            "valueUrl": f"{THING}state/{{state}}",
            "datatype": "string",
            "required": True,
        },
        {
            "name": "offences",
            "propertyUrl": f"{TERM}offence",
            "valueUrl": f"{THING}offence/{{offences}}",
            "datatype": "string",
            "separator": ";",
        },
        {
            "name": "since",
            "propertyUrl": f"{TERM}since",
            "datatype": {
                "base": "string",
                "format": "[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?",
                "@id": "http://id.loc.gov/datatypes/edtf/EDTF-level0",
            },
        },
        {"name": "checked", "propertyUrl": f"{TERM}checked", "datatype": "date"},
        {"name": "years", "propertyUrl": f"{TERM}years", "datatype": "decimal"},
        {"name": "certain", "propertyUrl": f"{TERM}certain", "datatype": "boolean"},
        {
            "name": "kind",
            "propertyUrl": f"{TERM}kind",
            "datatype": {"base": "string", "format": "exact|narrower|broader"},
        },
        {"name": "text", "propertyUrl": f"{TERM}text", "datatype": "string", "lang": "en"},
        {
            "name": "type",
            "virtual": True,
            "propertyUrl": "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
            "valueUrl": f"{TERM}Fact",
        },
    ],
    "primaryKey": ["id"],
    "foreignKeys": [
        {
            "columnReference": "state",
            "reference": {"schemaReference": "https://w3id.org/lexgraph/schema/places", "columnReference": "code"},
        }
    ],
}

HEADER = "id,state,offences,since,checked,years,certain,kind,text"
GOOD = "one,DZ,illegal-access;piracy,2009-08,2026-11-21,2.5,true,exact,fine"
OFFENCES = sorted(f"{ID}offence/{code}" for code in ("illegal-access", "piracy", "war-crimes"))

Read = Callable[..., Rows]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    schemas = tmp_path / "data" / "schema"
    schemas.mkdir(parents=True)
    for name, schema in {"places": PLACES, "facts": FACTS}.items():
        (schemas / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
    return tmp_path


@pytest.fixture
def schemas(root: Path) -> dict[str, TableSchema]:
    return {schema.name: schema for schema in tables.load_schemas(Project(root).schemas)}


@pytest.fixture
def read(root: Path, schemas: dict[str, TableSchema]) -> Read:
    def read_rows(*rows: str, header: str = HEADER, folder: str = "DZ", raw: bytes | None = None) -> Rows:
        file = f"data/national/{folder}/facts.csv"
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw if raw is not None else "\n".join([header, *rows, ""]).encode())
        return tables.read_table(path, file, schemas["facts"])

    return read_rows


@pytest.fixture
def places(root: Path, schemas: dict[str, TableSchema]) -> Rows:
    path = root / "data" / "places.csv"
    path.write_text("code,note\nDZ,\nFR,\n", encoding="utf-8")
    return tables.read_table(path, "data/places.csv", schemas["places"])


def only(rows: Rows) -> Problem:
    assert len(rows.problems) == 1, rows.problems
    return rows.problems[0]


def parsed(rows: Rows) -> set[tuple[str, str, str, str]]:
    quads = ox.parse("".join(rows.lines).encode(), format=ox.RdfFormat.N_QUADS)
    return {(str(q.subject), str(q.predicate), str(q.object), str(q.graph_name)) for q in quads}


def row(**changed: str) -> str:
    cells = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | changed
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells.values())
    return out.getvalue()


# --- what is right


def test_a_good_row_becomes_typed_quads_in_the_graph_of_its_table(read: Read) -> None:
    rows = read(GOOD)
    assert rows.problems == []
    assert rows.count == 1
    subject, graph = f"<{ID}record/fact/one>", "<https://w3id.org/lexgraph/graph/asserted/national/DZ/facts>"
    xsd = "http://www.w3.org/2001/XMLSchema#"
    edtf = "http://id.loc.gov/datatypes/edtf/EDTF-level0"
    expected = {
        "identifier": '"one"',
        "legalOrder": f"<{ID}state/DZ>",
        "since": f'"2009-08"^^<{edtf}>',
        "checked": f'"2026-11-21"^^<{xsd}date>',
        "years": f'"2.5"^^<{xsd}decimal>',
        "certain": f'"true"^^<{xsd}boolean>',
        "kind": '"exact"',
        "text": '"fine"@en',
    }
    quads = {(subject, f"<{ONTOLOGY}{name}>", value, graph) for name, value in expected.items()}
    quads |= {(subject, f"<{ONTOLOGY}offence>", f"<{ID}offence/{o}>", graph) for o in ("illegal-access", "piracy")}
    quads.add((subject, "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>", f"<{ONTOLOGY}Fact>", graph))
    assert parsed(rows) == quads


def test_a_blank_cell_says_nothing(read: Read) -> None:
    rows = read(row(since="", checked="", years="", certain="", kind="", text="", offences=""))
    assert rows.problems == []
    assert {p for _, p, _, _ in parsed(rows)} == {
        f"<{ONTOLOGY}identifier>",
        f"<{ONTOLOGY}legalOrder>",
        "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>",
    }


def test_the_order_of_columns_does_not_matter(read: Read) -> None:
    names = HEADER.split(",")
    turned = ",".join(reversed(names))
    assert set(read(",".join(reversed(GOOD.split(","))), header=turned).lines) == set(read(GOOD).lines)


def test_quotes_commas_and_line_ends_inside_a_cell_are_kept(read: Read) -> None:
    rows = read(row(text='says "no", then\nleaves'))
    assert rows.problems == []
    assert any(o == r'"says \"no\", then\nleaves"@en' for _, _, o, _ in parsed(rows))


def test_a_byte_order_mark_is_accepted(read: Read) -> None:
    rows = read(raw=b"\xef\xbb\xbf" + f"{HEADER}\n{GOOD}\n".encode())
    assert [str(p) for p in rows.problems] == []
    assert set(rows.lines) == set(read(GOOD).lines)


def test_windows_line_ends_are_accepted(read: Read) -> None:
    rows = read(raw=f"{HEADER}\r\n{GOOD}\r\n".encode())
    assert rows.problems == []
    assert set(rows.lines) == set(read(GOOD).lines)


# Every text that UTF-8 can carry; NUL is no character of a text file.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@given(text=TEXT)
@example(text="line\u2028separator")
@example(text="next\x85line")
@example(text="form\x0cfeed")
@example(text="carriage\rreturn")
@example(text='quote " backslash \\ tab \t end')
@example(text="<https://example.org/> .")
def test_any_cell_text_comes_back_from_the_quads_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "round-trip"
    schemas = folder / "schema"
    schemas.mkdir(parents=True, exist_ok=True)
    (schemas / "places.json").write_text(json.dumps(PLACES), encoding="utf-8")
    (schema,) = tables.load_schemas(schemas)
    with (folder / "places.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["code", "note"], ["DZ", text]])
    rows = tables.read_table(folder / "places.csv", "data/places.csv", schema)
    assert rows.problems == []
    values = [
        q.object.value
        for q in ox.parse("".join(rows.lines).encode(), format=ox.RdfFormat.N_QUADS)
        if q.predicate.value == f"{ONTOLOGY}note" and isinstance(q.object, ox.Literal)
    ]
    # Blanks at the ends are no part of a value; a cell of blanks alone is blank.
    assert values == ([text.strip()] if text.strip() else [])


# --- what is wrong in one table


def test_an_unknown_column_is_named_with_the_nearest(read: Read) -> None:
    rows = read(GOOD, header=HEADER.replace("offences", "offence"))
    found = {p.column: p for p in rows.problems}
    assert set(found) == {"offence", "offences"}
    assert (found["offence"].row, found["offence"].expected) == (1, "unknown column; did you mean offences?")
    assert (found["offences"].row, found["offences"].expected) == (1, "column is missing")
    assert rows.lines == []


def test_a_missing_column_is_named(read: Read) -> None:
    problem = only(read("one,DZ", header="id,state,offences,since,checked,years,certain,kind"))
    assert problem == Problem("data/national/DZ/facts.csv", 1, "text", "", "column is missing")


def test_a_column_that_stands_twice_is_refused(read: Read) -> None:
    problem = only(read(GOOD + ",x", header=HEADER + ",text"))
    assert (problem.row, problem.expected) == (1, "a column name stands twice")


def test_an_empty_file_misses_every_column(read: Read) -> None:
    rows = read(raw=b"")
    assert {p.column for p in rows.problems} == set(HEADER.split(","))


def test_a_duplicate_key_names_both_rows(read: Read) -> None:
    problem = only(read(GOOD, row(id="two"), GOOD))
    assert (problem.row, problem.column, problem.value) == (4, "id", "one")
    assert problem.expected == "stands already in row 2; it must be unique"


def test_a_required_cell_must_not_be_blank(read: Read) -> None:
    problem = only(read(row(id="")))
    assert (problem.row, problem.column, problem.expected) == (2, "id", "must not be blank")


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("since", "2020-02-31", "is no day of the calendar"),
        ("since", "2020-13", "is no day of the calendar"),
        ("since", "31.12.2020", "is not a date; write YYYY, YYYY-MM or YYYY-MM-DD"),
        ("checked", "2020-02-31", None),
        ("years", "two", "is no decimal"),
        ("certain", "perhaps", "is no boolean"),
        ("kind", "exakt", "is not one of exact, narrower, broader"),
        ("id", "Not a code", "does not have the form [a-z0-9-]+"),
    ],
)
def test_a_bad_value_names_file_row_column_and_what_is_expected(
    read: Read, column: str, value: str, expected: str | None
) -> None:
    rows = read(GOOD.replace("one", "zero", 1), row(**{column: value}))
    problem = only(rows)
    assert (problem.file, problem.row, problem.column, problem.value) == (
        "data/national/DZ/facts.csv",
        3,
        column,
        value,
    )
    if expected:
        assert problem.expected.startswith(expected)
    assert str(problem).startswith(f"data/national/DZ/facts.csv, row 3, column {column}: {value!r} ")


def test_every_problem_of_a_file_is_reported_at_once(read: Read) -> None:
    rows = read(row(since="2020-02-31", years="two"), row(id="two", kind="exakt"))
    assert [(p.row, p.column) for p in rows.problems] == [(2, "since"), (2, "years"), (3, "kind")]


def test_a_row_in_the_folder_of_another_state_is_refused(read: Read) -> None:
    problem = only(read(GOOD, folder="FR"))
    assert (problem.row, problem.column, problem.value) == (2, "state", "DZ")
    assert problem.expected == "must be FR, the name of the folder"


def test_a_file_that_is_not_utf8_is_refused_with_the_byte(read: Read) -> None:
    problem = only(read(raw=f"{HEADER}\n".encode() + GOOD.encode().replace(b"fine", "été".encode("latin-1"))))
    assert problem.row is None
    assert problem.expected.startswith("is not UTF-8 (")
    assert f"byte {len(HEADER) + 1 + len(GOOD) - 4}" in problem.expected


def test_a_ragged_row_is_refused_with_its_number_of_cells(read: Read) -> None:
    problem = only(read(GOOD, "two,DZ,piracy"))
    assert (problem.row, problem.expected) == (3, "has 3 cells, 9 expected")


def test_a_stray_quote_is_refused(read: Read) -> None:
    rows = read(GOOD, 'two,DZ,"piracy"x,,,,,,')
    problem = only(rows)
    assert problem.expected.startswith("is not well-formed CSV")
    assert problem.row == 3


def test_an_unclosed_quote_is_refused(read: Read) -> None:
    assert only(read(GOOD, 'two,DZ,,,,,,,"open')).expected.startswith("is not well-formed CSV")


# --- what is wrong between tables


def links(*found: Rows) -> list[Problem]:
    return tables.check_links(found, OFFENCES.__contains__, OFFENCES)


def test_good_links_are_silent(read: Read, places: Rows) -> None:
    assert links(places, read(GOOD)) == []


def test_a_code_that_is_declared_nowhere_is_named_with_the_nearest(read: Read, places: Rows) -> None:
    (problem,) = links(places, read(row(offences="illegal-acess;piracy")))
    assert problem == Problem(
        "data/national/DZ/facts.csv", 2, "offences", "illegal-acess", "is not declared; did you mean illegal-access?"
    )


def test_a_foreign_key_that_leads_nowhere_is_named_once(read: Read, places: Rows) -> None:
    (problem,) = links(places, read(row(state="DD"), folder="DD"))
    assert (problem.file, problem.row, problem.column, problem.value) == (
        "data/national/DD/facts.csv",
        2,
        "state",
        "DD",
    )
    assert problem.expected.startswith("is not in the table places; nearest: ")


def test_the_same_record_in_two_files_is_refused(read: Read, places: Rows) -> None:
    first, second = read(GOOD), read(row(state="FR"), folder="FR")
    (problem,) = links(places, first, second)
    assert (problem.file, problem.row, problem.value) == ("data/national/FR/facts.csv", 2, "record/fact/one")
    assert problem.expected == "the same record as data/national/DZ/facts.csv, row 2"


def test_a_file_that_no_schema_claims_is_refused_with_the_nearest(root: Path, schemas: dict[str, TableSchema]) -> None:
    for file in ("data/places.csv", "data/place.csv", "data/national/DZ/facts.csv", "data/national/facts.csv"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("code\n", encoding="utf-8")
    found = tables.unclaimed_files(root, schemas.values())
    assert [p.file for p in found] == ["data/national/facts.csv", "data/place.csv"]
    assert found[1].expected == "no schema in data/schema describes this file; did you mean places.csv?"


def test_a_source_error_counts_and_sorts_its_problems() -> None:
    late, early = Problem("b.csv", 3, "x", "", "y"), Problem("a.csv", 2, "x", "", "y")
    error = tables.SourceError([late, early, late])
    assert error.problems == [early, late]
    assert str(error) == "2 problems in the sources"


def test_every_schema_of_the_project_is_read() -> None:
    names = {schema.name for schema in tables.load_schemas(project().schemas)}
    assert {"states", "instruments", "offences", "jurisdiction", "decision-rows", "decision-tests"} <= names
