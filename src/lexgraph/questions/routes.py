"""What would open a measure that finds no basis: joining an instrument, reciprocity, a transfer, a third state.

Which routes there are, and what is said of each, is in the table ``routes``; the facts come from named queries.
"""

from __future__ import annotations

from typing import Any

from lexgraph.codes import InputError
from lexgraph.questions.context import Context, code
from lexgraph.questions.cooperate import cooperate
from lexgraph.questions.models import CooperateQuestion, RoutesQuestion
from lexgraph.settings import ID
from lexgraph.store import day, iris


def routes(context: Context, question: RoutesQuestion) -> dict[str, Any]:
    """Every route from where the request stands. Raises InputError as ``cooperate`` does."""
    asked = CooperateQuestion(
        requesting=[question.requesting],
        requested=[question.requested],
        offences=question.offences,
        measures=[question.measure],
        as_of=question.as_of,
        conduct_date=question.conduct_date,
        person=question.person,
    )
    try:
        now = cooperate(context, asked)
    except InputError as error:
        field = "measure" if error.field.startswith("measures") else error.field
        raise InputError(field, error.message, error.value, error.suggestions) from None
    answer = now["answers"][0]
    a, b, as_of = answer["requesting"], answer["requested"], now["question"]["as_of"]
    names = {
        "requesting": context.codes.name(a),
        "requested": context.codes.name(b),
        "measure": context.codes.label("measure", answer["measure"]),
        "as_of": as_of,
    }
    found: list[dict[str, Any]] = []

    # A bar on nationals is not opened by a treaty, and what is available needs no opening.
    barred = "yes" if answer["bars"] or answer["status"] == context.best_status else "no"

    def add(facts: dict[str, str], more: dict[str, Any] | None = None, **said: str) -> None:
        for row in context.decisions.all("routes", {**facts, "bar": barred}):
            found.append({"code": row.then, "why": context.fill(row, {**names, **said}), **(more or {})})

    for row in _joinable(context, a, b, answer["measure"], as_of):
        add({"route": "join", "joinable": row.pop("joinable"), "member": row.pop("member")}, row, title=row["title"])
    topic, _ = context.first("treaty-topic", {"measure": answer["measure"]}, {})
    rules = [r for r in context.domestic(b, a, as_of) if code(r["topic"]) == topic]
    if rules:
        rule = rules[0]
        basis = {"basis": {"instrument": code(rule["instrument"]), "citation": rule.get("citation")}}
        add({"route": "own-law", "required": code(rule.get("value", ""))}, {**basis, "derived_from": [rule["record"]]})
    else:
        add({"route": "own-law", "required": ""})
    if answer["fallback"]:
        add({"route": "fallback"}, {"basis": answer["fallback"]["basis"]})
    transfer = _measure(context, asked, context.first("transfer-route", {}, {})[0])
    if transfer:
        add({"route": "transfer", "status": transfer["status"]}, {"bases": _short(transfer)})
    if context.first("third-states", {"measure": answer["measure"]}, {})[0] == "yes":
        third = _third_states(context, a, as_of, {a, b})
        if third:
            add({"route": "third-state"}, {"states": third})
    if answer["police_channels"]:
        add({"route": "police"}, {"channels": answer["police_channels"]})
    return {
        "question": now["question"],
        "data_version": context.data_version,
        "status": answer["status"],
        "why": answer["why"],
        "obstacles": answer["obstacles"],
        "routes": found,
    }


def _measure(context: Context, asked: CooperateQuestion, measure: str) -> dict[str, Any] | None:
    answers = cooperate(context, asked.model_copy(update={"measures": [measure]}))["answers"]
    return answers[0] if answers else None


def _short(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: b[k] for k in ("instrument", "provision", "citation", "status", "why")} for b in answer["bases"]]


def _joinable(context: Context, a: str, b: str, measure: str, as_of: str) -> list[dict[str, Any]]:
    rows = context.select(
        "routes",
        requesting=iris([a], f"{ID}state/"),
        ask=iris([f"{b}/{measure}"], f"{ID}ask/"),
        as_of=[day(as_of)],
    )
    out = []
    for row in rows:
        organisation = code(row["organisation"]) if "organisation" in row else ""
        member = bool(organisation) and a in context.members(organisation, as_of)
        out.append(
            {
                "instrument": code(row["instrument"]),
                "title": row["title"],
                "joinable": code(row["joinable"]),
                "member": "yes" if member else "no",
            }
        )
    return out


def _third_states(context: Context, a: str, as_of: str, but: set[str]) -> list[dict[str, Any]]:
    """Orders bound to extradite to the requesting one on the day: where the person could be taken on the way."""
    measure, _ = context.first("third-state-measure", {}, {})
    rows = context.select(
        "cooperate",
        requesting=iris([a], f"{ID}state/"),
        measure=iris([measure], f"{ID}measure/"),
        as_of=[day(as_of)],
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        stands, _ = context.first("surrender-basis", {"kind": code(row["kind"]), "mode": code(row["mode"])}, {})
        if stands == "binds":
            found.setdefault(code(row["requested"]), set()).add(code(row["instrument"]))
    return [
        {"code": order, "name": context.codes.name(order), "instruments": sorted(found[order])}
        for order in sorted(found)
        if order not in but
    ]
