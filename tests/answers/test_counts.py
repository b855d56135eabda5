"""Parties counted by others, on given days, against the graph."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lexgraph.engine import Engine
from lexgraph.questions.context import END
from lexgraph.settings import project

ROWS = list(csv.DictReader((Path(__file__).parent.parent / "data" / "independent_counts.csv").open(encoding="utf-8")))
BINDING = {"ratification", "accession", "acceptance", "approval", "succession"}


def padded(day: str) -> str:
    """A year alone means its end here: the source speaks of the state of that year."""
    return day if len(day) == 10 else f"{day}-12-31"


def deposits(instrument: str, day: str) -> int:
    """Parties that had deposited by a day and had not withdrawn with effect by then; depositaries count the Union."""
    path = project().data / "instruments" / instrument / "actions.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    came = {r["state"] for r in rows if r["action"] in BINDING and r["date"] and r["date"] <= day}
    left = {r["state"] for r in rows if r["action"] in {"withdrawal", "denunciation"} and (r["until"] or END) <= day}
    return len(came - left)


def in_force(engine: Engine, instrument: str, day: str) -> int:
    """States bound on a day, as the graph answers."""
    found = engine.instrument(instrument, day)["parties"]
    kinds = {engine.codes.states[p["code"]]["kind"] for p in found}
    assert kinds <= {"state", "not-universally-recognised", "union", "court", "territory"}
    # A territory that its sovereign's instrument was extended to is no party of its own.
    none = {"union", "court", "territory"}
    return len({p["code"] for p in found if engine.codes.states[p["code"]]["kind"] not in none})


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['instrument']} {r['day']}")
def test_parties_counted_elsewhere(engine: Engine, row: dict[str, str]) -> None:
    day = padded(row["day"])
    if row["note"].startswith("in force"):
        assert in_force(engine, row["instrument"], day) == int(row["parties"])
    else:
        assert row["note"].startswith("deposits")
        assert deposits(row["instrument"], day) == int(row["parties"])


def test_a_day_earlier_counts_one_less(engine: Engine) -> None:
    """The counts move on the day, not around it: the 124th and 125th party of the Rome Statute."""
    for before, day in (("2024-01-31", "2024-02-01"), ("2024-12-31", "2025-01-01")):
        assert in_force(engine, "rome-statute", before) == in_force(engine, "rome-statute", day) - 1
