"""The three steps of a request (request, examination, execution) as a basis lays them out.

What each step holds is in the tables ``step-request``, ``step-examination`` and ``step-execution``.
"""

from __future__ import annotations

from typing import Any

from lexgraph.decisions import fill
from lexgraph.questions.pair import Pair


def steps(pair: Pair, basis: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """For each step its items: a code and what is to be done, in the order of the table."""
    context = pair.context
    nationals = basis["nationals"] or {}
    threshold = basis["penalty_threshold"] or {}
    optional = [r["code"] for r in basis["refusal_grounds"] if r.get("counts_as", r["effect"]) == "optional"]
    mandatory = [r["code"] for r in basis["refusal_grounds"] if r.get("counts_as", r["effect"]) == "mandatory"]
    uses = [r["code"] for r in basis["refusal_grounds"] if r["effect"] == "condition-of-use"]
    cures = sorted({r["cured_by"] for r in basis["refusal_grounds"] if "cured_by" in r})
    family, _ = context.first("measure-family", {"measure": basis["measure"]}, {})
    facts = {
        "measure": basis["measure"],
        "status": basis["status"],
        "family": family,
        "kind": basis["kind"],
        "mode": basis["mode"],
        "channel": basis["channel"] or "",
        "speed": basis["speed"] or "",
        "scope": basis["scope"]["code"],
        "dual": basis["dual_criminality"]["rule"],
        "dual-status": basis["dual_criminality"]["status"],
        "threshold": "yes" if threshold.get("years") else "",
        "nationals": nationals.get("status", ""),
        "mandatory": "yes" if mandatory else "",
        "optional": "yes" if optional else "",
        "uses": "yes" if uses else "",
        "cures": "yes" if cures else "",
        "declarations": "yes" if basis["declarations"] else "",
    }
    label = context.codes.label
    names = {
        **pair.names,
        "measure": label("measure", basis["measure"]),
        "citation": basis["citation"],
        "channel": label("channel", basis["channel"]) if basis["channel"] else "",
        "years": f"{threshold['years']:g}" if threshold.get("years") else "",
        "scope": label("scope", basis["scope"]["code"]),
        "dual": basis["dual_criminality"]["why"],
        "threshold": threshold.get("why", ""),
        "nationals": nationals.get("why", ""),
        "mandatory": ", ".join(label("refusal-ground", c) for c in mandatory),
        "optional": ", ".join(label("refusal-ground", c) for c in optional),
        "uses": ", ".join(label("refusal-ground", c) for c in uses),
        "cures": ", ".join(cures),
    }
    found = {
        "request": context.decisions.all("step-request", facts),
        "examination": context.decisions.all("step-examination", facts),
        "execution": context.decisions.all("step-execution", facts),
    }
    return {step: [{"code": row.then, "what": fill(row.why, names)} for row in rows] for step, rows in found.items()}
