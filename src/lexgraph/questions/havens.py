"""Where an act is recorded as no crime, or from where nothing binds towards a state, and how sure that is."""

from __future__ import annotations

from typing import Any

from lexgraph.questions.context import Context, code
from lexgraph.questions.echo import read_havens
from lexgraph.questions.models import HavensQuestion
from lexgraph.settings import ID
from lexgraph.store import day, iris


def havens(context: Context, question: HavensQuestion) -> dict[str, Any]:
    """Legal orders by reason. Raises InputError for a code or date that cannot be read."""
    echo = read_havens(context.codes, question)
    date, as_of = echo["conduct_date"], echo["as_of"]
    orders = [
        c
        for c, s in sorted(context.codes.states.items())
        if context.first("haven-orders", {"kind": str(s.get("kind", ""))}, {})[0] == "yes" and c != echo["requesting"]
    ]
    crimes = context.crimes(orders, echo["offences"], date)
    context.read_domestic(orders if echo["requesting"] else [])
    towards = _Towards(context, echo["requesting"], as_of) if echo["requesting"] else None
    answers = []
    for order in orders:
        for offence in echo["offences"]:
            crime = crimes.get((order, offence))
            facts = {"crime": crime.status if crime else "unknown", **(towards.facts(order) if towards else {})}
            names = {
                "order": context.codes.name(order),
                "offence": context.codes.label("offence", offence),
                "requesting": context.codes.name(echo["requesting"] or ""),
                "date": date,
                "as_of": as_of,
            }
            for row in context.decisions.all("havens", facts):
                by_crime = "crime" in row.when
                answers.append(
                    {
                        "jurisdiction": order,
                        "name": names["order"],
                        "offence": offence if by_crime else None,
                        "code": row.then,
                        "why": context.fill(row, names),
                        "certainty": (crime.certainty if crime else None)
                        if by_crime
                        else facts.get("certainty") or None,
                        "provisions": list(crime.provisions) if by_crime and crime else [],
                        "derived_from": list(crime.records)
                        if by_crime and crime
                        else towards.records(order)
                        if towards
                        else [],
                    }
                )
    single = {(a["jurisdiction"], a["offence"], a["code"]): a for a in answers}
    return {"question": echo, "data_version": context.data_version, "answers": list(single.values())}


class _Towards:
    """What binds every order towards one that asks for a surrender."""

    def __init__(self, context: Context, requesting: str, as_of: str) -> None:
        self.context = context
        self.requesting = requesting
        self.as_of = as_of
        measure, _ = context.first("third-state-measure", {}, {})
        state = iris([requesting], f"{ID}state/")
        rows = context.select(
            "cooperate", requesting=state, measure=iris([measure], f"{ID}measure/"), as_of=[day(as_of)]
        )
        self.basis: dict[str, str] = {}
        for row in rows:
            stands, _ = context.first("surrender-basis", {"kind": code(row["kind"]), "mode": code(row["mode"])}, {})
            if stands == "binds" or code(row["requested"]) not in self.basis:
                self.basis[code(row["requested"])] = stands
        self.topic, _ = context.first("treaty-topic", {"measure": measure}, {})
        kind, _ = context.first("absence-kind", {"measure": measure}, {})
        others = [o for o in iris(sorted(context.codes.states), f"{ID}state/") if o != state[0]]
        pairs = [(state[0], o) for o in others] + [(o, state[0]) for o in others]
        self.history: dict[str, list[dict[str, str]]] = {}
        for row in context.select("parts/absences", **{"x y": pairs}, as_of=[day(as_of)]):
            if row["what"] == "unverified" or code(row["kind"]) not in {kind, "both"}:
                continue
            other = next(c for c in (code(row["x"]), code(row["y"])) if c != requesting)
            self.history.setdefault(other, []).append(row)

    def facts(self, order: str) -> dict[str, str]:
        """Inputs of the table for one order."""
        known = self.history.get(order, [])
        rules = [
            r
            for r in self.context.domestic(order, self.requesting, self.as_of)
            if code(r["topic"]) == self.topic and "value" in r
        ]
        shown = any(code(r.get("evidence", "")) == "document" for r in known)
        return {
            "basis": self.basis.get(order, "none"),
            "absence": known[0]["what"] if known else "",
            "required": code(rules[0]["value"]) if rules else "",
            "certainty": "shown" if shown else "recalled" if known else "",
        }

    def records(self, order: str) -> list[str]:
        """The records of an absence or suspension."""
        return sorted(r["record"] for r in self.history.get(order, []))
