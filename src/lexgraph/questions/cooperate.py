"""Which states can cooperate: rows of ``queries/cooperate.rq`` and the declared tests and tables -> the answer.

Assembly only: what a demand means, what a refusal ground does and which basis decides is in ``ontology/decisions``.
"""

from __future__ import annotations

from typing import Any

from lexgraph.codes import InputError
from lexgraph.questions import shown
from lexgraph.questions.comparison import compare_requests
from lexgraph.questions.context import END, START, Context, Instrument, code
from lexgraph.questions.demands import Link, nationals_without_basis, weigh
from lexgraph.questions.echo import read_cooperate
from lexgraph.questions.explain import explain_basis
from lexgraph.questions.models import CooperateQuestion
from lexgraph.questions.obstacles import obstacles
from lexgraph.questions.pair import Pair
from lexgraph.questions.readings import depends, readings_of
from lexgraph.questions.steps import steps

MAX_PAIRS = 400

Basis = dict[str, Any]


def cooperate(context: Context, question: CooperateQuestion) -> dict[str, Any]:
    """Answer for every pair and measure. Raises InputError for what cannot be read or is too much at once."""
    echo, fields = read_cooperate(context.codes, context.decisions, question)
    pairs = [(a, b) for a in echo["requesting"] for b in echo["requested"] if a != b]
    if len(pairs) > MAX_PAIRS:
        raise InputError("requested", f"{len(pairs)} pairs asked, at most {MAX_PAIRS} at once; use the export")
    orders = {*echo["requesting"], *echo["requested"]}
    case = context.case(
        fields, echo["offences"], echo["conduct_date"], orders, features=echo["features"], pleas=echo["pleas"]
    )
    askers = {b: [a for a, other in pairs if other == b] for b in echo["requested"]}
    concurrent = any(len(some) > 1 for some in askers.values())
    answers: list[dict[str, Any]] = []
    for a, b in pairs:
        pair = Pair(context, case, a, b, echo["as_of"], echo["measures"], echo["person"]["nationality"])
        police = shown.police_channels(pair)
        answers += [
            _Request(pair, measure, question.explain).answer(police, len(askers[b]) > 1) for measure in echo["measures"]
        ]
    comparison = compare_requests(context, case, echo, answers) if concurrent else {}
    shown_echo = {k: v[0] if k in {"requesting", "requested"} and len(v) == 1 else v for k, v in echo.items()}
    counted: dict[str, dict[str, Any]] = {}
    for answer in answers:
        for obstacle in answer["obstacles"]:
            entry = counted.setdefault(obstacle["code"], {"code": obstacle["code"], "answers": 0})
            entry["answers"] += 1
    return {
        "question": shown_echo,
        "data_version": context.data_version,
        "answers": answers,
        **({"concurrence": comparison} if concurrent else {}),
        "obstacles": list(counted.values()),
    }


class _Request:
    """One measure between one pair."""

    def __init__(self, pair: Pair, measure: str, explain: bool = False) -> None:
        self.pair = pair
        self.context = pair.context
        self.measure = measure
        self.explain = explain
        self.rows = pair.links.get(measure, [])
        self.present = {code(row["instrument"]) for row in self.rows}
        deeming = {
            code(row["instrument"])
            for row in self.rows
            if self.context.first("deems-included", {"mode": code(row["mode"])}, {})[0] == "yes"
        }
        self.deemed = frozenset(
            offence for name in deeming for offence in self.context.instruments.get(name, Instrument()).defines
        )

    def answer(self, police: list[dict[str, Any]], concurrent: bool) -> dict[str, Any]:
        """The answer for the measure, in the form of the contract."""
        context, pair = self.context, self.pair
        ranked = self._ranked()
        deciding = [b for b in ranked if b["counts"]]
        nationals = nationals_without_basis(pair, self.measure)
        status, why, certainty, decided = self._decide(deciding, nationals)
        # A bar counts only where it decides: what bars one basis is no bar where another is open.
        if status != "barred":
            nationals = ("none", "")
        relied = [b for b in deciding if b["status"] in context.relied]
        out = {
            "requesting": pair.requesting,
            "requested": pair.requested,
            "measure": self.measure,
            "status": status,
            "why": why,
            "certainty": certainty,
            "bases": ranked,
            "bars": shown.bars(pair, decided, nationals),
            "fallback": shown.fallback(pair, decided, ranked, nationals),
            "authorities": shown.authorities(pair, relied),
            "police_channels": police,
            "depends_on_readings": depends(context, status, deciding, context.basis_rank),
            "obstacles": obstacles(
                pair,
                self.measure,
                status,
                deciding,
                decided,
                [b for b in ranked if b["class"] == context.supplement_class],
                nationals,
                police,
                concurrent,
            ),
        }
        for basis in ranked:
            basis["steps"] = steps(pair, basis) if basis["status"] in context.relied else None
            if self.explain:
                basis["explanation"] = explain_basis(pair, basis)
            for name in ("class", "facts", "row", "link", "measure", "binding", "channel_only", "counts"):
                del basis[name]
        return out

    def _ranked(self) -> list[Basis]:
        decisions = self.context.decisions
        # Some provisions are a basis only where no other treaty is one: they come second, knowing what the others said.
        second = [r for r in self.rows if decisions.first("needs-others", {"mode": code(r["mode"])}).then == "yes"]
        bases = [self._basis(row, set()) for row in self.rows if row not in second]
        governing = {
            b["instrument"]
            for b in bases
            if decisions.first("governs", {**b["facts"], "status": b["status"]}).then == "yes"
        }
        bases += [self._basis(row, governing) for row in second]
        # Rows of the same provision and status say the same.
        single: dict[tuple[Any, ...], Basis] = {}
        for basis in bases:
            single.setdefault((basis["instrument"], basis["provision"], basis["status"], basis["why"]), basis)
        rank = self.context.basis_rank
        return sorted(single.values(), key=lambda b: (int(b["class"]), rank[b["status"]], b["citation"]))

    def _decide(self, deciding: list[Basis], nationals: tuple[str, str]) -> tuple[str, str, str | None, list[Basis]]:
        context, pair = self.context, self.pair
        if deciding and deciding[0]["status"] in context.relied:
            status = str(deciding[0]["status"])
            best = [b for b in deciding if b["class"] == deciding[0]["class"] and b["status"] == status]
            known = [b["certainty"] for b in best if b["certainty"]]
            return status, best[0]["why"], min(known, key=lambda c: context.certainty_rank[c]), best
        topic, _ = context.first("treaty-topic", {"measure": self.measure}, {})
        facts = {
            "nationals": nationals[0],
            "absence": pair.absence(self.measure),
            "required": pair.value(topic),
        }
        status, why = context.first("measure-without-basis", facts, {**pair.names, "nationals": nationals[1]})
        absent = facts["absence"] and status != "unknown"
        return status, why, pair.history_certainty(self.measure) if absent else None, []

    def _basis(self, row: dict[str, str], governing: set[str]) -> Basis:
        context, pair = self.context, self.pair
        thing = context.store.describe([row["link"]])[row["link"]]
        basis = context.basis(row["link"], thing)
        name = str(basis["instrument"])
        instrument = context.instruments.get(name, Instrument())
        about = context.store.describe([thing["instrument"][0]])[thing["instrument"][0]]
        link = Link(
            self.measure,
            thing,
            name,
            instrument,
            basis["kind"],
            code(row["mode"]),
            bool(about.get("partyA")),
            self.deemed,
        )
        taken = sorted(
            other
            for other in self.present - {name}
            if name in context.instruments.get(other, Instrument()).replaces and not pair.acts_left_out(other)
        )
        scored = []
        for index, offence in enumerate(pair.case.offences or [""]):
            part = weigh(pair, link, offence)
            facts = {
                **part["facts"],
                "precedence": "superseded" if taken else "",
                "acts": "left-out" if pair.acts_left_out(name) else "",
                "governed": "yes" if governing - {name} else "",
            }
            decided = context.decisions.first("basis-status", facts)
            place = context.decisions.first("basis-class", {**facts, "status": decided.then})
            scored.append((int(place.then), context.basis_rank[decided.then], index, decided, part, facts))
        weight, _, _, decided, part, facts = min(scored, key=lambda s: s[:3])
        why = context.fill(
            decided,
            {**pair.names, **part["names"], "by": ", ".join(taken), "acts": pair.acts_left_out(name)},
        )
        channel = code(thing["channel"][0]) if thing.get("channel") else None
        speed = context.store.describe([thing["channel"][0]])[thing["channel"][0]] if channel else {}
        status = decided.then
        records = context.records(row["link"])
        return {
            **{k: basis[k] for k in ("kind", "instrument", "provision", "citation")},
            "mode": link.mode,
            "status": status,
            "why": why,
            "certainty": context.weakest(
                [code(row["certainty"]), part["certainty"] if status in context.relied else None]
            ),
            "from": None if row["from"] == START else row["from"],
            "until": None if row["until"] == END else row["until"],
            "channel": channel,
            "speed": speed.get("speed", [None])[0],
            "offence": part["offence"] or None,
            "scope": part["scope"],
            "dual_criminality": part["dual"],
            "penalty_threshold": part["threshold"],
            "nationals": part["nationals"],
            "refusal_grounds": part["refusals"],
            "declarations": [r["record"] for r in pair.statements if code(r["instrument"]) == name],
            "requesting_declarations": [r["record"] for r in pair.own_statements if code(r["instrument"]) == name],
            "precedence": shown.precedence(pair, name, link.mode, taken, self.present),
            "readings": readings_of(context, records),
            "source": basis["source"],
            "source_kind": basis["source_kind"],
            "evidence": basis["evidence"],
            "derived_from": records,
            # for the assembly only
            "class": str(weight),
            "counts": context.first("class-counts", {"class": str(weight)}, {})[0] == "yes",
            "facts": facts,
            "row": decided,
            "link": row["link"],
            "measure": self.measure,
            "binding": context.binding(row["kind"]),
            "channel_only": "ChannelBasis" in context.codes.of_class("basis-kind", basis["kind"]),
        }
