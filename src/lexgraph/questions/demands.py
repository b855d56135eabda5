"""What one basis demands for one offence: scope, choice of the treaty, dual criminality, penalty, nationals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lexgraph.decisions import fill
from lexgraph.questions.context import Instrument, code
from lexgraph.questions.facts import Crime, Subject, reaches
from lexgraph.questions.pair import Pair
from lexgraph.questions.refusals import refusal_grounds, unanswered
from lexgraph.store import Thing


@dataclass(frozen=True)
class Link:
    """One link of the graph as a basis to be weighed."""

    measure: str
    thing: Thing
    name: str
    instrument: Instrument
    kind: str
    mode: str
    bilateral: bool
    deemed: frozenset[str] = frozenset()
    """Offences that a convention binding both deems to be in any extradition treaty between them."""


def weigh(pair: Pair, link: Link, offence: str) -> dict[str, Any]:
    """Every demand of a basis for one offence: the facts for the decision table and what the answer shows."""
    crime = pair.case.crime(pair.requested, offence)
    asking = pair.case.crime(pair.requesting, offence)
    scope = _scope(pair, link, offence)
    dual = _dual(pair, link, offence, crime, asking)
    threshold = _threshold(pair, link, offence, crime, asking)
    nationals = nationals_under(pair, link.measure, link.kind, link.name)
    choice, choice_why = _choice(pair, link)
    refusals = refusal_grounds(pair, link.measure, link.kind, link.name, offence)
    live = [r for r in refusals if r["live"]]
    open_pleas = unanswered(pair, link.measure, link.kind, refusals)
    facts = {
        "kind": link.kind,
        "mode": link.mode,
        "scope": scope["status"],
        "list": "unread" if link.bilateral and scope["status"] == "unknown" else "",
        "choice": choice,
        "dual": dual["status"],
        "threshold": threshold["status"] if threshold else "met",
        "nationals": nationals["status"] if nationals else "none",
        "mandatory": "live" if any(r.get("counts_as", r["effect"]) == "mandatory" for r in live) else "",
        "optional": "live" if any(r.get("counts_as", r["effect"]) == "optional" for r in live) else "",
        "stated": "unanswered" if open_pleas else "",
        "consensual": "yes" if "ConsensualMeasure" in pair.context.codes.of_class("measure", link.measure) else "",
    }
    names = {
        "scope": scope["why"],
        "choice": choice_why,
        "dual": dual["why"],
        "threshold": threshold["why"] if threshold else "",
        "nationals": nationals["why"] if nationals else "",
        **{
            weight: "; ".join(f"{r['code']}: {r['why']}" for r in live if r.get("counts_as", r["effect"]) == weight)
            for weight in ("mandatory", "optional")
        },
        "unanswered": "; ".join(open_pleas),
    }
    return {
        "offence": offence,
        "facts": facts,
        "names": names,
        "scope": scope,
        "dual": {k: v for k, v in dual.items() if k != "examined"},
        "threshold": threshold,
        "nationals": nationals,
        "refusals": refusals,
        "certainty": pair.context.weakest([crime.certainty] if dual.get("examined") else []),
    }


def _scope(pair: Pair, link: Link, offence: str) -> dict[str, Any]:
    scope = code(link.thing["scope"][0])
    if not offence and "OffenceFreeScope" not in pair.context.codes.of_class("scope", scope):
        return {"code": scope, "status": "unknown", "why": "no offence was given"}
    subject = Subject(
        order=pair.requested,
        offence=offence,
        requesting=pair.requesting,
        measure=link.measure,
        own_offences=frozenset(link.instrument.defines),
        listed_offences=frozenset(link.instrument.lists),
        reached_offences=frozenset(link.instrument.reaches | link.deemed),
    )
    status, why = pair.context.decide("scope", scope, pair.case, subject)
    return {"code": scope, "status": status, "why": why}


def _dual(pair: Pair, link: Link, offence: str, crime: Crime, asking: Crime) -> dict[str, Any]:
    context = pair.context
    rule = code(link.thing["dualCriminality"][0])
    listed = offence in link.instrument.lists
    reached = reaches(asking, link.instrument.list_years) if listed else None
    topic, _ = context.first("dual-criminality-topic", {"measure": link.measure}, {})
    facts = {
        "rule": rule,
        "offence": "given" if offence else "",
        "coercive": "yes" if "CoerciveMeasure" in context.codes.of_class("measure", link.measure) else "no",
        "own": "yes" if offence in link.instrument.defines else "no",
        "listed": "yes" if listed else "no",
        "listed-penalty": "reached" if reached else "",
        "domestic": pair.value(topic, link.measure),
        "criminalisation": crime.status,
        "asking": "recorded-no-crime" if asking.status == "not-criminalised" else "",
    }
    row = context.decisions.first("dual-criminality", facts)
    return {
        "rule": rule,
        "status": row.then,
        "why": fill(row.why, pair.names),
        "provisions": list(crime.provisions),
        # Whether the law of the requested order was looked at, so that its certainty counts.
        "examined": not row.when or "criminalisation" in row.when,
    }


def _threshold(pair: Pair, link: Link, offence: str, crime: Crime, asking: Crime) -> dict[str, Any] | None:
    """The penalty that the text asks for; where a treaty is silent, what the requested law asks for."""
    context = pair.context
    stated = link.thing.get("penaltyThreshold")
    side = code(link.thing["thresholdSide"][0]) if link.thing.get("thresholdSide") else "requested"
    source = "text"
    if stated:
        years = float(stated[0])
    else:
        topic, _ = context.first("threshold-topic", {"measure": link.measure, "kind": link.kind}, {})
        rule = pair.rule(topic) if topic else None
        if rule is None or "figure" not in rule:
            return None
        years, source = float(rule["figure"]), "law of the requested state"
    facts = {
        "years": "none" if years == 0 else "",
        "offence": "given" if offence else "",
        "side": side,
        "requested": _word(reaches(crime, years)),
        "requesting": _word(reaches(asking, years)),
        "stated": "yes" if stated else "no",
        "bilateral": "yes" if link.bilateral else "no",
    }
    status, why = context.first("penalty-threshold", facts, {**pair.names, "years": f"{years:g}"})
    return {"years": years or 0, "status": status, "why": why, "stated_in": source}


def _choice(pair: Pair, link: Link) -> tuple[str, str]:
    does = pair.said(link.name)
    declared = "refused" if "refused" in does else "accepted" if "accepted" in does else ""
    topic, _ = pair.context.first("treaty-topic", {"measure": link.measure}, {})
    facts = {"mode": link.mode, "declared": declared, "required": pair.value(topic)}
    return pair.context.first("treaty-choice", facts, pair.names)


# --- nationals of the requested order


def _person(pair: Pair) -> str:
    return "unstated" if not pair.nationality else "yes" if pair.requested in pair.nationality else "no"


def _nationals_rule(pair: Pair, name: str) -> tuple[str, list[str]]:
    """The younger of declaration and domestic rule, and the older as stale."""
    said = [
        (r["made"], r["does"], r["record"])
        for r in pair.statements
        if code(r["instrument"]) == name and r.get("does") in {"bars", "conditions", "allows"}
    ]
    rules = [(r["from"], code(r["value"]), r["record"]) for r in pair.rules("nationals") if "value" in r]
    ordered = sorted(said + rules, key=lambda x: x[0], reverse=True)
    return (ordered[0][1] if ordered else ""), [record for _, _, record in ordered]


def nationals_under(pair: Pair, measure: str, kind: str, name: str) -> dict[str, Any] | None:
    """What a basis and the requested law say of its nationals; None for a measure that does not ask."""
    if pair.context.first("nationals-apply", {"measure": measure}, {})[0] != "yes":
        return None
    rule, records = _nationals_rule(pair, name)
    ground = next(
        (
            code(r["effect"])
            for r in pair.refusals_under(name)
            if "NationalityGround" in pair.context.codes.of_class("refusal-ground", code(r["ground"]))
        ),
        "",
    )
    facts = {
        "person": _person(pair),
        "kind": kind,
        "ground": ground,
        "declared": "bars" if "bars" in pair.said(name) else "",
        "side": "hub" if pair.requested in pair.context.hubs.get(name, ()) else "",
        "rule": rule,
    }
    status, why = pair.context.first("nationals", facts, pair.names)
    return {
        "rule": rule or None,
        "status": status,
        "why": why,
        "derived_from": records[:1],
        "stale": records[1:],
    }


def nationals_without_basis(pair: Pair, measure: str) -> tuple[str, str]:
    """Whether the requested law bars its nationals even where no basis is recorded."""
    if pair.context.first("nationals-apply", {"measure": measure}, {})[0] != "yes":
        return "none", ""
    rule, _ = _nationals_rule(pair, "")
    return pair.context.first("nationals-no-basis", {"person": _person(pair), "rule": rule}, pair.names)


def _word(answer: bool | None) -> str:
    return "unknown" if answer is None else "yes" if answer else "no"
