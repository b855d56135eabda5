"""Export: tables, interval facts and the graph as files that other tools read.

One folder per export, with a ``manifest.json`` that names every file, its size and its hash. It holds the
source tables by kind (the schemas of ``data/schema``), the interval facts (one query each in
``queries/export``) and the graph. The same data give the same bytes.

A query of ``queries/export`` describes its columns in its header: ``# column: name type text``. The types:
``date``, ``decimal``, ``string``; ``path`` (an IRI below the address of things), ``code`` (that without its
kind), or the kind of a code, as ``state``. An asterisk after the type makes it a list.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import zstandard
from rapidfuzz import process

from lexgraph import namedqueries, snapshot
from lexgraph.build import Progress, build, silent
from lexgraph.codes import InputError
from lexgraph.questions.context import END, START, code
from lexgraph.settings import BASE, ID, ONTOLOGY, Project
from lexgraph.store import EmbeddedStore
from lexgraph.tables import CANONICAL, TableSchema, graph_of, load_schemas, table_files

FACTS = {
    "participation": "Participation",
    "criminalisation": "Criminalisation",
    "jurisdiction-grounds": "JurisdictionGround",
    "cooperation-links": "CooperationLink",
    "court-jurisdiction": "CourtJurisdiction",
}
"""The interval facts: the name of their table, and their class in the ontology."""

FORMATS = {
    "csv": (".csv", "text/csv"),
    "parquet": (".parquet", "application/vnd.apache.parquet"),
    "nquads": (".nq", "application/n-quads"),
    "turtle": (".ttl", "text/turtle"),
    "jsonld": (".jsonld", "application/ld+json"),
}
"""The formats: ending and media type."""

TABULAR = ("csv", "parquet")
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
CONTEXT = "http://www.w3.org/ns/csvw"
MANIFEST = "manifest.json"
METADATA = "csv-metadata.json"
_KIND = "lexgraph-export"
_LIST = ";"
_COLUMN = re.compile(r"^#\s*column:\s*(\w+)\s+([\w-]+)(\*?)\s*(.*)$", re.MULTILINE)
_TYPE = b" <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "
_PREFIXES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "lexo": ONTOLOGY,
    **{kind: f"{ID}{kind}/" for kind in ("state", "instrument", "offence", "measure", "principle", "factor")},
}


@dataclass(frozen=True)
class _Column:
    """A column of an exported table: its type in Parquet and its description in CSVW."""

    name: str
    base: str
    listed: bool
    csvw: dict[str, Any]
    read: Callable[[str], Any]

    def value(self, cell: str) -> Any:
        """The typed value of a cell; blank is nothing, or an empty list."""
        if self.listed:
            return [self.read(item.strip()) for item in cell.split(_LIST)] if cell else []
        return self.read(cell) if cell else None


@dataclass(frozen=True)
class _Table:
    """A table as text cells, in the order in which it is written."""

    name: str
    title: str
    columns: list[_Column]
    rows: list[list[str]]
    schema: dict[str, Any]


def names(project: Project) -> list[str]:
    """Every table that can be exported by itself: kinds of source tables, then interval facts."""
    return [*sorted(path.stem for path in project.schemas.glob("*.json")), *FACTS]


def export(
    project: Project,
    what: str,
    fmt: str,
    out: Path,
    progress: Progress = silent,
    found: snapshot.Snapshot | None = None,
) -> list[dict[str, Any]]:
    """Write an export to a folder, which is replaced as a whole, and give the files of its manifest.

    ``what`` is ``all``, ``graph`` or one of `names`. ``all`` means every table; as ``nquads`` it is the
    whole graph, compressed. ``graph`` is the whole graph in one plain file. It is built first where the
    sources have changed, unless ``found`` is a snapshot of these same sources.

    Raises InputError for a name, format or folder that will not do; SourceError when the sources are broken.
    """
    tables = _wanted(project, what, fmt)
    target = _target(out)
    found = found or build(project, progress=progress).snapshot
    work = _Export(project, found, progress)
    _sweep(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent / f".{target.name}.tmp-{os.getpid()}"
    folder.mkdir()
    try:
        if what == "graph" or (what, fmt) == ("all", "nquads"):
            files = [work.graph(folder, fmt, compressed=what == "all")]
        elif fmt in TABULAR:
            files = work.tables(folder, fmt, tables)
        else:
            files = work.graphs(folder, fmt, tables)
        manifest = {
            "format": _KIND,
            "name": found.name,
            "data_version": work.manifest["data_version"],
            "licence": LICENCE,
            "what": what,
            "as": fmt,
            "files": files,
        }
        _write_json(folder / MANIFEST, manifest)
        _switch(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return files


# ------------------------------------------------------------------------------ what is asked, and where to


def _wanted(project: Project, what: str, fmt: str) -> list[str]:
    """The tables asked for. Raises InputError with the nearest names."""
    if fmt not in FORMATS:
        raise InputError("as", f"no format is called {fmt!r}", fmt, _nearest(fmt, FORMATS) or list(FORMATS))
    known = names(project)
    if what == "all":
        return known
    if what == "graph":
        if fmt in TABULAR:
            formats = [name for name in FORMATS if name not in TABULAR]
            raise InputError("as", f"the graph is no table and cannot be written as {fmt}", fmt, formats)
        return []
    if what not in known:
        pool = ["all", "graph", *known]
        raise InputError("what", f"no table is called {what!r}", what, _nearest(what, pool))
    return [what]


def _nearest(text: str, pool: Iterable[str]) -> list[str]:
    return [hit[0] for hit in process.extract(text, list(pool), limit=3, score_cutoff=60)]


def _target(out: Path) -> Path:
    """The folder to write. Raises InputError where it holds anything but an export: it would be lost."""
    target = out.resolve()
    if not target.exists():
        return target
    if not target.is_dir():
        raise InputError("out", "is a file; name a folder", str(out))
    held = {path.relative_to(target).as_posix() for path in target.iterdir()}
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        ours = manifest["format"] == _KIND
        known = {MANIFEST, *(entry["file"] for entry in manifest["files"])} if ours else set()
    except (OSError, ValueError, KeyError, TypeError):
        known = set()
    if held - known:
        message = f"holds {min(held - known)}, which is no part of an export; name another folder"
        raise InputError("out", message, str(out))
    return target


def _sweep(target: Path) -> None:
    """Remove what interrupted exports to the same folder left."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*-*"):
        kind, _, pid = left.name.removeprefix(f".{target.name}.").partition("-")
        if kind in {"tmp", "old"} and pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _switch(folder: Path, target: Path) -> None:
    """Put a finished folder in the place of the old one; a reader sees one or the other, never a mixture."""
    if not target.exists():
        folder.rename(target)
        return
    old = target.parent / f".{target.name}.old-{os.getpid()}"
    target.rename(old)
    try:
        folder.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _entry(path: Path, rows: int | None, media_type: str) -> dict[str, Any]:
    """The manifest's line on a file. ``rows`` counts records, or statements of a graph."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "file": path.name,
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": digest,
        "media_type": media_type,
    }


# ---------------------------------------------------------------------------------------------- the writing


class _Export:
    """One export of one snapshot."""

    def __init__(self, project: Project, found: snapshot.Snapshot, progress: Progress) -> None:
        self.project = project
        self.snapshot = found
        self.progress = progress
        self.manifest = found.manifest
        self.schemas = {schema.name: schema for schema in load_schemas(project.schemas)}

    @cached_property
    def store(self) -> EmbeddedStore:
        self.progress("load", 0.0, "reading the graph")
        store = EmbeddedStore.open(self.snapshot.graph)
        self.progress("load", 1.0, "")
        return store

    # --- tables

    def tables(self, folder: Path, fmt: str, wanted: list[str]) -> list[dict[str, Any]]:
        """Write tables as CSV (with their CSVW metadata) or Parquet."""
        ending, media_type = FORMATS[fmt]
        if any(name in FACTS for name in wanted):
            _ = self.store  # a step of its own, before that of writing
        files, described = [], []
        keys: dict[str, list[str]] = {}
        for number, name in enumerate(wanted):
            self.progress("write", number / len(wanted), name)
            table = self._fact_table(name) if name in FACTS else self._source_table(self.schemas[name])
            path = folder / f"{name}{ending}"
            if fmt == "csv":
                _write_csv(path, table)
                described.append(table)
                keys[name] = _unique_columns(table)
            else:
                self._write_parquet(path, table)
            files.append(_entry(path, len(table.rows), media_type))
        if fmt == "csv":
            _write_json(folder / METADATA, self._metadata(described, keys))
            files.append(_entry(folder / METADATA, None, "application/csvm+json"))
        self.progress("write", 1.0, "")
        return files

    def _source_table(self, schema: TableSchema) -> _Table:
        """Every source table of a kind, one after another, with the file that each row came from."""
        columns = [_source_column(schema, name) for name in schema.columns]
        told = {
            "name": "file",
            "titles": "file",
            "dc:description": "source table that holds the row",
            "datatype": "string",
            "required": True,
            "suppressOutput": True,
        }
        columns.append(_Column("file", "string", False, told, str))
        rows: list[list[str]] = []
        for path, file, _ in table_files(self.project.root, [schema]):
            with path.open(encoding="utf-8", newline="") as source:
                records = csv.DictReader(source)
                rows += [[*(record[name] for name in schema.columns), file] for record in records]
        virtual = [spec for spec in schema.raw["columns"] if spec.get("virtual")]
        described = {
            "columns": [*(column.csvw for column in columns), *virtual],
            "aboutUrl": schema.raw["aboutUrl"],
            "primaryKey": [*schema.primary_key, "file"],
        }
        return _Table(schema.name, str(schema.raw["dc:title"]), columns, rows, described)

    def _fact_table(self, name: str) -> _Table:
        """The rows of an interval fact's query, with codes for IRIs."""
        query = namedqueries.load(self.project.queries)[f"export/{name}"]
        columns, kinds = [], []
        for match in _COLUMN.finditer(query.text):
            columns.append(_fact_column(match[1], match[2], bool(match[3]), match[4]))
            kinds.append(match[2])
        typed = list(zip(columns, kinds, strict=True))
        found = self.store.select(query.text)
        rows = [[_fact_cell(column, kind, row.get(column.name)) for column, kind in typed] for row in found]
        described = {
            "columns": [column.csvw for column in columns],
            "aboutUrl": f"{CANONICAL}id/{{+id}}",
            "primaryKey": "id",
        }
        return _Table(name, query.title, columns, rows, described)

    def _metadata(self, tables: list[_Table], keys: dict[str, list[str]]) -> dict[str, Any]:
        """CSVW metadata of the exported CSV files: one table group."""
        described = []
        for table in tables:
            schema = dict(table.schema)
            # CSVW wants a whole cell that is never blank here, and one that is unique there.
            links = [
                {"columnReference": column, "reference": {"resource": f"{other}.csv", "columnReference": key}}
                for column, other, key in self._foreign_keys(table)
                if key in keys.get(other, [])
            ]
            if links:
                schema["foreignKeys"] = links
            described.append({"url": f"{table.name}.csv", "dc:title": table.title, "tableSchema": schema})
        group = {
            "@context": CONTEXT,
            "dc:title": f"lexgraph {self.manifest['data_version']}",
            "dc:license": {"@id": LICENCE},
            "tables": described,
        }
        rebased: dict[str, Any] = json.loads(json.dumps(group).replace(CANONICAL, BASE))
        return rebased

    def _foreign_keys(self, table: _Table) -> list[tuple[str, str, str]]:
        schema = self.schemas.get(table.name)
        if schema is None:
            return []
        whole = {
            column.name
            for index, column in enumerate(table.columns)
            if not column.listed and all(row[index] for row in table.rows)
        }
        return [key for key in schema.foreign_keys if key[0] in whole]

    def _write_parquet(self, path: Path, table: _Table) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {
            "date": pa.date32(),
            "decimal": pa.decimal128(12, 4),
            "integer": pa.int64(),
            "boolean": pa.bool_(),
        }
        fields, arrays = [], []
        for index, column in enumerate(table.columns):
            one = types.get(column.base, pa.string())
            kind = pa.list_(one) if column.listed else one
            told = {"description": column.csvw["dc:description"]} if "dc:description" in column.csvw else None
            fields.append(pa.field(column.name, kind, metadata=told))
            arrays.append(pa.array([column.value(row[index]) for row in table.rows], kind))
        about = {"title": table.title, "data_version": self.manifest["data_version"], "licence": LICENCE}
        # No pandas or creation time goes in, so that the same rows give the same bytes.
        pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=about)), path, compression="zstd")

    # --- graphs

    def _lines(self) -> Iterator[bytes]:
        """The snapshot's N-Quads, line by line."""
        with self.snapshot.graph.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            yield from io.BufferedReader(stream, 1 << 20)

    def graph(self, folder: Path, fmt: str, *, compressed: bool) -> dict[str, Any]:
        """Write the whole graph as one file."""
        ending, media_type = FORMATS[fmt]
        self.progress("write", 0.0, "graph")
        path = folder / f"graph{ending}"
        if fmt != "nquads":
            rows = _write_rdf(path, fmt, list(self._lines()))
        elif compressed:
            path, media_type = folder / "graph.nq.zst", "application/zstd"
            shutil.copyfile(self.snapshot.graph, path)
            rows = sum(1 for _ in self._lines())
        else:
            rows = 0
            with path.open("wb") as out:
                for line in self._lines():
                    out.write(line)
                    rows += 1
        self.progress("write", 1.0, "")
        return _entry(path, rows, media_type)

    def graphs(self, folder: Path, fmt: str, wanted: list[str]) -> list[dict[str, Any]]:
        """Write what the graph says in and of tables, one file for each."""
        ending, media_type = FORMATS[fmt]
        parts = self._parts(wanted)
        files = []
        for number, name in enumerate(wanted):
            self.progress("write", number / len(wanted), name)
            path = folder / f"{name}{ending}"
            rows = _write_rdf(path, fmt, parts.pop(name))
            files.append(_entry(path, rows, media_type))
        self.progress("write", 1.0, "")
        return files

    def _parts(self, wanted: list[str]) -> dict[str, list[bytes]]:
        """The quads of each table: a source table's named graphs, all that is said of a fact's things."""
        self.progress("load", 0.0, "reading the graph")
        classes = {f"<{ONTOLOGY}{FACTS[name]}>".encode(): name for name in wanted if name in FACTS}
        things: dict[bytes, list[str]] = {}
        if classes:
            for line in self._lines():
                subject, found, rest = line.partition(_TYPE)
                name = classes.get(rest.split(b" ", 1)[0]) if found else None
                if name:
                    things.setdefault(subject, []).append(name)
        self.progress("load", 0.5, "reading the graph")
        schemas = [self.schemas[name] for name in wanted if name not in FACTS]
        files = table_files(self.project.root, schemas)
        graphs = {f"<{graph_of(file)}>".encode(): schema.name for _, file, schema in files}
        parts: dict[str, list[bytes]] = {name: [] for name in wanted}
        for line in self._lines():
            source = graphs.get(line[line.rindex(b" <") + 1 : -3])
            if source:
                parts[source].append(line)
            for name in things.get(line[: line.index(b" ")], ()):
                parts[name].append(line)
        self.progress("load", 1.0, "")
        return parts


def _source_column(schema: TableSchema, name: str) -> _Column:
    rule = next(rule for rule in schema.rules if rule.name == name)
    spec = next(spec for spec in schema.raw["columns"] if spec["name"] == name)
    datatype = spec.get("datatype", "string")
    base = str(datatype if isinstance(datatype, str) else datatype.get("base", "string"))
    readers: dict[str, Callable[[str], Any]] = {
        "date": date.fromisoformat,
        "decimal": Decimal,
        "integer": int,
        "boolean": rule.column.read,
    }
    return _Column(name, base, rule.list_valued, spec, readers.get(base, str))


def _fact_column(name: str, kind: str, listed: bool, text: str) -> _Column:
    base = kind if kind in {"date", "decimal"} else "string"
    told: dict[str, Any] = {"name": name, "titles": name, "dc:description": text, "datatype": base}
    if listed:
        told["separator"] = _LIST
    elif kind == "path":
        told["valueUrl"] = f"{CANONICAL}id/{{+{name}}}"
    elif kind not in {"date", "decimal", "string", "code"}:
        told["valueUrl"] = f"{CANONICAL}id/{kind}/{{+{name}}}"
    readers: dict[str, Callable[[str], Any]] = {"date": date.fromisoformat, "decimal": Decimal}
    return _Column(name, base, listed, told, readers.get(base, str))


def _fact_cell(column: _Column, kind: str, value: str | None) -> str:
    """A value of a query as a cell. Lists come separated by spaces, which no IRI holds."""
    if not value or kind == "string":
        return value or ""
    if kind == "date":
        # The bounds of time stand for "no such day".
        return "" if value in {START, END} else value
    if kind == "decimal":
        return f"{Decimal(value).normalize():f}"
    items = value.split(" ") if column.listed else [value]
    short = [item.removeprefix(ID) if kind == "path" else code(item) for item in items]
    return _LIST.join(sorted(set(short)))


def _unique_columns(table: _Table) -> list[str]:
    """Columns in which every row has a value of its own, so that others may refer to it."""
    found = []
    for index, column in enumerate(table.columns):
        cells = [row[index] for row in table.rows]
        if cells and all(cells) and len(set(cells)) == len(cells):
            found.append(column.name)
    return found


def _write_csv(path: Path, table: _Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in table.columns])
        writer.writerows(table.rows)


def _write_rdf(path: Path, fmt: str, lines: list[bytes]) -> int:
    """Write N-Quads lines in a format, sorted; give the number of statements."""
    if fmt == "turtle":
        triples = sorted({line[: line.rindex(b" <")] + b" .\n" for line in lines})
        parsed = ox.parse(b"".join(triples), format=ox.RdfFormat.N_TRIPLES)
        ox.serialize((quad.triple for quad in parsed), path, format=ox.RdfFormat.TURTLE, prefixes=_PREFIXES)
        return len(triples)
    ordered = sorted(set(lines), key=lambda line: (line[line.rindex(b" <") :], line))
    if fmt == "nquads":
        path.write_bytes(b"".join(ordered))
    else:
        quads = ox.parse(b"".join(ordered), format=ox.RdfFormat.N_QUADS)
        ox.serialize(quads, path, format=ox.RdfFormat.JSON_LD, prefixes=_PREFIXES)
    return len(ordered)
