"""Render: answers and rows as tables for a terminal, as CSV and as JSON; progress of long steps.

Rendering only: every word about the law comes from the answer.
"""

from __future__ import annotations

import csv
import io
import os
import sys
import textwrap
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import IO, Any

import orjson
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

WIDTH = 100
"""Columns where there is no terminal to ask."""
_WIDEST = 140
_SLOW = 1.0
_STYLES = {
    "established": "green",
    "available": "green",
    "met": "green",
    "criminalised": "green",
    "agrees": "green",
    "treaty-based": "cyan",
    "reciprocity": "cyan",
    "presumed": "cyan",
    "conditional": "yellow",
    "refusable": "yellow",
    "unknown": "yellow",
    "excluded": "red",
    "barred": "red",
    "no-basis": "red",
    "not-met": "red",
    "disagrees": "red",
}
_RELIED = {"available", "conditional", "refusable", "reciprocity", "barred"}

Rows = tuple[list[str], list[dict[str, str]]]
"""Column names, and rows by column name."""


def console(file: IO[str]) -> Console:
    """A console that colours only on a terminal, and not where NO_COLOR is set."""
    terminal = file.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    made = Console(
        file=file,
        force_terminal=terminal,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )
    if terminal:
        made.width = min(made.width, _WIDEST)
    elif not os.environ.get("COLUMNS", "").isdigit():
        made.width = WIDTH
    return made


def json_bytes(value: Any) -> bytes:
    """JSON in UTF-8, indented, with a line end."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """CSV with a header; a value that is not there is a blank cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return out.getvalue()


def rows_table(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> Table:
    """Rows of any query."""
    table = _table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row.get(column, "")) for column in columns))
    return table


# ------------------------------------------------------------------------------------------------- prosecute


def prosecute_rows(answer: Mapping[str, Any]) -> Rows:
    """One row for each ground; a jurisdiction without any has one row."""
    columns = [
        *("jurisdiction", "name", "status", "certainty", "principle", "factor", "place", "offence"),
        *("ground_status", "why", "kind", "instrument", "provision", "citation", "from", "until"),
        *("ground_certainty", "evidence", "source", "conditions", "derived_from"),
    ]
    rows = []
    for found in answer["answers"]:
        head = _cells(found, "jurisdiction", "name", "status", "certainty")
        if not found["grounds"]:
            rows.append(head)
        for ground in found["grounds"]:
            basis = ground.get("basis") or {}
            row = head | _cells(ground, "principle", "factor", "place", "offence", "why")
            row |= _cells(basis, "kind", "instrument", "provision", "citation", "from", "until")
            row |= _cells(basis, "evidence", "source")
            row["ground_status"] = ground["status"]
            row["ground_certainty"] = ground.get("certainty") or basis.get("certainty") or ""
            row["conditions"] = ";".join(f"{c['code']}={c['status']}" for c in ground["conditions"])
            row["derived_from"] = ";".join(ground.get("derived_from") or ())
            rows.append(row)
    return columns, rows


def prosecute_table(answer: Mapping[str, Any]) -> Group:
    """Who can prosecute: a row for each jurisdiction and ground, then concurrence and obstacles."""
    table = _table()
    _add(table, "Jurisdiction", 13)
    _add(table, "Status", 12)
    _add(table, "Principle", 19)
    _add(table, "Basis")
    _add(table, "Conditions")
    _add(table, "Certainty", 9)
    asked = set(answer["question"].get("offences") or ())
    for found in answer["answers"]:
        name = Text.assemble((str(found["name"]), "bold"), f" ({found['jurisdiction']})")
        if not found["grounds"]:
            table.add_row(name, _status(found["status"]), "", "", "", found["certainty"] or "")
        for ground in _merged(found["grounds"]):
            table.add_row(
                name,
                _status(ground["status"]),
                _principle(ground),
                _ground_basis(ground, asked),
                _conditions(ground),
                str(ground.get("certainty") or ""),
            )
            name = Text("")
        table.add_section()
    if not answer["answers"]:
        table.add_row("nobody", "", "", "", "", "")
    return Group(
        _head(answer["question"]),
        table,
        *_concurrence(answer.get("concurrence") or {}),
        *_explanations((a["name"], a["grounds"]) for a in answer["answers"]),
        *_section("Obstacles", [_obstacle(o) for o in answer.get("obstacles") or ()]),
        _foot(answer),
    )


def _merged(grounds: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Grounds that differ only in offence or factor, as one."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for ground in grounds:
        basis = ground.get("basis") or {}
        conditions = tuple((c["code"], c["status"]) for c in ground["conditions"])
        key = (
            *(ground["principle"], ground.get("place"), ground["status"], ground.get("certainty")),
            *(basis.get("citation"), basis.get("from"), conditions, _explained(ground)),
        )
        entry = found.setdefault(key, {**ground, "factors": [], "offences": []})
        for name, value in (("factors", ground.get("factor")), ("offences", ground.get("offence"))):
            if value and value not in entry[name]:
                entry[name].append(value)
    return list(found.values())


def _explained(ground: Mapping[str, Any]) -> str:
    """Why a ground falls short, where no condition says it."""
    excluded = ground.get("excluded_by") or {}
    if ground["status"] in {"excluded", "unknown"} or (ground["status"] == "conditional" and not ground["conditions"]):
        return str(excluded.get("why") or ground.get("why") or "")
    return ""


def _principle(ground: Mapping[str, Any]) -> Text:
    text = Text(_hyphens(str(ground["principle"]), 19))
    for factor in ground["factors"]:
        text.append(f"\n{_hyphens(factor, 19)}", "dim")
    if ground.get("place"):
        text.append(f" {ground['place']}", "dim")
    return text


def _ground_basis(ground: Mapping[str, Any], asked: set[str]) -> Text:
    basis = ground.get("basis") or {}
    text = Text(str(basis.get("citation") or basis.get("instrument") or basis.get("kind") or ""))
    if basis.get("from"):
        text.append(f"\nfrom {basis['from']}", "dim")
    if basis.get("until"):
        text.append(f"\nuntil {basis['until']}", "dim")
    if set(ground["offences"]) < asked:
        for offence in ground["offences"]:
            text.append(f"\n{_hyphens(offence, 20)}", "dim")
    return text


def _conditions(ground: Mapping[str, Any]) -> Text:
    lines = [Text.assemble(_hyphens(f"{c['code']}:", 20), " ", _status(c["status"])) for c in ground["conditions"]]
    if why := _explained(ground):
        lines.append(Text(why))
    return Text("\n").join(lines)


def _concurrence(found: Mapping[str, Any]) -> list[RenderableType]:
    if len(found.get("states") or ()) < 2:
        return []
    lines = [Text(f"States: {', '.join(found['states'])}")]
    for duty in found.get("duties") or ():
        cited = duty.get("citation") or duty.get("provision") or duty["instrument"]
        lines.append(Text(f"Duty to consult: {cited} ({', '.join(duty['states'])})"))
    lines += [Text(f"Factor {f['code']}: {', '.join(f['states'])}") for f in found.get("factors") or ()]
    return [*_section("Concurrence", lines), *_comparison(found)]


def _comparison(found: Mapping[str, Any]) -> list[RenderableType]:
    """Texts that name factors for choosing, with who meets each; no weight of ours."""
    parts: list[RenderableType] = []
    for text in found.get("comparison") or ():
        order = "in this order" if text["ranked"] else "without an order"
        lines = [
            Text(f"{f['code']}: {', '.join(f['states']) or f['status']}" + (f" ({f['why']})" if f["why"] else ""))
            for f in text["factors"]
        ]
        parts += _section(f"{text['citation']} compares, {order}", lines)
    return parts


def _explanations(found: Iterable[tuple[str, Sequence[Mapping[str, Any]]]]) -> list[RenderableType]:
    """For each item that carries one: the sentence, the decision, the rules and the records with their sources."""
    lines: list[Text] = []
    for name, items in found:
        for item in items:
            said = item.get("explanation")
            if not said:
                continue
            lines.append(Text.assemble((f"{name}: ", "bold"), said["sentence"].get("en", "")))
            row = said["decision"]
            when = f" when {row['when']}" if row["when"] else ""
            lines.append(Text(f"  decided by {row['table']} {row['rank']}{when}", "dim"))
            lines += [Text(f"  rule {r['rule']}", "dim") for r in said["rules"]]
            for record in said["records"]:
                place = ", ".join(str(record[k]) for k in ("evidence", "locator", "source") if record[k])
                lines.append(Text(f"  record {record['record'].split('/id/')[-1]}: {place}", "dim"))
    return _section("Explanation", lines)


# ------------------------------------------------------------------------------------------------- cooperate


def cooperate_rows(answer: Mapping[str, Any]) -> Rows:
    """One row for each basis; a measure without any has one row."""
    columns = [
        *("requesting", "requested", "measure", "status", "certainty", "kind", "instrument", "provision"),
        *("citation", "basis_status", "why", "basis_certainty", "from", "until", "channel", "speed"),
        *("dual_criminality", "penalty_threshold_years", "penalty_threshold", "live_refusal_grounds"),
        *("possible_refusal_grounds", "bars", "fallback", "obstacles", "evidence", "source", "derived_from"),
    ]
    rows = []
    for found in answer["answers"]:
        head = _cells(found, "requesting", "requested", "measure", "status", "certainty")
        head["bars"] = ";".join(bar["code"] for bar in found["bars"])
        head["fallback"] = (found.get("fallback") or {}).get("code", "")
        head["obstacles"] = ";".join(obstacle["code"] for obstacle in found["obstacles"])
        if not found["bases"]:
            rows.append(head | _cells(found, "why"))
        for basis in found["bases"]:
            row = head | _cells(basis, "kind", "instrument", "provision", "citation", "why", "from", "until")
            row |= _cells(basis, "channel", "speed", "evidence", "source")
            row["basis_status"] = basis["status"]
            row["basis_certainty"] = basis.get("certainty") or ""
            row["dual_criminality"] = (basis.get("dual_criminality") or {}).get("status") or ""
            threshold = basis.get("penalty_threshold") or {}
            row["penalty_threshold_years"] = f"{threshold['years']:g}" if "years" in threshold else ""
            row["penalty_threshold"] = threshold.get("status") or ""
            grounds = basis.get("refusal_grounds") or []
            row["live_refusal_grounds"] = ";".join(g["code"] for g in grounds if g["live"])
            row["possible_refusal_grounds"] = ";".join(g["code"] for g in grounds if not g["live"])
            row["derived_from"] = ";".join(basis.get("derived_from") or ())
            rows.append(row)
    return columns, rows


def cooperate_table(answer: Mapping[str, Any]) -> Group:
    """Who can cooperate: for each pair a row for each basis, then what stands in the way and what remains."""
    pairs: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for found in answer["answers"]:
        pairs.setdefault((found["requesting"], found["requested"]), []).append(found)
    parts: list[RenderableType] = [_head(answer["question"])]
    for (requesting, requested), answers in pairs.items():
        parts.append(Text(f"\n{requesting} asks {requested}", "bold"))
        parts.append(_pair_table(answers))
        parts += _section("Bars", _grouped(answers, "bars"))
        parts += _section("Fallback", _fallbacks(answers))
        parts += _section("Obstacles", _grouped(answers, "obstacles"))
        channels = {c["name"]: None for a in answers for c in a.get("police_channels") or ()}
        parts += _section("Police channels (no treaty needed; no evidence)", [Text(c) for c in channels])
    parts += _comparison(answer.get("concurrence") or {})
    parts += _explanations((f"{a['requesting']} asks {a['requested']}", a["bases"]) for a in answer["answers"])
    parts.append(_foot(answer))
    return Group(*parts)


# ------------------------------------------------------------------------------------------- routes, havens


def routes_rows(answer: Mapping[str, Any]) -> Rows:
    """One row for each route."""
    columns = ["code", "why", "instrument", "citation", "states", "derived_from"]
    rows = []
    for route in answer["routes"]:
        row = _cells(route, "code", "why", "instrument")
        basis = route.get("basis") or {}
        row["citation"] = str(basis.get("citation") or basis.get("instrument") or "")
        row["states"] = ";".join(s["code"] for s in route.get("states") or ())
        row["derived_from"] = ";".join(route.get("derived_from") or ())
        rows.append(row)
    return columns, rows


def routes_table(answer: Mapping[str, Any]) -> Group:
    """Where the request stands, and what would open it."""
    columns, rows = routes_rows(answer)
    shown = [{**row, "states": textwrap.shorten(row["states"].replace(";", " "), 120)} for row in rows]
    head = Text.assemble("Now: ", _status(answer["status"]), f"  {answer['why']}")
    return Group(_head(answer["question"]), head, rows_table(columns[:-1], shown), _foot(answer))


def havens_rows(answer: Mapping[str, Any]) -> Rows:
    """One row for each legal order and reason."""
    columns = ["jurisdiction", "name", "code", "offence", "certainty", "why", "provisions", "derived_from"]
    rows = []
    for found in answer["answers"]:
        row = _cells(found, "jurisdiction", "name", "code", "offence", "certainty", "why")
        for key in ("provisions", "derived_from"):
            row[key] = ";".join(found[key])
        rows.append(row)
    return columns, rows


def havens_table(answer: Mapping[str, Any]) -> Group:
    """Legal orders by reason."""
    columns, rows = havens_rows(answer)
    ordered = sorted(rows, key=lambda r: (r["code"], r["name"]))
    return Group(_head(answer["question"]), rows_table(columns[1:6], ordered), _foot(answer))


def _pair_table(answers: Sequence[Mapping[str, Any]]) -> Table:
    table = _table()
    _add(table, "Measure", 14)
    _add(table, "Status", 11)
    _add(table, "Basis")
    _add(table, "Channel", 12)
    _add(table, "Demands")
    # Most often none is live, and the others need the room.
    if any(g["live"] for a in answers for b in a["bases"] for g in b.get("refusal_grounds") or ()):
        _add(table, "Live refusals", 16)
    for found in answers:
        measure = Text(_hyphens(found["measure"], 14), "bold")
        if not found["bases"]:
            table.add_row(measure, _status(found["status"]), Text(str(found.get("why") or "")))
        for instrument, citations, basis in _provisions(found["bases"]):
            text = Text("\n".join(citations))
            if [instrument] != citations:
                text.append(f"\n{instrument}", "dim")
            channel = Text(_hyphens(str(basis.get("channel") or ""), 12))
            if basis.get("speed"):
                channel.append(f"\n{basis['speed']}", "dim")
            cells: list[RenderableType] = [measure, _status(basis["status"]), text, channel, _demands(basis)]
            live = [g for g in basis.get("refusal_grounds") or () if g["live"]]
            if live:
                cells.append(Text("\n".join(_hyphens(f"{g['code']} ({g['effect']})", 16) for g in live)))
            table.add_row(*cells)
            measure = Text("")
        table.add_section()
    return table


def _provisions(bases: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[str], Mapping[str, Any]]]:
    """Provisions of one instrument of which the same is said, as one row with all their citations."""
    found: dict[tuple[Any, ...], tuple[str, list[str], Mapping[str, Any]]] = {}
    for basis in bases:
        live = tuple((g["code"], g["effect"]) for g in basis.get("refusal_grounds") or () if g["live"])
        key = (*(basis["instrument"], basis["status"], basis.get("channel")), live, _demands(basis).plain)
        _, citations, _ = found.setdefault(key, (str(basis["instrument"]), [], basis))
        cited = str(basis.get("citation") or basis["instrument"])
        title, _, place = cited.rpartition(", ")
        if citations and title and citations[0].startswith(f"{title}, "):
            cited = place
        if cited not in citations:
            citations.append(cited)
    return list(found.values())


def _demands(basis: Mapping[str, Any]) -> Text:
    """What the basis asks for, or why it does not count."""
    if basis["status"] not in _RELIED:
        return Text(str(basis.get("why") or ""))
    lines = []
    for name, key in (("scope", "scope"), ("dual criminality", "dual_criminality")):
        demand = basis.get(key)
        # What is not asked for, or met, is no news but for dual criminality.
        if demand and (key == "dual_criminality" or demand["status"] != "met"):
            lines.append(Text.assemble(f"{name}: ", _status(demand["status"])))
    if threshold := basis.get("penalty_threshold"):
        years = f"{threshold['years']:g} year{'' if threshold['years'] == 1 else 's'}"
        lines.append(Text.assemble(f"{years} or more: ", _status(threshold["status"])))
    nationals = basis.get("nationals")
    if nationals and nationals["status"] != "none":
        lines.append(Text.assemble("nationals: ", _status(nationals["status"])))
    if basis["status"] in {"conditional", "barred"} and basis.get("why"):
        lines.append(Text(str(basis["why"]), "dim"))
    return Text("\n").join(lines)


def _grouped(answers: Sequence[Mapping[str, Any]], key: str) -> list[Text]:
    """What is said of several measures in the same words, once, with the measures."""
    found: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        for item in answer.get(key) or ():
            found.setdefault((item["code"], str(item.get("why") or "")), []).append(answer["measure"])
    lines = []
    for (code, why), measures in found.items():
        line = Text(f"{code}: {why}" if why else code)
        if len(answers) > 1:
            names = "every measure" if len(measures) == len(answers) else ", ".join(dict.fromkeys(measures))
            line.append(f" [{names}]", "dim")
        lines.append(line)
    return lines


def _fallbacks(answers: Iterable[Mapping[str, Any]]) -> list[Text]:
    lines = []
    for answer in answers:
        if fallback := answer.get("fallback"):
            basis = fallback.get("basis") or {}
            cited = basis.get("citation") or basis.get("provision") or basis.get("instrument") or ""
            lines.append(Text(f"{answer['measure']}: {fallback['code']}, {cited}".rstrip(", ")))
    return lines


# ---------------------------------------------------------------------------------------------------- cases


def agreement_rows(found: Mapping[str, Any]) -> Rows:
    """One row for each disagreement with what happened."""
    columns = ["case", "kind", "exact", "what", "wanted", "got", "wrong", "explained"]
    rows = []
    for item in found["disagreements"]:
        row = _cells(item, "case", "kind", "what", "wanted", "got", "explained")
        rows.append(row | {"exact": "yes" if item["exact"] else "no", "wrong": "; ".join(item["wrong"])})
    return columns, rows


def agreement_table(found: Mapping[str, Any]) -> Group:
    """How far the answers agree with what happened, then each disagreement."""
    scores = _table()
    for title in ("Expectations", "Asked", "Agreed", "Share"):
        scores.add_column(title, justify="left" if title == "Expectations" else "right")
    listed = {name: score for name, score in found.items() if isinstance(score, Mapping) and "asked" in score}
    listed |= {f"exact, {name} cases": score for name, score in found.get("exact_by_collection", {}).items()}
    for name, score in listed.items():
        if score["asked"]:
            share = "" if score["share"] is None else f"{score['share']:.1%}"
            scores.add_row(name.replace("_", ", "), str(score["asked"]), str(score["agreed"]), share)
    columns, rows = agreement_rows(found)
    parts: list[RenderableType] = [Text(f"{found['cases']} cases"), scores]
    if rows:
        shown = [column for column in columns if column not in {"wanted", "got"}]
        parts += [Text("Disagreements", "bold"), rows_table(shown, rows)]
    return Group(*parts)


# --------------------------------------------------------------------------------------------------- shared


def _cells(found: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: "" if found.get(name) is None else str(found[name]) for name in names}


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 0), pad_edge=False, header_style="bold")


def _add(table: Table, title: str, width: int | None = None) -> None:
    """A column of a fixed width, or one that shares what is left."""
    table.add_column(title, width=width, overflow="fold")


def _status(status: str) -> Text:
    return Text(status, _STYLES.get(status, ""))


def _hyphens(text: str, width: int) -> str:
    """A code broken at its hyphens: rich breaks at spaces only."""
    return textwrap.fill(text, width)


def _section(title: str, lines: Sequence[Text]) -> list[RenderableType]:
    if not lines:
        return []
    return [Text(title, "bold"), *(Padding(line, (0, 0, 0, 2), expand=False) for line in lines)]


def _obstacle(found: Mapping[str, Any]) -> Text:
    states = f" ({', '.join(found['states'])})" if found.get("states") else ""
    why = f": {found['why']}" if found.get("why") else ""
    return Text(f"{found['code']}{states}{why}")


def _head(question: Mapping[str, Any]) -> RenderableType:
    """The question as understood, in two lines at most but for its notes."""
    offences = ", ".join(question.get("offences") or ()) or "no offence given"
    lines = [Text(f"{offences}; conduct {question['conduct_date']}; as of {question['as_of']}")]
    lines += [Text(f"note: {note}", "yellow") for note in question.get("notes") or ()]
    return Group(*lines)


def _foot(answer: Mapping[str, Any]) -> RenderableType:
    return Text(f"Data {answer['data_version']}. Information, not legal advice.", "dim")


# -------------------------------------------------------------------------------------------------- progress


class Steps:
    """Shows the steps of a long task: a bar on a terminal, else a line for each slow step."""

    def __init__(self, file: IO[str] | None = None) -> None:
        self._file = file or sys.stderr
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._step = ""
        self._began = time.monotonic()
        self._told = False

    def __enter__(self) -> Steps:
        if self._file.isatty():
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[detail]}", markup=False, style="dim"),
                TimeElapsedColumn(),
                console=console(self._file),
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, step: str, share: float, detail: str) -> None:
        """Note how far a step has come: a share of 0 begins it, 1 ends it."""
        now = time.monotonic()
        if step != self._step:
            self._step, self._began, self._told = step, now, False
            self._show_new(step)
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=share, detail=detail[:40])
        slow = now - self._began >= _SLOW
        if share >= 1.0:
            if slow:
                self._line(f"{step}: {now - self._began:.1f} s")
            self._end()
        elif slow and not self._told and not self._bar:
            self._told = True
            self._line(f"{step} ...")

    def _show_new(self, step: str) -> None:
        self._end()
        if self._bar:
            self._task = self._bar.add_task(step, total=1.0, detail="")

    def _end(self) -> None:
        if self._bar and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def _line(self, text: str) -> None:
        if self._bar:
            self._bar.console.print(text)
        else:
            print(text, file=self._file, flush=True)
