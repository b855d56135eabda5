"""Refusal grounds of one basis: those of its text, of a declaration, of the domestic law; which ones a fact raises."""

from __future__ import annotations

from typing import Any

from lexgraph.questions.context import code
from lexgraph.questions.facts import Subject
from lexgraph.questions.pair import Pair


def refusal_grounds(pair: Pair, measure: str, kind: str, instrument: str, offence: str) -> list[dict[str, Any]]:
    """Every ground, the live ones first. A ground of the text goes before the same one of domestic law."""
    context = pair.context
    found: dict[str, dict[str, Any]] = {}
    family, _ = context.first("measure-family", {"measure": measure}, {})
    refers = False
    for row in pair.refusals_under(instrument):
        if code(row["refuses"]) not in {measure, family}:
            continue
        effect, ground = code(row["effect"]), code(row["ground"])
        refers = refers or context.first("refers-to-own-law", {"effect": effect}, {})[0] == "yes"
        if ground not in found or context.first("stronger-effect", {"effect": effect}, {})[0] == "yes":
            found[ground] = {
                "code": ground,
                "effect": effect,
                "citation": row.get("citation"),
                "from_text": True,
                "record": row["record"],
                "instrument": code(row["instrument"]),
            }
    wanted, _ = context.first("domestic-refusals", {"measure": measure, "kind": kind}, {})
    open_to_law, _ = context.first("own-grounds-apply", {"kind": kind}, {})
    silent = not any(entry["instrument"] == instrument for entry in found.values())
    if wanted == "yes" and (silent or refers or open_to_law == "yes"):
        for rule in pair.every_rule("refusals"):
            if "ground" in rule and ("measure" not in rule or code(rule["measure"]) == measure):
                found.setdefault(code(rule["ground"]), _domestic(rule, code(rule["ground"])))
    # Bars that the domestic law sets by a topic of its own (the death penalty) hold under every basis.
    for extra in context.decisions.all("topic-refusals", {"measure": measure, "wanted": wanted}):
        bar = pair.rule(extra.then)
        if bar is not None and code(bar.get("value", "")) == "yes":
            found.setdefault(extra.then, _domestic(bar, extra.then))
    out = [_weigh(pair, measure, offence, instrument, entry) for entry in found.values()]
    return sorted(out, key=lambda r: (not r["live"], r["code"]))


def _domestic(rule: dict[str, str], ground: str) -> dict[str, Any]:
    return {
        "code": ground,
        "effect": "optional",
        "citation": rule.get("citation"),
        "from_text": False,
        "record": rule["record"],
    }


def _weigh(pair: Pair, measure: str, offence: str, instrument: str, entry: dict[str, Any]) -> dict[str, Any]:
    context = pair.context
    subject = Subject(
        pair.requested,
        offence,
        requesting=pair.requesting,
        measure=measure,
        instrument=entry.get("instrument", instrument),
        as_of=pair.as_of,
    )
    outcome, why = context.decide("refusal-ground", entry["code"], pair.case, subject)
    bites = context.decisions.first("refusal-bites", {"effect": entry["effect"], "outcome": outcome}).then
    if bites not in {"yes", "no"}:
        entry["counts_as"] = bites
    live = bites != "no"
    _, cure = context.first("refusal-cure", {"ground": entry["code"], "live": "yes" if live else "no"}, {})
    return {**entry, "live": live, "why": why, **({"cured_by": cure} if cure else {})}


def unanswered(pair: Pair, measure: str, kind: str, refusals: list[dict[str, Any]]) -> list[str]:
    """Stated judgments, proceedings and pleas on which neither the text nor the requested law has a rule."""
    context = pair.context
    family, _ = context.first("measure-family", {"measure": measure}, {})
    if context.first("pleas-heard", {"kind": kind, "family": family}, {})[0] == "no":
        return []
    recorded = {r["code"] for r in refusals}
    stated = [{"field": f} for f in ("judged_in", "proceedings_in") if pair.requested in pair.case.fields[f]]
    stated += [{"plea": plea} for plea in sorted(pair.case.pleas)]
    out = []
    for fact in stated:
        for row in context.decisions.all("stated-grounds", fact):
            if not recorded & set(row.then.split("|")):
                out.append(row.why.format_map(pair.names))
    return out
