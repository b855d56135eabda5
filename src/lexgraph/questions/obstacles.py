"""What stands in the way of a measure, in the literature's terms: facts for the table ``obstacles-cooperate``."""

from __future__ import annotations

from typing import Any

from lexgraph.questions.pair import Pair

Basis = dict[str, Any]


def obstacles(
    pair: Pair,
    measure: str,
    status: str,
    deciding: list[Basis],
    decided: list[Basis],
    supplements: list[Basis],
    nationals: tuple[str, str],
    police: list[dict[str, Any]],
    concurrent: bool,
) -> list[dict[str, str]]:
    """Codes and reasons. ``decided`` are the bases whose status the measure has, ``deciding`` all that count."""
    context = pair.context
    codes = context.codes
    relied = [b for b in deciding if b["status"] in context.relied]
    dual = next((b["dual_criminality"] for b in decided if b["dual_criminality"]["status"] == "not-met"), None)
    barred = next((b["nationals"] for b in decided if b["nationals"] and b["nationals"]["status"] == "bar"), None)
    none = next(
        (
            (crime, pair.case.crime(pair.requesting, offence))
            for offence in pair.case.offences
            if (crime := pair.case.crime(pair.requested, offence)).status == "not-criminalised"
        ),
        None,
    )
    # A supplement opens its channel to the basis that it supplements.
    beside = [b for b in supplements if b["status"] in context.relied]
    speeds = {b["speed"] for b in [*decided, *(beside if decided else [])] if b["speed"]}
    family, _ = context.first("measure-family", {"measure": measure}, {})
    quick = [
        row
        for preserving in codes.with_class("measure", "QuickPreservation")
        for row in pair.links.get(preserving, [])
        if context.binding(row["kind"])
    ]
    facts = {
        "measure": measure,
        "status": status,
        "treaty-basis": "yes" if any(b["binding"] and (b["class"] == "1" or _free(pair, b)) for b in relied) else "no",
        "organisation": "yes" if any(b["channel_only"] for b in relied) else "no",
        "nationals": "bar" if barred or nationals[0] == "bar" else "",
        "dual": "not-met" if dual else "",
        "criminalisation": none[0].status if none and dual else "",
        "asking": none[1].status if none else "",
        "newlaw": "yes" if none and dual and none[0].no_crime_before else "",
        "fastest": speeds.pop() if len(speeds) == 1 else "",
        "concurrent": "yes" if concurrent else "",
        "preservation": "yes" if quick else "no",
        "evidence": "yes" if family == "assistance" else "no",
        "police": "yes" if police else "no",
        "suspended": "yes" if pair.suspended(measure) else "",
    }
    names = {**pair.names, "nationals": (barred or {}).get("why") or nationals[1], "dual": (dual or {}).get("why", "")}
    live = {r["code"]: r["why"] for b in decided for r in b["refusal_grounds"] if r["live"]}
    found = [(row.then, row.why.format_map(names)) for row in context.decisions.all("obstacles-cooperate", facts)]
    for ground, why in live.items():
        for row in context.decisions.all("obstacles-refusal", {"ground": ground}):
            found.append((row.then, row.why.format_map({**names, "why": why})))
    return [{"code": name, "why": why} for name, why in dict(reversed(found)).items()][::-1]


def _free(pair: Pair, basis: Basis) -> bool:
    """Whether the scope of a basis hangs on no offence: it carries the measure, whatever else is open."""
    return "OffenceFreeScope" in pair.context.codes.of_class("scope", basis["scope"]["code"])
