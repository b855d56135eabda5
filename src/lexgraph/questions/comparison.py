"""Several states for one person or one act: the factors that texts name, side by side, with no weight of ours.

Which text names which factor, and in which order, is data (``comparison.csv`` of an instrument); when a state meets a
factor is a declared test (family ``comparison``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lexgraph.questions.context import Context, Instrument, code
from lexgraph.questions.facts import Case, Subject


def _rules(context: Context, compared_for: str, parties: Sequence[str], on: str) -> list[dict[str, Any]]:
    """Texts that name factors and bind at least two of the states concerned, with their factors in order."""
    texts: dict[tuple[str, str], dict[str, Any]] = {}
    for row in context.comparisons:
        if row["for"] != compared_for:
            continue
        name = code(row["instrument"])
        key = (name, row["citation"])
        entry = texts.setdefault(
            key,
            {
                "instrument": name,
                "citation": row["citation"],
                "ranked": False,
                "binds": [],
                "factors": [],
                "source": row.get("source"),
                "evidence": code(row["evidence"]),
            },
        )
        entry["ranked"] = entry["ranked"] or "rank" in row
        entry["factors"].append(
            {"code": code(row["factor"]), "rank": int(row["rank"]) if "rank" in row else None, "record": row["record"]}
        )
    bound = context.bound({name for name, _ in texts}, parties, on)
    out = []
    for (name, _), entry in texts.items():
        entry["binds"] = sorted(bound.get(name, []))
        # Between the parties of a text that takes another's place, that other one does not speak.
        taken = any(
            name in context.instruments.get(other, Instrument()).replaces and set(entry["binds"]) <= set(some)
            for other, some in bound.items()
        )
        if len(entry["binds"]) > 1 and not taken:
            out.append(entry)
    return out


def _meet(
    context: Context,
    case: Case,
    states: Sequence[str],
    texts: Iterable[dict[str, Any]],
    names: Mapping[str, Any],
    facts: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """Each factor of each text with the states that meet it, or `unknown` where the facts do not say."""
    out = []
    for text in texts:
        factors = []
        for factor in text["factors"]:
            met, open_ = [], []
            why = ""
            for state in states:
                subject = Subject(state, "", names=dict(names))
                subject.facts = facts
                status, said = context.decide("comparison", factor["code"], case, subject)
                if status == "met":
                    met.append(state)
                    why = said
                elif status == "unknown":
                    open_.append(state)
                    why = why or said
            factors.append(
                {
                    "code": factor["code"],
                    "rank": factor["rank"],
                    "status": "met" if met else "unknown" if open_ else "not-met",
                    "states": met,
                    "why": why,
                    "derived_from": [factor["record"]],
                }
            )
        out.append({**text, "factors": factors})
    return out


def gravest(case: Case, states: Sequence[str]) -> list[str]:
    """States whose law threatens the gravest recorded maximum for an offence asked; none where one has no record."""
    years = {
        state: [crime.years for o in case.offences if (crime := case.crime(state, o)).years is not None]
        for state in states
    }
    if not states or any(not found for found in years.values()):
        return []
    top = max(max(y for y in found if y is not None) for found in years.values())
    return [state for state, found in years.items() if top in found]


def compare_requests(
    context: Context, case: Case, echo: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Concurrent requests to one requested order: the texts that tell it how to choose, and who meets which factor."""
    dates: dict[str, str] = echo["request_dates"]
    comparisons = []
    for requested in echo["requested"]:
        asking = [s for s in echo["requesting"] if s != requested]
        days = [dates[s] for s in asking if s in dates]
        first = [s for s in asking if dates[s] == min(days)] if days and len(days) == len(asking) else []
        texts = [
            t for t in _rules(context, "surrender", [*asking, requested], echo["as_of"]) if requested in t["binds"]
        ]
        treaty = sorted(
            {
                str(a["requesting"])
                for a in answers
                if a["requested"] == requested
                and any(context.binding(b["kind"]) and b["status"] in context.relied for b in a["bases"])
            }
        )
        facts = {"first": first, "gravest": gravest(case, asking), "treaty": treaty}
        comparisons += [{"requested": requested, **text} for text in _meet(context, case, asking, texts, {}, facts)]
    statuses = [{k: a[k] for k in ("requesting", "requested", "measure", "status")} for a in answers]
    return {"states": echo["requesting"], "answers": statuses, "comparison": comparisons}


def compare_claims(context: Context, case: Case, states: Sequence[str], as_of: str) -> list[dict[str, Any]]:
    """Several states able to prosecute: the texts that tell them how to choose, and who meets which factor."""
    facts = {"first": [], "gravest": gravest(case, states), "treaty": []}
    texts = _rules(context, "prosecution", states, as_of)
    return [found for text in texts for found in _meet(context, case, text["binds"], [text], {}, facts)]
