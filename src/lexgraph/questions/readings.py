"""Alternative readings: what another authority or source holds of a record, and whether an answer hangs on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lexgraph.questions.context import Context, code


def readings_of(context: Context, records: Iterable[str]) -> list[dict[str, Any]]:
    """Readings of some records other than the one recorded."""
    return [
        {
            "id": code(row["reading"]),
            "record": record,
            "held_by": row["held_by"],
            "reading": row.get("summary"),
            "outcome": code(row["outcome"]) if "outcome" in row else None,
            "source": row.get("source"),
            "evidence": code(row["evidence"]),
        }
        for record in records
        for row in context.readings.get(record, [])
    ]


def depends(
    context: Context, status: str, items: Sequence[Mapping[str, Any]], ranks: Mapping[str, int]
) -> list[dict[str, str]]:
    """Readings under which the status would be another one, and which."""
    out: dict[str, dict[str, str]] = {}
    for item in items:
        for reading in item["readings"]:
            if reading["outcome"] is None or reading["id"] in out:
                continue
            statuses = [
                str(reading["outcome"] if any(r["id"] == reading["id"] for r in other["readings"]) else other["status"])
                for other in items
            ]
            best = min(statuses, key=lambda s: ranks.get(s, len(ranks)))
            if best != status:
                out[reading["id"]] = {"id": reading["id"], "held_by": reading["held_by"], "status": best}
    return list(out.values())
