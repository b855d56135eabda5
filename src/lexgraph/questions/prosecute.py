"""Which state can prosecute: rows of ``queries/prosecute.rq`` and the declared tests and tables -> the answer.

Assembly only: what a condition means, what a status follows from and in which order, is in ``ontology/decisions``.
"""

from __future__ import annotations

from typing import Any

from lexgraph.questions.context import Context, code
from lexgraph.questions.echo import read_prosecute
from lexgraph.questions.facts import Case, Subject
from lexgraph.questions.models import ProsecuteQuestion
from lexgraph.settings import ID
from lexgraph.store import day, iris

_TREATY = {"treaty", "union-law"}
_FIRM = {"established", "conditional", "treaty-based", "presumed"}


def prosecute(context: Context, question: ProsecuteQuestion) -> dict[str, Any]:
    """Answer one fact pattern. Raises InputError for a code or date that cannot be read."""
    echo, fields = read_prosecute(context.codes, question)
    return _Prosecution(context, echo, fields).answer()


class _Prosecution:
    def __init__(self, context: Context, echo: dict[str, Any], fields: dict[str, list[str]]) -> None:
        self.context = context
        self.echo = echo
        self.fields = fields
        self.date: str = echo["conduct_date"]
        self.offences: list[str] = echo["offences"]
        self.ties = self._ties()
        self.tied = sorted({place for _, place in self.ties})
        self.courts = sorted(c for c, s in context.codes.states.items() if s.get("kind") == "court")
        self.case: Case = context.case(
            fields, self.offences, self.date, [*self.tied, *self.courts], features=echo["features"]
        )

    def _ties(self) -> list[tuple[str, str]]:
        pairs = [
            (factor, place)
            for factor, field in self.context.factor_fields.items()
            for place in self.fields.get(field, [])
            if field
        ]
        everywhere = sorted({place for _, place in pairs})
        unbound = [factor for factor, field in self.context.factor_fields.items() if not field]
        return sorted({*pairs, *((factor, place) for factor in unbound for place in everywhere)})

    def answer(self) -> dict[str, Any]:
        grounds = self._grounds()
        courts = self._courts_in_question()
        answers = []
        for order in [*self.tied, *(c for c in courts if c not in self.tied)]:
            mine = [g for g in grounds if g["order"] == order]
            if order in courts:
                mine += self._out_of_reach(order, mine)
            answers.append(self._jurisdiction(order, mine))
        rank = self.context.ground_rank
        answers.sort(key=lambda a: (rank[a["status"]], a["name"]))
        return {
            "question": self.echo,
            "data_version": self.context.data_version,
            "answers": answers,
            "concurrence": self._concurrence(answers),
            "obstacles": self._obstacles(answers),
        }

    def _grounds(self) -> list[dict[str, Any]]:
        if not self.ties:
            return []
        rows = self.context.select(
            "prosecute",
            tie=iris([f"{factor}/{place}" for factor, place in self.ties], f"{ID}tie/"),
            offence=iris(self.offences, f"{ID}offence/"),
            date=[day(self.date)],
        )
        in_force = {
            (r["order"], r["principle"], r["factor"], r["place"], r["offence"]) for r in rows if r["when"] == "in-force"
        }
        self.case.duties = {
            (code(r["order"]), code(r["offence"]))
            for r in rows
            if r["when"] == "in-force" and code(r["kind"]) in _TREATY and not self._territorial(code(r["principle"]))
        }
        # National rules first: where one of them answers no, a treaty duty on the same principle adds nothing.
        rows.sort(key=lambda r: code(r["kind"]) in _TREATY)
        national: dict[tuple[str, ...], list[str]] = {}
        out = []
        for row in rows:
            sibling = (
                row["order"],
                row["principle"],
                row["factor"],
                row["place"],
                row["offence"],
            ) in in_force
            # A rule that came later adds nothing where another of the kind was in force.
            if row["when"] != "in-force" and sibling:
                continue
            key = tuple(row[name] for name in ("order", "principle", "factor", "place", "offence"))
            said = national.get(key)
            ground = self._ground(row, "no" if said and set(said) == {"not-met"} else "")
            if ground["basis"]["kind"] == "national" and row["when"] == "in-force":
                national.setdefault(key, []).append(ground.pop("conditions_status"))
            ground.pop("conditions_status", None)
            if ground["status"] != "hidden":
                out.append(ground)
        return out

    def _territorial(self, principle: str) -> bool:
        return "TerritorialPrinciple" in self.context.codes.of_class("principle", principle)

    def _ground(self, row: dict[str, str], answered: str) -> dict[str, Any]:
        context = self.context
        order, offence = code(row["order"]), code(row["offence"])
        thing = context.store.describe([row["ground"]])[row["ground"]]
        limit = thing.get("minPenalty")
        conditions = []
        for condition in sorted({code(c) for c in thing.get("condition", [])}):
            subject = Subject(order, offence, float(limit[0]) if limit and condition == "min-penalty" else None)
            status, why = context.decide("condition", condition, self.case, subject)
            conditions.append({"code": condition, "status": status, "why": why})
        statuses = {c["status"] for c in conditions}
        principle = code(row["principle"])
        basis = context.basis(row["ground"], thing)
        crime = self.case.crime(order, offence)
        facts = {
            "when": "removed" if thing.get("removedBy") else row["when"],
            "kind": basis["kind"],
            "territorial": "yes" if self._territorial(principle) else "no",
            "answered": answered,
            "limited": "yes"
            if any("LimitingCondition" in context.codes.of_class("condition", c["code"]) for c in conditions)
            else "",
            "criminalisation": crime.status,
            "conditions": "not-met" if "not-met" in statuses else "unknown" if "unknown" in statuses else "met",
        }
        names = {
            "order": context.codes.name(order),
            "offence": self.case.offence_label(offence),
            "date": self.date,
            "from": row["from"],
            "until": row["until"],
            "failed": "; ".join(c["why"] for c in conditions if c["status"] == "not-met"),
            "open": "; ".join(c["why"] for c in conditions if c["status"] == "unknown"),
        }
        status, why = context.first("ground-status", facts, names)
        return {
            "order": order,
            "principle": principle,
            "factor": code(row["factor"]),
            "place": code(row["place"]),
            "offence": offence,
            "status": status,
            "why": why,
            "basis": basis,
            "conditions": conditions,
            "conditions_status": facts["conditions"],
            "excluded_by": {"why": why} if status == "excluded" else None,
            "derived_from": sorted({*context.records(row["ground"]), *thing.get("removedBy", [])}),
            "certainty": context.weakest([basis["certainty"], crime.certainty if status in _FIRM else None]),
        }

    def _jurisdiction(self, order: str, grounds: list[dict[str, Any]]) -> dict[str, Any]:
        rank = self.context.ground_rank
        grounds = sorted(
            grounds,
            key=lambda g: (
                rank[g["status"]],
                self.offences.index(g["offence"]),
                g["principle"],
                g["basis"]["citation"],
            ),
        )
        status = grounds[0]["status"] if grounds else "unknown"
        crimes = [(offence, self.case.crime(order, offence)) for offence in self.offences]
        deciding = [g["certainty"] for g in grounds if g["status"] == status]
        certainty = min((c for c in deciding if c), key=lambda c: self.context.certainty_rank[c], default=None)
        return {
            "jurisdiction": order,
            "name": self.context.codes.name(order),
            "status": status,
            "certainty": certainty,
            "criminalisation": [
                {
                    "offence": offence,
                    "status": crime.status,
                    "provisions": list(crime.provisions),
                    "certainty": crime.certainty,
                    "derived_from": list(crime.records),
                }
                for offence, crime in crimes
            ],
            "grounds": [{k: v for k, v in g.items() if k != "order"} for g in grounds],
        }

    def _courts_in_question(self) -> list[str]:
        core = any("CoreCrime" in self.context.codes.of_class("offence", offence) for offence in self.offences)
        hints = (
            self.context.decisions.first("court-suggested", {"feature": feature}).then == "yes"
            for feature in self.echo["features"]
        )
        return self.courts if core or any(hints) else []

    def _out_of_reach(self, court: str, grounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """For each offence without a ground of the court that holds: the reason why."""
        context = self.context
        out: list[dict[str, Any]] = []
        for offence in self.offences:
            mine = [g for g in grounds if g["offence"] == offence]
            if any(g["status"] != "excluded" for g in mine):
                continue
            early = [g["basis"]["from"] for g in mine if (g["basis"]["from"] or "") > self.date]
            late = [g["basis"]["until"] for g in mine if g["basis"]["until"] and g["basis"]["until"] <= self.date]
            facts = {
                "listed": "yes" if self.case.crime(court, offence).status == "criminalised" or mine else "no",
                "later": "yes" if early else "no",
                "ended": "yes" if late else "no",
            }
            territory = self.fields["conduct_in"] + self.fields["effects_in"] + self.fields["systems_in"]
            names = {
                "offence": self.case.offence_label(offence),
                "date": self.date,
                "from": min(early, default=""),
                "until": max(late, default=""),
                "territory": ", ".join(dict.fromkeys(map(context.codes.name, territory))) or "not given",
                "nationality": ", ".join(map(context.codes.name, self.fields.get("suspects.nationality", [])))
                or "not given",
            }
            reason, why = context.first("court-out-of-reach", facts, names)
            out.append(
                {
                    "order": court,
                    "principle": "court-territory",
                    "factor": None,
                    "place": None,
                    "offence": offence,
                    "status": "excluded",
                    "why": why,
                    "basis": self._statute(court),
                    "conditions": [],
                    "excluded_by": {"code": reason, "why": why},
                    "derived_from": [],
                    "certainty": None,
                }
            )
        return out

    def _statute(self, court: str) -> dict[str, Any]:
        """The statute of a court as the basis on which it has no jurisdiction."""
        rows = self.context.select("parts/statutes", court=iris([court], f"{ID}state/"))
        row = rows[0]
        return {
            "kind": "court-statute",
            "instrument": code(row["instrument"]),
            "provision": None,
            "citation": row["title"],
            "from": row["from"],
            "until": None,
            "source": row.get("source"),
            "evidence": code(row["evidence"]) if "evidence" in row else None,
            "certainty": code(row["certainty"]),
        }

    def _concurrence(self, answers: list[dict[str, Any]]) -> dict[str, Any]:
        context = self.context
        states = [a["jurisdiction"] for a in answers if a["status"] in _FIRM and a["jurisdiction"] not in self.courts]
        duties = []
        if len(states) > 1:
            consulting = {
                name: instrument
                for name, instrument in context.instruments.items()
                if instrument.consult and (not instrument.defines or instrument.defines & set(self.offences))
            }
            bound = context.bound(consulting, states, self.echo["as_of"]) if consulting else {}
            for name, parties in sorted(bound.items()):
                if len(parties) > 1:
                    for duty in consulting[name].consult:
                        duties.append({"instrument": name, **duty, "states": sorted(parties)})
        factors = []
        for field, values in self.fields.items():
            for row in context.decisions.all("concurrence-factors", {"field": field}):
                found = [s for s in states if s in values]
                if found and row.when:
                    factors.append({"code": row.then, "states": found})
        return {"states": states, "duties": duties, "factors": factors}

    def _obstacles(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        context = self.context
        out = []
        for answer in answers:
            order = answer["jurisdiction"]
            court = order in self.courts
            for offence in self.offences:
                crime = self.case.crime(order, offence)
                none = crime.status == "not-criminalised"
                crime_fact = "" if court or not none else "none-then" if crime.no_crime_before else "none"
                mine = [g for g in answer["grounds"] if g["offence"] == offence and g["excluded_by"]]
                named = [g["why"] for g in mine if g["excluded_by"].get("code")]
                reasons = named or [g["why"] for g in mine]
                facts = {"crime": crime_fact, "court": answer["status"] if court else ""}
                names = {
                    "order": answer["name"],
                    "date": self.date,
                    "offence": self.case.offence_label(offence),
                    "why": reasons[-1] if reasons else "",
                }
                for row in context.decisions.all("obstacles-prosecute", facts):
                    why = row.why.format_map(names)
                    if why:
                        out.append({"code": row.then, "states": [order], "offence": offence, "why": why})
        states = [a["jurisdiction"] for a in answers if a["status"] in _FIRM and a["jurisdiction"] not in self.courts]
        if len(states) > 1:
            rows = context.decisions.all("obstacles-concurrence", {"several": "yes"})
            out += [{"code": row.then, "states": states, "why": row.why} for row in rows]
        return out
