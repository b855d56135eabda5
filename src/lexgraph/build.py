"""Build: sources -> tables -> closure -> rules -> shapes -> published snapshot.

Every step is kept by the hash of what goes into it, so a rebuild does only what changed inputs require, and the
same inputs give the same bytes. Nothing is published unless every step passed.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lexgraph import __version__, snapshot
from lexgraph.settings import BASE, GRAPH, Project
from lexgraph.tables import (
    CANONICAL,
    Problem,
    Rows,
    SourceError,
    TableSchema,
    check_links,
    load_schemas,
    read_table,
    table_files,
    unclaimed_files,
)

Progress = Callable[[str, float, str], None]
"""Called with the step's name, the share done (0 to 1) and a detail."""

_T = TypeVar("_T")
_CODE = ("tables.py", "closure.py", "rules.py", "shapes.py", "build.py")


def silent(step: str, share: float, detail: str) -> None:
    """A progress that says nothing."""


@dataclass
class Result:
    """What a build did."""

    snapshot: snapshot.Snapshot
    fresh: bool
    counts: dict[str, int]
    warnings: list[Problem] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class _Cache:
    """Results of steps by the hash of their inputs, in files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.used: set[Path] = set()

    def get(self, step: str, key: str) -> Any | None:
        path = self.folder / step / key[:2] / key
        self.used.add(path)
        try:
            with path.open("rb") as file:
                return pickle.load(file)
        except (FileNotFoundError, EOFError, pickle.UnpicklingError, AttributeError, ModuleNotFoundError):
            return None

    def put(self, step: str, key: str, value: Any) -> None:
        path = self.folder / step / key[:2] / key
        self.used.add(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        work = path.with_suffix(".tmp")
        with work.open("wb") as file:
            pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)
        work.replace(path)

    def sweep(self) -> None:
        """Forget what this build did not use."""
        for path in self.folder.glob("*/*/*"):
            if path not in self.used:
                path.unlink(missing_ok=True)


def _digest(*parts: bytes | str) -> str:
    out = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        out.update(len(data).to_bytes(8, "big"))
        out.update(data)
    return out.hexdigest()


def _engine_versions() -> str:
    from importlib.metadata import version

    return " ".join(f"{name} {version(name)}" for name in ("pyoxigraph", "rdflib", "owlrl", "pyshacl", "csvw"))


def _code_digest() -> str:
    folder = Path(__file__).parent
    return _digest(*((folder / name).read_bytes() for name in _CODE), _engine_versions())


def _ontology_files(project: Project) -> list[Path]:
    folder = project.ontology
    return [p for p in sorted(folder.rglob("*.ttl")) if "shapes" not in p.relative_to(folder).parts]


def _shape_files(project: Project) -> list[Path]:
    folder = project.ontology / "shapes"
    return [p for p in sorted(folder.rglob("*")) if p.suffix in {".ttl", ".rq"} and "examples" not in p.parts]


def _case_files(project: Project) -> list[Path]:
    return sorted((project.data / "cases").glob("*.json"))


@dataclass
class _Inputs:
    """Every file that a build reads, with its hash."""

    schemas: list[TableSchema]
    tables: list[tuple[Path, str, TableSchema, bytes, str]]
    ontology: list[tuple[Path, str]]
    rules: str
    shapes: str
    cases: str
    queries: str
    stray: str
    code: str

    @property
    def name(self) -> str:
        parts = [self.code, BASE, self.rules, self.shapes, self.cases, self.queries, self.stray]
        parts += [f"{file} {digest}" for _, file, _, _, digest in self.tables]
        parts += [f"{path.name} {digest}" for path, digest in self.ontology]
        return _digest(*parts)[:16]


def _read_inputs(project: Project) -> _Inputs:
    schemas = load_schemas(project.schemas)
    code = _code_digest()
    tables = []
    for path, file, schema in table_files(project.root, schemas):
        data = path.read_bytes()
        tables.append((path, file, schema, data, _digest(code, schema.digest, file, BASE, data)))
    rules = sorted((project.ontology / "rules").glob("*.rq"))
    queries = sorted(project.queries.rglob("*.rq"))
    return _Inputs(
        schemas=schemas,
        tables=tables,
        ontology=[(p, _digest(p.read_bytes())) for p in _ontology_files(project)],
        rules=_digest(*(p.name + p.read_text(encoding="utf-8") for p in rules)),
        shapes=_digest(*(p.name + p.read_text(encoding="utf-8") for p in _shape_files(project))),
        cases=_digest(*(p.name + p.read_text(encoding="utf-8") for p in _case_files(project))),
        queries=_digest(*(str(p.relative_to(project.queries)) + p.read_text(encoding="utf-8") for p in queries)),
        # A file that no schema describes must stop even a build that is otherwise up to date.
        stray=_digest(*map(str, unclaimed_files(project.root, schemas)), _release(project)),
        code=code,
    )


def build(project: Project, home: Path | None = None, progress: Progress = silent) -> Result:
    """Build the graph and publish it.

    Raises SourceError with every problem found (file, row, column, what is expected); the snapshot in use stays.
    """
    home = home or project.home
    started = time.perf_counter()
    inputs = _read_inputs(project)
    known = snapshot.find(home, inputs.name)
    if known is not None:
        snapshot.switch(home, known)
        progress("up to date", 1.0, known.name)
        counts = known.manifest["counts"]
        return Result(known, False, counts, seconds={"all": time.perf_counter() - started})
    return _Build(project, home, inputs, progress).run(started)


class _Build:
    def __init__(self, project: Project, home: Path, inputs: _Inputs, progress: Progress) -> None:
        self.project = project
        self.home = home
        self.inputs = inputs
        self.progress = progress
        self.cache = _Cache(home / "cache")
        self.seconds: dict[str, float] = {}
        self.warnings: list[Problem] = []

    def run(self, started: float) -> Result:
        snapshot.sweep(self.home)
        self._check_cases()
        tables = self._timed("tables", self._tables)
        ontology = self._timed("ontology", self._ontology)
        vocabulary = self._timed("vocabulary", lambda: self._vocabulary(ontology))
        self._timed("links", lambda: self._links(tables, ontology))
        entailed = self._timed("closure", lambda: self._closure(tables, ontology, vocabulary))
        derived, store = self._timed("rules", lambda: self._rules(tables, ontology, vocabulary, entailed))
        work = snapshot.workplace(self.home)
        try:
            # The index is written while the shapes are checked: the one runs in the engine, the other in Python.
            with ThreadPoolExecutor(1) as pool:
                index = pool.submit(self._index, work, tables, ontology, vocabulary, entailed, derived)
                self._timed("shapes", lambda: self._shapes(tables, ontology, entailed, store))
                self._timed("index", index.result)
            return self._timed(
                "publish",
                lambda: self._publish(work, tables, ontology, vocabulary, entailed, derived, started),
            )
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise

    @staticmethod
    def _index(
        work: Path,
        tables: list[Rows],
        ontology: list[tuple[str, list[bytes]]],
        vocabulary: list[bytes],
        entailed: list[bytes],
        derived: list[tuple[str, list[bytes]]],
    ) -> None:
        import pyoxigraph as ox

        data = b"".join(_triples(tables, [*ontology, *derived], [*vocabulary, *entailed]))
        store = ox.Store(work / "index")
        store.bulk_load(data, format=ox.RdfFormat.N_TRIPLES)
        store.optimize()
        store.flush()

    def _timed(self, name: str, step: Callable[[], _T]) -> _T:
        before = time.perf_counter()
        self.progress(name, 0.0, "")
        out = step()
        self.seconds[name] = round(time.perf_counter() - before, 3)
        self.progress(name, 1.0, "")
        return out

    def _check_cases(self) -> None:
        problems = []
        for path in _case_files(self.project):
            file = path.relative_to(self.project.root).as_posix()
            try:
                case = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as exc:
                problems.append(Problem(file, getattr(exc, "lineno", None), None, "", f"is not JSON ({exc})"))
                continue
            if case.get("id") != path.stem:
                problems.append(Problem(file, None, "id", str(case.get("id")), f"must be {path.stem}, the file's name"))
        if problems:
            raise SourceError(problems)

    def _tables(self) -> list[Rows]:
        problems = unclaimed_files(self.project.root, self.inputs.schemas)
        tables = []
        total = len(self.inputs.tables)
        for number, (path, file, schema, _, digest) in enumerate(self.inputs.tables, start=1):
            rows = self.cache.get("tables", digest)
            if rows is None:
                rows = read_table(path, file, schema)
                if not rows.problems:
                    self.cache.put("tables", digest, rows)
            problems += rows.problems
            tables.append(rows)
            if number % 25 == 0:
                self.progress("tables", number / total, file)
        if problems:
            raise SourceError(problems)
        return tables

    def _ontology(self) -> list[tuple[str, list[bytes]]]:
        """Each module as a named graph of sorted N-Triples lines."""
        import pyoxigraph as ox

        out, problems = [], []
        for path, digest in self.inputs.ontology:
            file = path.relative_to(self.project.root).as_posix()
            graph = f"{GRAPH}{path.relative_to(self.project.root).with_suffix('').as_posix()}"
            key = _digest(self.inputs.code, digest, file, BASE)
            lines = self.cache.get("ontology", key)
            if lines is None:
                text = path.read_text(encoding="utf-8").replace(CANONICAL, BASE)
                store = ox.Store()
                try:
                    store.load(text.encode(), format=ox.RdfFormat.TURTLE)
                except SyntaxError as exc:
                    problems.append(Problem(file, exc.lineno, None, "", f"is not Turtle: {exc.msg}"))
                    continue
                data = store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
                assert data is not None
                lines = sorted(set(data.splitlines(keepends=True)))
                if any(line.startswith(b"_:") or b" _:" in line.split(b'"', 1)[0] for line in lines):
                    problems.append(Problem(file, None, None, "", "has a blank node; name it by an IRI"))
                    continue
                self.cache.put("ontology", key, lines)
            out.append((graph, lines))
        if problems:
            raise SourceError(problems)
        return out

    def _ontology_key(self) -> str:
        return _digest(self.inputs.code, BASE, *(digest for _, digest in self.inputs.ontology))

    def _vocabulary(self, ontology: list[tuple[str, list[bytes]]]) -> list[bytes]:
        key = self._ontology_key()
        lines: list[bytes] | None = self.cache.get("vocabulary", key)
        if lines is None:
            from rdflib import Graph

            from lexgraph.closure import close_vocabulary

            # The code lists are data to the vocabulary: the assertional rules close them with the records.
            modules = [part for name, part in ontology if "/schemes/" not in name and not name.endswith("/mappings")]
            graph = Graph()
            graph.parse(data=b"".join(line for part in modules for line in part), format="nt")
            closed = close_vocabulary(graph).serialize(format="nt", encoding="utf-8")
            lines = sorted({line + b"\n" for line in closed.splitlines() if line.strip()})
            self.cache.put("vocabulary", key, lines)
        return lines

    def _links(self, tables: list[Rows], ontology: list[tuple[str, list[bytes]]]) -> None:
        declared = {line[1 : line.index(b">")].decode() for _, lines in ontology for line in lines}
        problems = check_links(tables, declared.__contains__, sorted(declared))
        if problems:
            raise SourceError(problems)

    def _tables_key(self) -> str:
        return _digest(self._ontology_key(), *(digest for *_, digest in self.inputs.tables))

    def _closure(
        self, tables: list[Rows], ontology: list[tuple[str, list[bytes]]], vocabulary: list[bytes]
    ) -> list[bytes]:
        key = self._tables_key()
        lines: list[bytes] | None = self.cache.get("closure", key)
        if lines is None:
            import pyoxigraph as ox

            from lexgraph.closure import InconsistencyError, close_data, difference

            base, store = ox.Store(), ox.Store()
            data = b"".join(_triples(tables, ontology, vocabulary))
            for target in (base, store):
                target.bulk_load(data, format=ox.RdfFormat.N_TRIPLES)
            try:
                close_data(store)
            except InconsistencyError as exc:
                raise SourceError(
                    self._locate(tables, thing, "", f"contradicts the ontology ({rule}): {one} and {other}")
                    for rule, thing, one, other in exc.found
                ) from exc
            lines = sorted(f"{triple} .\n".encode() for triple in difference(store, base))
            self.cache.put("closure", key, lines)
        return lines

    def _rules(
        self,
        tables: list[Rows],
        ontology: list[tuple[str, list[bytes]]],
        vocabulary: list[bytes],
        entailed: list[bytes],
    ) -> tuple[list[tuple[str, list[bytes]]], Any]:
        import pyoxigraph as ox

        from lexgraph.rules import load_rules, run

        store = ox.Store()
        data = b"".join(_triples(tables, ontology, vocabulary)) + b"".join(entailed)
        store.bulk_load(data, format=ox.RdfFormat.N_TRIPLES)
        rules = load_rules(self.project.ontology / "rules")
        key = self._tables_key()
        out = []
        for number, rule in enumerate(rules, start=1):
            self.progress("rules", (number - 1) / len(rules), rule.name)
            key = _digest(key, rule.name, rule.text)
            lines: list[bytes] | None = self.cache.get("rules", key)
            if lines is None:
                before = time.perf_counter()
                lines = run(rule, store)
                self.seconds[f"rule {rule.name}"] = round(time.perf_counter() - before, 3)
                self.cache.put("rules", key, lines)
            store.bulk_load(b"".join(lines), format=ox.RdfFormat.N_TRIPLES)
            out.append((rule.graph, lines))
        return out, store

    def _shapes(
        self, tables: list[Rows], ontology: list[tuple[str, list[bytes]]], entailed: list[bytes], store: Any
    ) -> None:
        key = _digest(self._tables_key(), self.inputs.rules, self.inputs.shapes)
        found = self.cache.get("shapes", key)
        if found is None:
            from lexgraph.shapes import hygiene, load_shapes, read_graph, validate

            folder = self.project.ontology / "shapes"
            self.progress("shapes", 0.1, "hygiene queries")
            found = hygiene(store, folder / "hygiene")
            self.progress("shapes", 0.3, "reading the records")
            types = [line for line in entailed if b"#type>" in line]
            records = read_graph(b"".join(_triples(tables, ontology, types)))
            self.progress("shapes", 0.6, "SHACL")
            found += validate(records, load_shapes(folder))
            self.cache.put("shapes", key, found)
        errors = [f for f in found if f.severity == "error"]
        self.warnings = sorted(
            {self._locate(tables, f.entity, f.path, f"{f.message} [{f.check}]") for f in found if f.severity != "error"}
        )
        if errors:
            raise SourceError(
                self._locate(tables, f.entity, f.path, f"{f.message} [{f.check}]", f.value) for f in errors
            )

    def _locate(self, tables: list[Rows], entity: str, path: str, message: str, value: str = "") -> Problem:
        """Where in the sources a thing and a property of it stand."""
        for table in tables:
            for subject, row in table.subjects:
                if subject == entity:
                    schema = next(s for s in self.inputs.schemas if s.name == table.schema)
                    column = next((r.name for r in schema.rules if r.predicate == path), None)
                    return Problem(table.file, row, column, value, message)
        return Problem(entity.replace(BASE, ""), None, path.replace(BASE, "") or None, value, message)

    def _publish(
        self,
        work: Path,
        tables: list[Rows],
        ontology: list[tuple[str, list[bytes]]],
        vocabulary: list[bytes],
        entailed: list[bytes],
        derived: list[tuple[str, list[bytes]]],
        started: float,
    ) -> Result:
        counts = {
            "records": sum(t.count for t in tables),
            "asserted": sum(len(t.lines) for t in tables),
            "ontology": sum(len(lines) for _, lines in ontology),
            "entailed": len(vocabulary) + len(entailed),
            "derived": sum(len(lines) for _, lines in derived),
        }
        manifest = {
            "name": self.inputs.name,
            "version": __version__,
            "base": BASE,
            "counts": counts,
            "tables": {t.file: t.count for t in tables},
            "derived": {graph.rsplit("/", 1)[-1]: len(lines) for graph, lines in derived},
            "engines": _engine_versions(),
            "data_version": data_version(self.project, self.inputs.name),
            "seconds": self.seconds,
        }
        graphs = [(t.graph, sorted(set(t.lines))) for t in tables]

        def lines() -> Iterator[bytes]:
            for _, part in graphs:
                yield "".join(part).encode()
            entails = [(f"{GRAPH}entailed", sorted({*vocabulary, *entailed}))]
            for graph, part_lines in [*ontology, *entails, *derived]:
                tail = f" <{graph}> .\n".encode()
                yield b"".join(line[:-3] + tail for line in part_lines)

        # A snapshot answers with the texts that it was built with, whatever the working copy holds later.
        for kept in (self.project.queries, self.project.data / "cases"):
            if kept.is_dir():
                shutil.copytree(kept, work / kept.name)
        made = snapshot.publish(self.home, self.inputs.name, work, lines(), manifest)
        self.cache.sweep()
        self.seconds["all"] = round(time.perf_counter() - started, 3)
        return Result(made, True, counts, self.warnings, self.seconds)


def data_version(project: Project, name: str) -> str:
    """Version of the data as users see it: the release stated in ``data/VERSION`` and the hash of the inputs."""
    return f"{_release(project)}+{name[:8]}"


def _release(project: Project) -> str:
    return (project.data / "VERSION").read_text(encoding="utf-8").strip()


def _triples(
    tables: Iterable[Rows], ontology: Iterable[tuple[str, list[bytes]]], more: Iterable[bytes]
) -> Iterator[bytes]:
    """Asserted records, the ontology and further lines as N-Triples, without the names of their graphs."""
    for table in tables:
        tail = f" <{table.graph}> .\n"
        cut = len(tail)
        yield "".join(line[:-cut] + " .\n" for line in table.lines).encode()
    for _, lines in ontology:
        yield b"".join(lines)
    yield b"".join(more)
