"""What an answer shows beside its bases: bars, the duty to prosecute instead, authorities, precedence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lexgraph.questions.context import Instrument, code
from lexgraph.questions.pair import Pair

Basis = dict[str, Any]


def precedence(pair: Pair, name: str, mode: str, taken: Iterable[str], present: set[str]) -> str | None:
    """How a basis stands to the others between the two."""
    facts = {"taken": "yes" if taken else "", "mode": mode, "others": "yes" if len(present) > 1 else ""}
    _, why = pair.context.first("precedence", facts, {"by": ", ".join(taken), "instrument": name})
    return why or None


def bars(pair: Pair, decided: list[Basis], nationals: tuple[str, str]) -> list[dict[str, Any]]:
    """What bars the measure: of the bases that decided, or of the requested law where none is recorded."""
    out: dict[str, dict[str, Any]] = {}
    parts = [*decided, {"nationals": {"status": nationals[0], "why": nationals[1]}}]
    for basis in parts:
        dual = basis.get("dual_criminality") or {}
        facts = {"nationals": (basis["nationals"] or {}).get("status", ""), "dual": dual.get("status", "")}
        names = {**pair.names, "nationals": (basis["nationals"] or {}).get("why", ""), "dual": dual.get("why", "")}
        for row in pair.context.decisions.all("bars", facts):
            found: dict[str, Any] | None = None
            if row.when.get("nationals"):
                found = pair.rule_basis(pair.rule("nationals"))
            elif "instrument" in basis:
                found = {"instrument": basis["instrument"], "provision": basis["provision"]}
            out.setdefault(row.then, {"code": row.then, "why": row.why.format_map(names), "basis": found})
    return list(out.values())


def fallback(pair: Pair, decided: list[Basis], bases: list[Basis], nationals: tuple[str, str]) -> dict[str, Any] | None:
    """Whether the requested order must submit the case to its own authorities (aut dedere aut judicare)."""
    stops = {(b["nationals"] or {}).get("status", "") for b in decided} | {nationals[0]}
    context = pair.context
    found = next(filter(None, (context.decisions.first("prosecute-instead", {"nationals": s}).then for s in stops)), "")
    if not found:
        return None
    # A convention that yields to another treaty as a basis still obliges: its scope need only be met.
    for basis in bases:
        if basis["scope"]["status"] == "met":
            instrument = context.instruments.get(basis["instrument"], Instrument())
            for duty in [*instrument.submit, *instrument.prosecute_instead]:
                return {"code": found, "basis": {"instrument": basis["instrument"], **duty}}
    rule = pair.rule("prosecute-instead")
    if rule and code(rule.get("value", "")) == "yes":
        return {"code": found, "basis": pair.rule_basis(rule)}
    return None


def authorities(pair: Pair, bases: list[Basis]) -> list[dict[str, Any]]:
    """Institutions of the requested order that receive requests, by its law and by its statements to the bases."""
    out = [
        {
            "role": code(rule["topic"]),
            "state": pair.requested,
            "name": rule["authority"],
            "source": rule.get("source"),
            "derived_from": [rule["record"]],
        }
        for about in pair.context.decisions.all("authority-roles", {"ask": "authorities"})
        for rule in pair.rules(about.then)
        if "authority" in rule
    ]
    used = {b["instrument"] for b in bases}
    out += [
        {
            "role": code(row["effect"]),
            "state": pair.requested,
            "name": row["note"],
            "instrument": code(row["instrument"]),
            "source": row.get("source"),
            "derived_from": [row["record"]],
        }
        for row in pair.statements
        if row.get("does") == "authority" and code(row["instrument"]) in used and "note" in row
    ]
    return out


def police_channels(pair: Pair) -> list[dict[str, Any]]:
    """Organisations and networks between the two that need no treaty and give no evidence."""
    return [
        {
            "measure": measure,
            "organisation": code(row["instrument"]),
            "name": row["citation"],
            "from": row["from"],
            "certainty": code(row["certainty"]),
        }
        for measure in pair.context.codes.with_class("measure", "ContactChannel")
        for row in pair.links.get(measure, [])
        if "ChannelBasis" in pair.context.codes.of_class("basis-kind", code(row["kind"]))
    ]
