"""The command line. Answers go to the standard output, messages and progress to the error stream.

What a command needs is imported inside it, so that help appears at once.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from lexgraph import __version__

if TYPE_CHECKING:
    from lexgraph.engine import Engine
    from lexgraph.namedqueries import NamedQuery
    from lexgraph.render import Rows
    from lexgraph.settings import Project
    from lexgraph.tables import Problem

FAILURE = 1
BAD_INPUT = 2

# The option that gives a field of a question, for messages.
_OPTIONS = {
    "offences": "--offence",
    "measures": "--measure",
    "suspects[0].nationality": "--suspect-nationality",
    "suspects[0].residence": "--suspect-residence",
    "suspects[0].present_in": "--suspect-in",
    "victims[0].nationality": "--victim-nationality",
    "victims[0].residence": "--victim-residence",
    "victims[0].established_in": "--victim-seat",
    "person.nationality": "--person-nationality",
    "interests": "--interest",
    "features": "--feature",
    "pleas": "--plea",
    "requesting": "REQUESTING",
    "requested": "REQUESTED",
}
_SEVERAL_CODES = re.compile(r"[A-Za-z]{2,3}(,[A-Za-z]{2,3})+")


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class _Group(TyperGroup):
    """Turns what a user can mend into one message and an exit status; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _reported():
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Group,
    name="lexgraph",
    help="Which state can prosecute, and which states can cooperate, at a date. No legal advice.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets a question mark, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="lexgraph")


# --------------------------------------------------------------------------------------------------- options

States = list[str] | None
Codes = list[str] | None


def _states(name: str, text: str) -> Any:
    return typer.Option(name, metavar="STATE", help=text, show_default=False)


def _codes(name: str, text: str) -> Any:
    return typer.Option(name, metavar="CODE", help=text, show_default=False)


def _date(name: str, text: str) -> Any:
    return typer.Option(name, metavar="DATE", help=text, show_default=False)


def _argument(name: str, text: str) -> Any:
    return typer.Argument(metavar=name, help=text, show_default=False)


_FORMAT = typer.Option(
    "--format", help="How to write the answer; table on a terminal, json otherwise.", show_default=False
)

Answer = Annotated[Format | None, _FORMAT]
Offences = Annotated[Codes, _codes("--offence", "Offence category, or an everyday word as hacking.")]
AsOf = Annotated[str | None, _date("--as-of", "Day of the question. Default: today.")]
ConductDate = Annotated[str | None, _date("--conduct-date", "Day of the act. Default: the day of the question.")]
ConductIn = Annotated[States, _states("--conduct-in", "Where the person acted.")]
EffectsIn = Annotated[States, _states("--effects-in", "Where result or damage was.")]
SystemsIn = Annotated[States, _states("--systems-in", "Where the attacked systems were.")]
Features = Annotated[Codes, _codes("--feature", "Trait of the act, as organised-group.")]
JudgedIn = Annotated[States, _states("--judged-in", "Where the act has been finally judged.")]
ProceedingsIn = Annotated[States, _states("--proceedings-in", "Where proceedings are under way.")]
PersonNationality = Annotated[States, _states("--person-nationality", "Nationality of the person sought.")]
Interests = Annotated[States, _states("--interest", "State whose institutions or interests were harmed.")]
Explain = Annotated[
    bool, typer.Option("--explain", help="Add the chain from each answer to rule, records and sources.")
]


# ------------------------------------------------------------------------------------------------- questions


@app.command()
def prosecute(
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-",
            help="Question as JSON, or a case file; - reads the standard input. Options add to it.",
            show_default=False,
        ),
    ] = None,
    offence: Offences = None,
    conduct_date: ConductDate = None,
    as_of: AsOf = None,
    conduct_in: ConductIn = None,
    effects_in: EffectsIn = None,
    systems_in: SystemsIn = None,
    suspect_nationality: Annotated[States, _states("--suspect-nationality", "Nationality of the suspect.")] = None,
    suspect_residence: Annotated[States, _states("--suspect-residence", "Residence of the suspect.")] = None,
    suspect_in: Annotated[States, _states("--suspect-in", "Where the suspect is now.")] = None,
    victim_nationality: Annotated[States, _states("--victim-nationality", "Nationality of the victim.")] = None,
    victim_residence: Annotated[States, _states("--victim-residence", "Residence of the victim.")] = None,
    victim_seat: Annotated[States, _states("--victim-seat", "Where the victim is established.")] = None,
    suspect_seat: Annotated[States, _states("--suspect-seat", "Seat of a suspect legal person.")] = None,
    interest: Interests = None,
    flag: Annotated[States, _states("--flag", "Flag of the ship or aircraft.")] = None,
    feature: Features = None,
    judged_in: JudgedIn = None,
    complaint_by: Annotated[States, _states("--complaint-by", "State where the victim complained.")] = None,
    authorised_by: Annotated[States, _states("--authorised-by", "State that authorised prosecution.")] = None,
    extradition_refused_by: Annotated[
        States, _states("--extradition-refused-by", "State that refused extradition.")
    ] = None,
    proceedings_in: ProceedingsIn = None,
    explain: Explain = False,
    format: Answer = None,
) -> None:
    """Which states can prosecute an act.

    STATE is a code of two or three letters, or a name. Options repeat. All suspect options speak of one suspect, who
    may have several nationalities; the victim options of one victim. Several suspects or victims need a scenario
    file.
    """
    question = _scenario(scenario) if scenario is not None else {}
    _add(question, "offences", offence)
    _set(question, "conduct_date", conduct_date)
    _set(question, "as_of", as_of)
    _add(question, "conduct_in", conduct_in)
    _add(question, "effects_in", effects_in)
    _add(question, "systems_in", systems_in)
    suspect = {
        "nationality": suspect_nationality,
        "residence": suspect_residence,
        "present_in": suspect_in,
        "established_in": suspect_seat,
    }
    _add_person(question, "suspects", suspect)
    victim = {
        "nationality": victim_nationality,
        "residence": victim_residence,
        "established_in": victim_seat,
    }
    _add_person(question, "victims", victim)
    _add(question, "interests", interest)
    _add(question, "flag", flag)
    _add(question, "features", feature)
    _add(question, "judged_in", judged_in)
    _add(question, "complaint_by", complaint_by)
    _add(question, "authorised_by", authorised_by)
    _add(question, "extradition_refused_by", extradition_refused_by)
    _add(question, "proceedings_in", proceedings_in)
    if explain:
        question["explain"] = True
    if not question.get("offences"):
        _refuse("name at least one offence with --offence, or a scenario with --scenario")
    engine = _engine()
    with _naming(str if scenario is not None else _option):
        answer = engine.prosecute(question)
    from lexgraph import render

    shown = _chosen(format)
    if shown is Format.TABLE:
        _print(render.prosecute_table(answer))
    else:
        _write(shown, answer, render.prosecute_rows(answer))


@app.command()
def cooperate(
    requesting: Annotated[str, _argument("REQUESTING", "State that asks; several codes with commas between.")],
    requested: Annotated[str, _argument("REQUESTED", "State that is asked; several codes likewise.")],
    offence: Offences = None,
    measure: Annotated[Codes, _codes("--measure", "Measure, as extradition. Default: all.")] = None,
    as_of: Annotated[str | None, _date("--as-of", "Day of the request. Default: today.")] = None,
    conduct_date: ConductDate = None,
    person_nationality: PersonNationality = None,
    feature: Features = None,
    conduct_in: ConductIn = None,
    effects_in: EffectsIn = None,
    systems_in: SystemsIn = None,
    proceedings_in: ProceedingsIn = None,
    judged_in: JudgedIn = None,
    plea: Annotated[Codes, _codes("--plea", "Plea of the person, as political-offence.")] = None,
    interest: Interests = None,
    request_date: Annotated[
        list[str] | None,
        typer.Option("--request-date", metavar="STATE=DATE", help="Day of a state's request.", show_default=False),
    ] = None,
    explain: Explain = False,
    format: Answer = None,
) -> None:
    """On which basis one state can ask another for help, and what stands in the way.

    STATE is a code of two or three letters, or a name. Options repeat.
    """
    question: dict[str, Any] = {"requesting": _several(requesting), "requested": _several(requested)}
    _add(question, "offences", offence)
    _add(question, "measures", measure)
    _set(question, "as_of", as_of)
    _set(question, "conduct_date", conduct_date)
    if person_nationality:
        question["person"] = {"nationality": person_nationality}
    _add(question, "features", feature)
    _add(question, "conduct_in", conduct_in)
    _add(question, "effects_in", effects_in)
    _add(question, "systems_in", systems_in)
    _add(question, "proceedings_in", proceedings_in)
    _add(question, "judged_in", judged_in)
    _add(question, "pleas", plea)
    _add(question, "interests", interest)
    if request_date:
        question["request_dates"] = dict(_pairs("--request-date", request_date, "STATE=DATE"))
    if explain:
        question["explain"] = True
    engine = _engine()
    with _naming(_option):
        answer = engine.cooperate(question)
    from lexgraph import render

    shown = _chosen(format)
    if shown is Format.TABLE:
        _print(render.cooperate_table(answer))
    else:
        _write(shown, answer, render.cooperate_rows(answer))


@app.command()
def routes(
    requesting: Annotated[str, _argument("REQUESTING", "State that asks.")],
    requested: Annotated[str, _argument("REQUESTED", "State that is asked.")],
    measure: Annotated[
        str | None, typer.Option(metavar="CODE", help="Measure. Default: extradition.", show_default=False)
    ] = None,
    offence: Offences = None,
    as_of: AsOf = None,
    conduct_date: ConductDate = None,
    person_nationality: PersonNationality = None,
    format: Answer = None,
) -> None:
    """What would open a measure that finds no basis between two states."""
    question: dict[str, Any] = {"requesting": requesting, "requested": requested}
    _set(question, "measure", measure)
    _add(question, "offences", offence)
    _set(question, "as_of", as_of)
    _set(question, "conduct_date", conduct_date)
    if person_nationality:
        question["person"] = {"nationality": person_nationality}
    engine = _engine()
    with _naming(_option):
        answer = engine.routes(question)
    from lexgraph import render

    shown = _chosen(format)
    if shown is Format.TABLE:
        _print(render.routes_table(answer))
    else:
        _write(shown, answer, render.routes_rows(answer))


@app.command()
def havens(
    offence: Offences = None,
    requesting: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="Also: from where nothing binds towards this state.", show_default=False),
    ] = None,
    as_of: AsOf = None,
    conduct_date: ConductDate = None,
    format: Answer = None,
) -> None:
    """Where an act is recorded as no crime, or from where nothing binds towards a state, and how sure that is."""
    if not offence:
        _refuse("name at least one offence with --offence")
    question: dict[str, Any] = {"offences": offence}
    _set(question, "requesting", requesting)
    _set(question, "as_of", as_of)
    _set(question, "conduct_date", conduct_date)
    engine = _engine()
    with _naming(_option):
        answer = engine.havens(question)
    from lexgraph import render

    shown = _chosen(format)
    if shown is Format.TABLE:
        _print(render.havens_table(answer))
    else:
        _write(shown, answer, render.havens_rows(answer))


def _several(text: str) -> list[str]:
    # Names hold commas too, codes never do.
    return text.split(",") if _SEVERAL_CODES.fullmatch(text) else [text]


def _scenario(source: str) -> dict[str, Any]:
    """A question from a file; of a documented case, its scenario."""
    name = "the standard input" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8-sig")
        found = json.loads(text)
    except OSError as exc:
        _refuse(f"--scenario: {name} cannot be read ({exc.strerror})")
    except UnicodeDecodeError:
        _refuse(f"--scenario: {name} is not UTF-8")
    except json.JSONDecodeError as exc:
        _refuse(f"--scenario: {name} is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}")
    except RecursionError:
        _refuse(f"--scenario: {name} is nested too deeply")
    if isinstance(found, dict) and isinstance(found.get("scenario"), dict):
        found = found["scenario"]
    if not isinstance(found, dict):
        _refuse(f"--scenario: {name} holds no JSON object")
    return dict(found)


def _set(question: dict[str, Any], field: str, value: str | None) -> None:
    if value is not None:
        question[field] = value


def _add(question: dict[str, Any], field: str, values: list[str] | None) -> None:
    """Add the values of an option to those of the scenario."""
    if values:
        held = question.get(field) or []
        held = [held] if isinstance(held, str) else held
        if not isinstance(held, list):
            _refuse(f"--scenario: {field} is no list")
        question[field] = list(dict.fromkeys([*held, *values])) if _texts(held) else [*held, *values]


def _texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _add_person(question: dict[str, Any], group: str, options: Mapping[str, list[str] | None]) -> None:
    """Add what options say of the suspect or the victim to the one of the scenario, if there is one."""
    given = {key: values for key, values in options.items() if values}
    if not given:
        return
    people = question.get(group) or []
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        _refuse(f"--scenario: {group} is no list of objects")
    if len(people) > 1:
        _refuse(f"the scenario has {len(people)} {group}: say in it which one is meant, not by an option")
    person = dict(people[0]) if people else {}
    for key, values in given.items():
        _add(person, key, values)
    question[group] = [person]


# --------------------------------------------------------------------------------------------- named queries


@app.command()
def query(
    name: Annotated[
        str | None,
        _argument("NAME|FILE", "Left out: lists the queries."),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="K=V", help="Value of a parameter; repeats.", show_default=False),
    ] = None,
    format: Answer = None,
) -> None:
    """Run a named query, or a file with a SPARQL query.

    A parameter left out means any; one given twice means either. A file may declare parameters as the named
    queries do.
    """
    from lexgraph import namedqueries
    from lexgraph.settings import project

    here = project()
    known = namedqueries.load(here.queries)
    if name is None:
        _list_queries(known, format)
        return
    params = _params(param or [])
    if name in known:
        _refuse_unknown(params, [p.name for p in known[name].parameters], f"the query {name}")
        engine = _engine(here)
        with _naming("--param {}".format):
            columns, rows = engine.run_query(name, params)
        _write_rows(format, name, params, engine.data_version, columns, rows)
    elif Path(name).is_file():
        _query_file(here, Path(name), params, format)
    else:
        near = _nearest(name, [key for key, found in known.items() if not found.internal])
        _refuse(f"no query and no file is called {name!r}", near)


def _params(given: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in _pairs("--param", given, "NAME=VALUE"):
        found.setdefault(key, []).append(value)
    return found


def _pairs(option: str, given: Iterable[str], form: str) -> Iterator[tuple[str, str]]:
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            _refuse(f"{option} {text}: write {form}")
        yield key.strip(), value.strip()


def _refuse_unknown(params: Iterable[str], known: list[str], what: str) -> None:
    for key in params:
        if key not in known:
            _refuse(f"--param {key}: {what} has no such parameter", _nearest(key, known) or known)


def _list_queries(known: Mapping[str, NamedQuery], format: Format | None) -> None:
    shown = [found for found in known.values() if not found.internal]
    listed = [
        {
            "name": found.name,
            "title": found.title,
            "question": found.question,
            "parameters": [{"name": p.name, "kind": p.kind, "text": p.text} for p in found.parameters],
            "example": found.example,
        }
        for found in shown
    ]
    columns = ["name", "question", "parameters"]
    rows = [
        {"name": f.name, "question": f.question, "parameters": " ".join(p.name for p in f.parameters)} for f in shown
    ]
    _write(_chosen(format), listed, (columns, rows))


def _query_file(here: Project, path: Path, params: Mapping[str, list[str]], format: Format | None) -> None:
    """Evaluate a file's query: for its owner, without a time limit, but with no more reach than elsewhere."""
    import pyoxigraph as ox

    from lexgraph import namedqueries, snapshot
    from lexgraph.engine import shorten
    from lexgraph.settings import BASE
    from lexgraph.sparql.errors import QueryFailed, QueryRefused, QuerySyntaxError
    from lexgraph.sparql.guard import check
    from lexgraph.sparql.worker import load
    from lexgraph.store import bind

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        _refuse(f"{path} is not UTF-8")
    parsed = namedqueries.parse(path.stem, text)
    kinds = {parameter.name: parameter for parameter in parsed.parameters}
    _refuse_unknown(params, list(kinds), str(path))
    try:
        terms = {key: [kinds[key].term(value) for value in values] for key, values in params.items()}
    except ValueError as exc:
        _refuse(f"--param: {exc}")
    found = snapshot.current(here.home)
    try:
        checked = check(parsed.text, frozenset(), base_iri=BASE)
        whole = re.search(r"\bGRAPH\b", checked.text, re.IGNORECASE) is None
    except QueryRefused as exc:
        if exc.code != "unknown-graph":
            raise
        whole = False
    if whole:
        store = ox.Store.read_only(str(found.index))
    else:
        # The index does not keep named graphs apart.
        with _waiting("reading the graph"):
            store = load(found.graph)
        graphs = frozenset(g.value for g in store.named_graphs() if isinstance(g, ox.NamedNode))
        checked = check(parsed.text, graphs, base_iri=BASE)
    bound = bind(checked.text, terms)
    try:
        if checked.has_dataset:
            results = store.query(
                bound,
                base_iri=BASE,
                default_graph=[ox.NamedNode(iri) for iri in checked.default_graphs],
                named_graphs=[ox.NamedNode(iri) for iri in checked.named_graphs],
            )
        else:
            results = store.query(bound, base_iri=BASE)
        if isinstance(results, ox.QueryTriples):
            _bytes(results.serialize(format=ox.RdfFormat.N_TRIPLES) or b"")
            return
        version = str(found.manifest["data_version"])
        if isinstance(results, ox.QueryBoolean):
            rows = [{"answer": "yes" if results else "no"}]
            _write_rows(format, path.stem, params, version, ["answer"], rows)
            return
        columns = [variable.value for variable in results.variables]
        rows = []
        for solution in results:
            cells = zip(columns, (solution[index] for index in range(len(columns))), strict=True)
            rows.append({name: shorten(_lexical(term)) for name, term in cells if term is not None})
    except SyntaxError as exc:
        raise QuerySyntaxError(f"Syntax {exc}.") from None
    except (RuntimeError, ValueError) as exc:
        raise QueryFailed(f"The query cannot be evaluated: {exc}") from None
    _write_rows(format, path.stem, params, version, columns, rows)


def _lexical(term: Any) -> str:
    value = getattr(term, "value", None)
    return str(term) if value is None else str(value)


def _write_rows(
    format: Format | None,
    name: str,
    params: Mapping[str, list[str]],
    version: str,
    columns: list[str],
    rows: list[dict[str, str]],
) -> None:
    told = {"query": name, "parameters": params, "data_version": version, "columns": columns, "rows": rows}
    _write(_chosen(format), told, (columns, rows))


# ----------------------------------------------------------------------------------------------------- cases


@app.command()
def cases(
    check: Annotated[bool, typer.Option("--check", help="Compare the answers with what happened.")] = False,
    format: Answer = None,
) -> None:
    """List the documented cases, or compare them with the answers."""
    if check:
        _check_cases(format)
        return
    from lexgraph.settings import project

    here = project()
    listed = []
    for path in sorted((here.data / "cases").glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        listed.append({key: case.get(key) for key in ("id", "title", "year", "collection", "summary")})
    columns = ["id", "year", "title", "collection"]
    rows = [{key: "" if case[key] is None else str(case[key]) for key in columns} for case in listed]
    _write(_chosen(format), listed, (columns, rows))


def _check_cases(format: Format | None) -> None:
    from lexgraph.cases import check

    engine = _engine(in_memory=True)
    with _waiting("comparing the cases"):
        found = check(engine)
    from lexgraph import render

    shown = _chosen(format)
    if shown is Format.TABLE:
        _print(render.agreement_table(found))
    else:
        _write(shown, found, render.agreement_rows(found))


# ----------------------------------------------------------------------------------- building and publishing


@app.command()
def build(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Where snapshots go. Default: build/ in the project.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Build the graph from the sources, check it and publish it as a snapshot."""
    from lexgraph.build import build as run
    from lexgraph.render import Steps
    from lexgraph.settings import project

    with Steps() as steps:
        result = run(project(), out.resolve() if out else None, steps)
    if result.warnings:
        _say(f"{_count(len(result.warnings), 'warning')}; see: lexgraph validate")
    counts = ", ".join(f"{count:,} {name}" for name, count in result.counts.items())
    state = "built" if result.fresh else "up to date"
    typer.echo(f"{result.snapshot.name} {state} in {result.seconds['all']:.1f} s")
    typer.echo(counts)


@app.command()
def validate(
    path: Annotated[
        Path | None,
        _argument("PATH", "A file or folder of data/. Default: everything."),
    ] = None,
) -> None:
    """Check the data against their schemas and shapes; nothing is published.

    A file or a folder is checked against its schema and for links to what is not there. Without a path
    everything is checked, shapes included.
    """
    from lexgraph.settings import project

    here = project()
    if path is None:
        _validate_all(here)
    else:
        _validate_path(here, path)


def _validate_all(here: Project) -> None:
    from tempfile import TemporaryDirectory

    from lexgraph.build import build as run
    from lexgraph.render import Steps

    # The build runs into a folder that is thrown away; only what it remembers of its steps is shared.
    cache = here.home / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="lexgraph-") as folder, Steps() as steps:
        (Path(folder) / "cache").symlink_to(cache.resolve())
        result = run(here, Path(folder), steps)
    for warning in result.warnings:
        _say(f"warning: {warning}")
    warnings = _count(len(result.warnings), "warning")
    typer.echo(f"{_count(result.counts['records'], 'record')}, no problem; {warnings}")


def _validate_path(here: Project, path: Path) -> None:
    from lexgraph.render import Steps
    from lexgraph.tables import (
        SourceError,
        check_links,
        load_schemas,
        read_table,
        table_files,
        unclaimed_files,
    )

    root, target = here.root, path.resolve()
    if not target.exists():
        known = [p.relative_to(root).as_posix() for p in sorted(here.data.rglob("*"))]
        _refuse(f"there is no file or folder {path}", _nearest(str(path), known))
    if not target.is_relative_to(root):
        _refuse(f"{path} is no part of the project in {root}")
    schemas = load_schemas(here.schemas)
    every = list(table_files(root, schemas))
    chosen = [entry for entry in every if entry[0].is_relative_to(target)]
    problems = [p for p in unclaimed_files(root, schemas) if (root / p.file).is_relative_to(target)]
    others = [p for p in _other_files(here) if p.is_relative_to(target)]
    if not (chosen or others or problems):
        _refuse(f"{path} holds nothing that can be checked; data/, ontology/ and the files in them can")
    with Steps() as steps:
        steps("files", 0.0, "")
        for other in others:
            problems += _check_other(here, other)
        tables = [read_table(*entry) for entry in chosen]
        problems += [problem for table in tables for problem in table.problems]
        steps("files", 1.0, "")
        if problems:
            raise SourceError(problems)
        if not chosen:
            typer.echo(f"{_count(len(others), 'file')}, no problem")
            return
        # Links go both ways: what these files name, and what other files name in them.
        names = {file for _, file, _ in chosen}
        rest = [entry for entry in every if entry[1] not in names]
        for number, entry in enumerate(rest):
            steps("links", number / len(rest), entry[1])
            tables.append(read_table(*entry))
        declared = _declared(here)
        found = check_links(tables, declared.__contains__, sorted(declared))
        steps("links", 1.0, "")
    if mine := [problem for problem in found if problem.file in names]:
        raise SourceError(mine)
    elsewhere = len(found) + sum(len(table.problems) for table in tables)
    if elsewhere:
        _say(f"{_count(elsewhere, 'problem')} in other files; see: lexgraph validate")
    records = sum(table.count for table in tables if table.file in names)
    typer.echo(f"{_count(len(chosen) + len(others), 'file')}, {_count(records, 'record')}, no problem")


def _other_files(here: Project) -> list[Path]:
    """What is checked besides tables: cases and the modules of the ontology."""
    return [*sorted((here.data / "cases").glob("*.json")), *sorted(here.ontology.rglob("*.ttl"))]


def _check_other(here: Project, path: Path) -> list[Problem]:
    """Whether a case is JSON under its own name, and a module Turtle."""
    import pyoxigraph as ox

    from lexgraph.tables import Problem

    file = path.relative_to(here.root).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ttl":
            for _ in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE):
                pass
            return []
        case = json.loads(text)
    except SyntaxError as exc:
        return [Problem(file, exc.lineno, None, "", f"is not Turtle: {exc.msg}")]
    except UnicodeDecodeError as exc:
        return [Problem(file, None, None, "", f"is not UTF-8 ({exc.reason} at byte {exc.start})")]
    except ValueError as exc:
        return [Problem(file, getattr(exc, "lineno", None), None, "", f"is not JSON ({exc})")]
    named = case.get("id") if isinstance(case, dict) else None
    if named != path.stem:
        return [Problem(file, None, "id", str(named), f"must be {path.stem}, the file's name")]
    return []


def _declared(here: Project) -> set[str]:
    """Every IRI that the ontology says something of."""
    import pyoxigraph as ox

    from lexgraph.settings import BASE
    from lexgraph.tables import CANONICAL

    found = set()
    for path in sorted(here.ontology.rglob("*.ttl")):
        if "shapes" not in path.relative_to(here.ontology).parts:
            text = path.read_text(encoding="utf-8").replace(CANONICAL, BASE)
            quads = ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)
            found |= {quad.subject.value for quad in quads if isinstance(quad.subject, ox.NamedNode)}
    return found


@app.command()
def export(
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Folder to write; replaced as a whole.", show_default=False),
    ],
    what: Annotated[str, typer.Option("--what", metavar="TABLE|all", help="A table, graph, or all.")] = "all",
    as_: Annotated[str, typer.Option("--as", metavar="FORMAT", help="csv, parquet, nquads, turtle or jsonld.")] = "csv",
) -> None:
    """Write tables, interval facts or the graph as files, with a manifest.

    The graph is built first where the sources have changed. --what all as nquads is the whole graph, compressed;
    --what graph is the whole graph in one plain file.

    Tables are the kinds of source tables (as actions, offences) and the interval facts: participation,
    criminalisation, jurisdiction-grounds, cooperation-links, court-jurisdiction.
    """
    from lexgraph.export import export as run
    from lexgraph.render import Steps
    from lexgraph.settings import project

    with Steps() as steps:
        files = run(project(), what, as_, out, steps)
    size = sum(entry["bytes"] for entry in files)
    for entry in files:
        rows = "" if entry["rows"] is None else f", {_count(entry['rows'], 'row')}"
        typer.echo(f"{entry['file']}{rows}, {_count(entry['bytes'], 'byte')}")
    typer.echo(f"{_count(len(files), 'file')}, {_count(size, 'byte')} in {out}")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve the API, the SPARQL endpoint and the explorer. Builds the graph first if there is none."""
    from lexgraph import snapshot
    from lexgraph.settings import project

    here = project()
    try:
        snapshot.current(here.home)
    except snapshot.NoSnapshotError:
        from lexgraph.build import build as run
        from lexgraph.render import Steps

        _say("nothing is built yet; building")
        with Steps() as steps:
            run(here, progress=steps)
    import uvicorn

    from lexgraph.api.app import create_app

    uvicorn.run(create_app(), host=host, port=port)


@app.command()
def version() -> None:
    """Print the version of the program and of the data in use."""
    from lexgraph import snapshot
    from lexgraph.settings import project

    typer.echo(f"lexgraph {__version__}")
    try:
        typer.echo(f"data {snapshot.current(project().home).manifest['data_version']}")
    except (snapshot.NoSnapshotError, FileNotFoundError):
        typer.echo("data: none built")


# --------------------------------------------------------------------------------------------------- shared


def _engine(here: Project | None = None, *, in_memory: bool = False) -> Engine:
    """The engine: on the index for one question, in memory for many."""
    with _waiting("reading the graph"):
        from lexgraph.engine import Engine

        return Engine.open(here, in_memory=in_memory)


def _chosen(format: Format | None) -> Format:
    if format is not None:
        return format
    return Format.TABLE if sys.stdout.isatty() else Format.JSON


def _write(format: Format, value: Any, rows: Rows) -> None:
    """Write an answer: JSON whole, tables and CSV as rows."""
    from lexgraph import render

    if format is Format.JSON:
        _bytes(render.json_bytes(value))
    elif format is Format.CSV:
        _bytes(render.csv_text(*rows).encode())
    else:
        _print(render.rows_table(*rows))


def _bytes(data: bytes) -> None:
    """UTF-8 whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _print(shown: Any) -> None:
    from lexgraph import render

    render.console(sys.stdout).print(shown)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _refuse(message: str, suggestions: Iterable[str] = ()) -> NoReturn:
    """End with a message about bad input."""
    hints = list(suggestions)
    hint = f"; did you mean {' or '.join(hints)}?" if hints else ""
    _say(f"lexgraph: {message}{hint}")
    raise typer.Exit(BAD_INPUT)


def _nearest(text: str, pool: list[str]) -> list[str]:
    from rapidfuzz import process

    return [hit[0] for hit in process.extract(text, pool, limit=3, score_cutoff=60)]


@contextmanager
def _waiting(text: str) -> Iterator[None]:
    """Say on a terminal what takes a moment."""
    if not sys.stderr.isatty():
        yield
        return
    from lexgraph import render

    with render.console(sys.stderr).status(text):
        yield


@contextmanager
def _naming(name: Callable[[str], str]) -> Iterator[None]:
    """Say of a field that cannot be read where it was given."""
    from lexgraph.codes import InputError

    try:
        yield
    except InputError as exc:
        _refuse(f"{name(exc.field)}: {exc.message}", exc.suggestions)


@contextmanager
def _reported() -> Iterator[None]:
    """Turn what a user can mend into a message and an exit status."""
    try:
        yield
    except Exception as exc:
        status = _explain(exc)
        if status is None:
            raise
        raise typer.Exit(status) from None


def _explain(exc: Exception) -> int | None:
    """Say what is wrong and give the exit status; None for what is no fault of the input or the machine."""
    if isinstance(exc, (typer.Exit, typer.Abort, BrokenPipeError)) or type(exc).__module__.startswith("typer."):
        return None
    from lexgraph.codes import InputError
    from lexgraph.snapshot import NoSnapshotError
    from lexgraph.sparql.errors import QueryRefused, QuerySyntaxError, SparqlError
    from lexgraph.store import UnknownParameterError
    from lexgraph.tables import SourceError

    if isinstance(exc, InputError):
        hint = f"; did you mean {' or '.join(exc.suggestions)}?" if exc.suggestions else ""
        _say(f"lexgraph: --{exc.field}: {exc.message}{hint}")
        return BAD_INPUT
    if isinstance(exc, SourceError):
        _tell_problems(exc.problems)
        _say(f"lexgraph: {exc}")
        return BAD_INPUT
    if isinstance(exc, (QueryRefused, QuerySyntaxError, UnknownParameterError)):
        _say(f"lexgraph: {exc}")
        return BAD_INPUT
    if isinstance(exc, (NoSnapshotError, SparqlError)):
        _say(f"lexgraph: {exc}")
        return FAILURE
    if isinstance(exc, OSError):
        where = f"{exc.filename}: " if exc.filename else ""
        _say(f"lexgraph: {where}{exc.strerror or exc}")
        return FAILURE
    return None


def _option(field: str) -> str:
    """The option or argument that gives a field."""
    for text in (field, re.sub(r"\[\d+\]$", "", field)):
        if text in _OPTIONS:
            return _OPTIONS[text]
    plain = re.sub(r"\[\d+\]$", "", field)
    return f"--{plain.replace('_', '-')}" if re.fullmatch(r"[a-z_]+", plain) else field


def _tell_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        _say(str(problem))


if __name__ == "__main__":
    main()
