"""Tables: CSV and its CSVW metadata -> checked rows -> N-Quads.

One mechanism for every table. A schema in ``data/schema`` says which files it describes
(``lexgraph:files``), the datatypes, what is required, the keys and the IRI templates. Two things go
beyond CSVW, both as annotations: ``lexgraph:files`` (a glob, where CSVW wants one address per table) and
``lexgraph:folderColumn`` (a column that must equal the name of the folder). A list-valued cell with a
``valueUrl`` yields one IRI per value, where CSVW would join them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import uritemplate
from csvw.metadata import Column, Schema
from rapidfuzz import process

from lexgraph.settings import BASE, GRAPH, ID

CANONICAL = "https://w3id.org/lexgraph/"
XSD = "http://www.w3.org/2001/XMLSchema#"
EDTF = "http://id.loc.gov/datatypes/edtf/EDTF-level0"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a source: where, and what was expected."""

    file: str
    row: int | None
    column: str | None
    value: str
    expected: str

    def __str__(self) -> str:
        where = self.file
        if self.row is not None:
            where += f", row {self.row}"
        if self.column:
            where += f", column {self.column}"
        shown = f" {self.value!r}" if self.value else ""
        return f"{where}:{shown} {self.expected}"


class SourceError(Exception):
    """The sources are broken; nothing was built."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the sources")


@dataclass
class ColumnRule:
    """What one column means in the graph."""

    name: str
    column: Column
    predicate: str | None
    value_template: str | None
    list_valued: bool
    datatype: str | None
    language: str | None
    virtual: bool
    edtf: bool
    calendar: bool


@dataclass
class TableSchema:
    """A CSVW schema and the files that it describes."""

    name: str
    path: Path
    files: str
    about: str
    rules: list[ColumnRule]
    primary_key: list[str]
    foreign_keys: list[tuple[str, str, str]]
    folder_column: str | None
    digest: str
    raw: dict[str, Any]

    @property
    def columns(self) -> list[str]:
        return [rule.name for rule in self.rules if not rule.virtual]


@dataclass
class Reference:
    """A cell that names something else in the graph, to be found when all tables are read."""

    file: str
    row: int
    column: str
    value: str
    iri: str


@dataclass
class Rows:
    """One checked table."""

    file: str
    schema: str
    count: int
    lines: list[str]
    subjects: list[tuple[str, int]]
    references: list[Reference] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)
    foreign: list[tuple[str, str, str, int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def graph(self) -> str:
        return graph_of(self.file)


def graph_of(file: str) -> str:
    """The named graph of one source table, by its path."""
    stem = file.removesuffix(".csv")
    return f"{GRAPH}asserted/{stem.removeprefix('data/')}"


def load_schemas(folder: Path) -> list[TableSchema]:
    """Read every CSVW schema of a folder, by name."""
    schemas = []
    for path in sorted(folder.glob("*.json")):
        text = path.read_bytes()
        raw = json.loads(text)
        schema = Schema.fromvalue({k: v for k, v in raw.items() if not k.startswith(("@context", "@id"))})
        rules = [_column_rule(c, spec) for c, spec in zip(schema.columns, raw["columns"], strict=True)]
        schemas.append(
            TableSchema(
                name=path.stem,
                path=path,
                files=raw["lexgraph:files"],
                about=_rebase(raw["aboutUrl"]),
                rules=rules,
                primary_key=[raw["primaryKey"]] if isinstance(raw["primaryKey"], str) else raw["primaryKey"],
                foreign_keys=[
                    (
                        fk["columnReference"],
                        fk["reference"]["schemaReference"].rsplit("/", 1)[-1],
                        fk["reference"]["columnReference"],
                    )
                    for fk in raw.get("foreignKeys", [])
                ],
                folder_column=raw.get("lexgraph:folderColumn"),
                digest=hashlib.sha256(text).hexdigest(),
                raw=raw,
            )
        )
    return schemas


def _rebase(iri: str) -> str:
    """Schemas are written with the canonical base; the base in use is one setting."""
    return iri.replace(CANONICAL, BASE, 1) if iri.startswith(CANONICAL) else iri


def _column_rule(column: Column, spec: dict[str, Any]) -> ColumnRule:
    datatype = spec.get("datatype", "string")
    base = datatype if isinstance(datatype, str) else datatype.get("base", "string")
    named = None if isinstance(datatype, str) else datatype.get("@id")
    type_iri = named or (None if base == "string" else f"{XSD}{'anyURI' if base == 'anyURI' else base}")
    template = spec.get("valueUrl")
    predicate = spec.get("propertyUrl")
    return ColumnRule(
        name=spec["name"],
        column=column,
        predicate=_rebase(predicate) if predicate else None,
        value_template=_rebase(template) if template else None,
        list_valued="separator" in spec,
        datatype=type_iri,
        language=spec.get("lang"),
        virtual=bool(spec.get("virtual")),
        edtf=named == EDTF,
        calendar=base == "date",
    )


def _calendar_error(text: str) -> str | None:
    """A month or day that no calendar has; patterns and engines let such dates through."""
    padded = text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text
    try:
        date.fromisoformat(padded)
    except ValueError as exc:
        return f"is no day of the calendar ({exc}); write YYYY, YYYY-MM or YYYY-MM-DD"
    return None


def _expected(rule: ColumnRule, spec: dict[str, Any], error: Exception) -> str:
    datatype = spec.get("datatype", "string")
    if spec.get("required") and "missing" in str(error):
        return "must not be blank"
    if isinstance(datatype, dict) and "format" in datatype:
        pattern = str(datatype["format"])
        if rule.edtf:
            return "is not a date; write YYYY, YYYY-MM or YYYY-MM-DD"
        if all(ch.isalnum() or ch in "|-/ " for ch in pattern) and "|" in pattern:
            return f"is not one of {pattern.replace('|', ', ')}"
        return f"does not have the form {pattern}"
    kind = datatype if isinstance(datatype, str) else datatype.get("base")
    return f"is no {kind}"


def read_table(path: Path, file: str, schema: TableSchema) -> Rows:
    """Check one CSV file against its schema and turn it into N-Quads lines.

    Problems are collected, not raised, so that one run reports them all.
    """
    out = Rows(file=file, schema=schema.name, count=0, lines=[], subjects=[])
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        out.problems.append(Problem(file, None, None, "", f"is not UTF-8 ({exc.reason} at byte {exc.start})"))
        return out
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, [])
    for name in header:
        if name not in schema.columns:
            near = process.extractOne(name, schema.columns)
            hint = f"; did you mean {near[0]}?" if near else ""
            out.problems.append(Problem(file, 1, name, "", f"unknown column{hint}"))
    for name in schema.columns:
        if name not in header:
            out.problems.append(Problem(file, 1, name, "", "column is missing"))
    if len(set(header)) != len(header):
        out.problems.append(Problem(file, 1, None, "", "a column name stands twice"))
    if out.problems:
        return out
    graph = f"<{out.graph}>"
    specs = {spec["name"]: spec for spec in schema.raw["columns"]}
    seen: dict[str, int] = {}
    wanted = {column for column, _, _ in schema.foreign_keys}
    out.keys = {name: [] for name in schema.primary_key}
    number = 1
    try:
        for number, cells in enumerate(reader, start=2):
            if len(cells) != len(header):
                expected = f"has {len(cells)} cells, {len(header)} expected"
                out.problems.append(Problem(file, number, None, "", expected))
                continue
            out.count += 1
            raw = dict(zip(header, cells, strict=True))
            values: dict[str, Any] = {}
            broken = False
            for rule in schema.rules:
                if rule.virtual:
                    continue
                cell = raw[rule.name]
                try:
                    values[rule.name] = rule.column.read(cell)
                except (ValueError, TypeError) as exc:
                    out.problems.append(Problem(file, number, rule.name, cell, _expected(rule, specs[rule.name], exc)))
                    broken = True
                    continue
                if cell and (rule.edtf or rule.calendar) and (wrong := _calendar_error(cell)):
                    out.problems.append(Problem(file, number, rule.name, cell, wrong))
                    broken = True
            if schema.folder_column and raw[schema.folder_column] != path.parent.name:
                expected = f"must be {path.parent.name}, the name of the folder"
                cell = raw[schema.folder_column]
                out.problems.append(Problem(file, number, schema.folder_column, cell, expected))
                broken = True
            key = "\x1f".join(raw[name] for name in schema.primary_key)
            if key in seen:
                expected = f"stands already in row {seen[key]}; it must be unique"
                out.problems.append(Problem(file, number, schema.primary_key[0], raw[schema.primary_key[0]], expected))
                broken = True
            seen[key] = number
            if broken:
                continue
            for name in schema.primary_key:
                out.keys[name].append(raw[name])
            for column, table, target in schema.foreign_keys:
                if column in wanted and raw[column]:
                    items = (
                        [i.strip() for i in raw[column].split(";")]
                        if isinstance(values[column], list)
                        else [raw[column]]
                    )
                    out.foreign.extend((column, table, target, number, item) for item in items)
            _emit(out, schema, values, raw, graph, number)
    except csv.Error as exc:
        out.problems.append(Problem(file, number + 1, None, "", f"is not well-formed CSV ({exc})"))
    return out


def _emit(out: Rows, schema: TableSchema, values: dict[str, Any], raw: dict[str, str], graph: str, number: int) -> None:
    scope: dict[str, Any] = {name: value for name, value in raw.items() if value}
    subject = uritemplate.expand(schema.about, scope)
    try:
        node = str(ox.NamedNode(subject))
    except ValueError as exc:
        out.problems.append(Problem(out.file, number, schema.primary_key[0], subject, f"makes no valid IRI ({exc})"))
        return
    out.subjects.append((subject, number))
    for rule in schema.rules:
        if rule.predicate is None:
            continue
        predicate = f"<{rule.predicate}>"
        if rule.virtual:
            out.lines.append(f"{node} {predicate} <{rule.value_template}> {graph} .\n")
            continue
        if not raw[rule.name].strip():
            continue
        cells = raw[rule.name].split(";") if rule.list_valued else [raw[rule.name]]
        for part in cells:
            cell = part.strip()
            if rule.value_template is not None:
                iri = uritemplate.expand(rule.value_template, {**scope, rule.name: cell})
                try:
                    term = str(ox.NamedNode(iri))
                except ValueError as exc:
                    out.problems.append(Problem(out.file, number, rule.name, cell, f"makes no valid IRI ({exc})"))
                    continue
                if iri.startswith(ID) and "/art/" not in iri:
                    out.references.append(Reference(out.file, number, rule.name, cell, iri))
            elif rule.language:
                term = str(ox.Literal(cell, language=rule.language))
            elif rule.datatype == f"{XSD}boolean":
                truth = "true" if values[rule.name] is True else "false"
                term = str(ox.Literal(truth, datatype=ox.NamedNode(rule.datatype)))
            elif rule.datatype:
                term = str(ox.Literal(cell, datatype=ox.NamedNode(rule.datatype)))
            else:
                term = str(ox.Literal(cell))
            out.lines.append(f"{node} {predicate} {term} {graph} .\n")


def table_files(root: Path, schemas: Iterable[TableSchema]) -> Iterator[tuple[Path, str, TableSchema]]:
    """Every source table of the project with its schema, in a fixed order."""
    for schema in schemas:
        for path in sorted(root.glob(schema.files)):
            yield path, path.relative_to(root).as_posix(), schema


def unclaimed_files(root: Path, schemas: Iterable[TableSchema]) -> list[Problem]:
    """CSV files under data/ that no schema describes: a misspelt name would otherwise drop a table."""
    claimed = {path for path, _, _ in table_files(root, schemas)}
    stems = sorted({Path(s.files).name for s in schemas if "*" not in Path(s.files).name})
    problems = []
    for path in sorted((root / "data").rglob("*.csv")):
        if path not in claimed:
            near = process.extractOne(path.name, stems)
            hint = f"; did you mean {near[0]}?" if near else ""
            file = path.relative_to(root).as_posix()
            problems.append(Problem(file, None, None, "", f"no schema in data/schema describes this file{hint}"))
    return problems


def check_links(tables: Iterable[Rows], declared: Callable[[str], bool], names: list[str]) -> list[Problem]:
    """Foreign keys, unique subjects, and that every IRI named in a cell is declared somewhere.

    ``declared`` answers for the terms and codes of the ontology; ``names`` are those IRIs, for suggestions.
    """
    tables = list(tables)
    problems: list[Problem] = []
    keys: dict[tuple[str, str], set[str]] = {}
    subjects: dict[str, tuple[str, int]] = {}
    for table in tables:
        for name, found in table.keys.items():
            keys.setdefault((table.schema, name), set()).update(found)
        for subject, row in table.subjects:
            if subject in subjects and table.schema != "laws":
                other, first = subjects[subject]
                if other.rsplit("/", 1)[-1] != "laws.csv":
                    message = f"the same record as {other}, row {first}"
                    problems.append(Problem(table.file, row, None, subject.removeprefix(ID), message))
            subjects.setdefault(subject, (table.file, row))
    reported: set[tuple[str, int, str]] = set()
    for table in tables:
        for column, target, target_column, row, value in table.foreign:
            known = keys.get((target, target_column), set())
            if value not in known:
                near = process.extractOne(value, sorted(known))
                hint = f"; nearest: {near[0]}" if near else ""
                problems.append(Problem(table.file, row, column, value, f"is not in the table {target}{hint}"))
                reported.add((table.file, row, column))
        for ref in table.references:
            if ref.iri in subjects or declared(ref.iri) or (ref.file, ref.row, ref.column) in reported:
                continue
            kind = ref.iri[: ref.iri.rfind("/") + 1]
            pool = [n.rsplit("/", 1)[-1] for n in names if n.startswith(kind)]
            pool += [s.removeprefix(kind) for s in subjects if s.startswith(kind)]
            near = process.extractOne(ref.value, pool)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(Problem(ref.file, ref.row, ref.column, ref.value, f"is not declared{hint}"))
    return problems
