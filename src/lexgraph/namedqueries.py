"""Named queries: one ``.rq`` file in ``queries/`` per question, with a header that people and programs read.

Header lines are comments: ``# title: ...``, ``# question: ...``, ``# param: name kind text``,
``# example: name=value ...``. A kind is ``date``, ``text``, or that of a code (``state``, ``offence``, ...).
A parameter left out means any. A query with ``# internal:`` is part of an answer and not offered by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from lexgraph.settings import BASE, ID
from lexgraph.store import day
from lexgraph.tables import CANONICAL

_HEADER = re.compile(r"^#\s*(title|question|param|example|internal)\s*:\s*(.*)$")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a named query."""

    name: str
    kind: str
    text: str

    def term(self, value: str) -> ox.NamedNode | ox.Literal:
        """A value as a term of the parameter's kind."""
        if self.kind == "date":
            return day(value)
        return ox.Literal(value) if self.kind == "text" else ox.NamedNode(f"{ID}{self.kind}/{value}")


@dataclass(frozen=True)
class NamedQuery:
    """A query file."""

    name: str
    title: str
    question: str
    parameters: tuple[Parameter, ...]
    example: str
    internal: bool
    text: str


def parse(name: str, text: str) -> NamedQuery:
    """Read the header of a query file."""
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        if match := _HEADER.match(line):
            fields.setdefault(match[1], []).append(match[2].strip())
    parameters = []
    for line in fields.get("param", []):
        words = line.split(None, 2)
        parameters.append(Parameter(words[0], words[1], words[2] if len(words) > 2 else ""))
    return NamedQuery(
        name=name,
        title=" ".join(fields.get("title", [name])),
        question=" ".join(fields.get("question", [])),
        parameters=tuple(parameters),
        example=" ".join(fields.get("example", [])),
        internal="internal" in fields,
        text=text.replace(CANONICAL, BASE),
    )


_SELECTED = re.compile(r"SELECT\s+(?:DISTINCT\s+)?(.*?)\s*WHERE", re.IGNORECASE | re.DOTALL)


def columns(text: str) -> list[str]:
    """The variables that a query selects, in order."""
    match = _SELECTED.search(text)
    # An aggregate is known by the name after AS; what stands inside it is no column.
    flat = re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\bAS\s+\?(\w+)\s*\)", r"?\1", match[1]) if match else ""
    return list(dict.fromkeys(re.findall(r"\?(\w+)", flat)))


def load(folder: Path) -> dict[str, NamedQuery]:
    """Every query below a folder by name: its path without the ending, e.g. ``coverage/offences``."""
    found = {}
    for path in sorted(folder.rglob("*.rq")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        found[name] = parse(name, path.read_text(encoding="utf-8"))
    return found
