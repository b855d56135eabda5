"""Which state can prosecute: rows of ``queries/prosecute.rq`` and the declared tests and tables -> the answer.

Assembly only: what a condition means, what a status follows from and in which order, is in ``ontology/decisions``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lexgraph.questions.comparison import compare_claims
from lexgraph.questions.context import Context, code
from lexgraph.questions.echo import read_prosecute
from lexgraph.questions.explain import explain_ground
from lexgraph.questions.facts import Case, Subject
from lexgraph.questions.models import ProsecuteQuestion
from lexgraph.questions.readings import depends, readings_of
from lexgraph.settings import ID
from lexgraph.store import day, iris


def prosecute(context: Context, question: ProsecuteQuestion) -> dict[str, Any]:
    """Answer one fact pattern. Raises InputError for a code or date that cannot be read."""
    echo, fields = read_prosecute(context.codes, question)
    return _Prosecution(context, echo, fields, question.explain).answer()


class _Prosecution:
    def __init__(
        self, context: Context, echo: dict[str, Any], fields: dict[str, list[str]], explain: bool = False
    ) -> None:
        self.context = context
        self.explain = explain
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
        self.cases = self._by_suspect()

    def _by_suspect(self) -> list[tuple[int | None, Case]]:
        """The facts as each suspect alone would have them: a condition on one is not met by another."""
        suspects: list[dict[str, list[str]]] = self.echo["suspects"]
        if len(suspects) < 2:
            return [(None, self.case)]
        return [
            (
                index,
                replace(
                    self.case,
                    fields={**self.fields, **{f"suspects.{k}": v for k, v in suspect.items()}},
                    duties=set(),
                ),
            )
            for index, suspect in enumerate(suspects)
        ]

    def _corporate_only(self, case: Case, factor: str, place: str) -> bool:
        """Whether a place is tied by the seat of a legal person alone, not by nationality."""
        field = self.context.corporate_fields.get(factor, "")
        own = self.context.factor_fields[factor]
        return place in case.fields.get(field, []) and place not in case.fields.get(own, [])

    def _ties(self) -> list[tuple[str, str]]:
        named = [*self.context.factor_fields.items(), *self.context.corporate_fields.items()]
        pairs = [(factor, place) for factor, field in named for place in self.fields.get(field, []) if field]
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
        concurrence = self._concurrence(answers)
        return {
            "question": self.echo,
            "data_version": self.context.data_version,
            "answers": answers,
            "concurrence": concurrence,
            "obstacles": self._obstacles(answers, concurrence["comparison"]),
        }

    def _grounds(self) -> list[dict[str, Any]]:
        context = self.context
        if not self.ties:
            return []
        rows = context.select(
            "prosecute",
            tie=iris([f"{factor}/{place}" for factor, place in self.ties], f"{ID}tie/"),
            offence=iris(self.offences, f"{ID}offence/"),
            date=[day(self.date)],
        )
        in_force = {
            (r["order"], r["principle"], r["factor"], r["place"], r["offence"]) for r in rows if r["when"] == "in-force"
        }
        self._read_duties([r for r in rows if r["when"] == "in-force" and context.binding(r["kind"])])
        # National rules first: where one of them answers no, a treaty duty on the same principle adds nothing.
        rows.sort(key=lambda r: context.binding(r["kind"]))
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
            ground = self._best_ground(row, "no" if said and set(said) == {"not-met"} else "")
            if ground["basis"]["kind"] == self.context.domestic_kind and row["when"] == "in-force":
                national.setdefault(key, []).append(self._answer_of(ground))
            ground.pop("conditions_status", None)
            if ground["status"] != "hidden":
                out.append(ground)
        return out

    def _answer_of(self, ground: dict[str, Any]) -> str:
        """What a national rule answers; one that fails only because it is for other persons says nothing."""
        failed = [c["code"] for c in ground["conditions"] if c["status"] == "not-met"]
        personal = all("PersonalCondition" in self.context.codes.of_class("condition", c) for c in failed)
        return "silent" if failed and personal else str(ground["conditions_status"])

    def _best_ground(self, row: dict[str, str], answered: str) -> dict[str, Any]:
        """The ground for the suspect for whom it holds best, naming all for whom it does as well."""
        factor, place = code(row["factor"]), code(row["place"])
        fields = {self.context.factor_fields[factor], self.context.corporate_fields.get(factor, "")}
        tied = [
            (index, case)
            for index, case in self.cases
            if not any(f.startswith("suspects.") for f in fields)
            or any(place in case.fields.get(f, []) for f in fields)
        ]
        found = [(index, self._ground(row, answered, case)) for index, case in tied or self.cases]
        rank = {**self.context.ground_rank, "hidden": -1}
        best = min((g for _, g in found), key=lambda g: (rank[g["status"]], *_openness(g)))
        if len(self.cases) > 1:
            best["suspects"] = [
                index for index, g in found if g["status"] == best["status"] and _openness(g) == _openness(best)
            ]
        return best

    def _read_duties(self, rows: list[dict[str, str]]) -> None:
        """Duties of jurisdiction beyond the territory that arise on the facts: none removed, every condition met."""
        for row in rows:
            if self._territorial(code(row["principle"])):
                continue
            for _, case in self.cases:
                ground = self._ground(row, "", case)
                if ground["status"] != "excluded" and ground["conditions_status"] == "met":
                    case.duties.add((code(row["order"]), code(row["offence"])))

    def _territorial(self, principle: str) -> bool:
        return "TerritorialPrinciple" in self.context.codes.of_class("principle", principle)

    def _ground(self, row: dict[str, str], answered: str, case: Case) -> dict[str, Any]:
        context = self.context
        order, offence = code(row["order"]), code(row["offence"])
        thing = context.store.describe([row["ground"]])[row["ground"]]
        limit = thing.get("minPenalty")
        conditions = []
        wanted = {code(c) for c in thing.get("condition", [])}
        if self._corporate_only(case, code(row["factor"]), code(row["place"])):
            wanted.add(context.decisions.first("corporate-tie", {}).then)
        for condition in sorted(wanted):
            # The figure of a rule is the limit of its own condition on the penalty.
            subject = Subject(order, offence, float(limit[0]) if limit else None)
            status, why = context.decide("condition", condition, case, subject)
            conditions.append({"code": condition, "status": status, "why": why})
        statuses = {c["status"] for c in conditions}
        principle = code(row["principle"])
        basis = context.basis(row["ground"], thing)
        crime = case.crime(order, offence)
        facts = {
            "when": "removed" if thing.get("removedBy") else row["when"],
            "kind": basis["kind"],
            "territorial": "yes" if self._territorial(principle) else "no",
            "answered": answered,
            "limited": "yes"
            if any("LimitingCondition" in context.codes.of_class("condition", c["code"]) for c in conditions)
            else "",
            "representation": "yes"
            if "RepresentationPrinciple" in context.codes.of_class("principle", principle)
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
        decided = context.decisions.first("ground-status", facts)
        status, why = decided.then, context.fill(decided, names)
        records = sorted({*context.records(row["ground"]), *thing.get("removedBy", [])})
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
            "readings": readings_of(context, [*records, *crime.records]),
            "derived_from": records,
            "certainty": context.weakest([basis["certainty"], crime.certainty if status in context.firm else None]),
            "when": row["when"],
            "row": decided,
            "fact": row["ground"],
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
                    **({"needs": [{"offence": o, "status": s} for o, s in crime.needs]} if crime.needs else {}),
                }
                for offence, crime in crimes
            ],
            "grounds": [self._shown(order, g) for g in grounds],
            "depends_on_readings": depends(self.context, status, grounds, rank),
            **({"modes_of_liability": self._modes(order)} if order in self.courts else {}),
        }

    def _modes(self, court: str) -> list[dict[str, Any]]:
        """Forms of participation by which a person is liable before a court, for the offences asked."""
        rows = self.context.select("parts/liability", court=iris([court], f"{ID}state/"))
        return [
            {
                "provision": code(row["provision"]),
                "citation": row["citation"],
                "what": row["summary"],
                "derived_from": [row["record"]],
            }
            for row in rows
            if "offence" not in row or code(row["offence"]) in self.offences
        ]

    def _shown(self, order: str, ground: dict[str, Any]) -> dict[str, Any]:
        out = {k: v for k, v in ground.items() if k not in {"order", "row", "fact", "table", "when"}}
        if self.explain:
            out["explanation"] = explain_ground(self.context, order, ground)
        return out

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
            territory = [
                place for name in ("conduct_in", "effects_in", "systems_in", "flag") for place in self.fields[name]
            ]
            nationality = self.fields.get("suspects.nationality", [])
            failed = [
                c["why"] for g in mine if g["when"] == "in-force" for c in g["conditions"] if c["status"] == "not-met"
            ]
            facts["failed"] = "yes" if failed else "no"
            start = context.court_starts.get((court, offence), "")
            facts["nowhere"] = "yes" if start and self.date < start else "no"
            facts["given"] = "yes" if territory and nationality else "no"
            facts["sovereign"] = "yes" if self._reached_by_sovereign(court, territory) else "no"
            names = {
                "offence": self.case.offence_label(offence),
                "failed": "; ".join(dict.fromkeys(failed)),
                "date": self.date,
                "from": min(early, default=start),
                "until": max(late, default=""),
                "territory": ", ".join(dict.fromkeys(map(context.codes.name, territory))) or "not given",
                "nationality": ", ".join(map(context.codes.name, nationality)) or "not given",
            }
            decided = context.decisions.first("court-out-of-reach", facts)
            reason, why = decided.then, context.fill(decided, names)
            status = "unknown" if reason == "unknown" else "excluded"
            out.append(
                {
                    "order": court,
                    "principle": "court-territory",
                    "factor": None,
                    "place": None,
                    "offence": offence,
                    "status": status,
                    "why": why,
                    "basis": self._statute(court),
                    "conditions": [],
                    "excluded_by": {"code": reason, "why": why} if status == "excluded" else None,
                    "readings": [],
                    "row": decided,
                    "table": "court-out-of-reach",
                    "derived_from": [],
                    "certainty": None,
                }
            )
        return out

    def _reached_by_sovereign(self, court: str, places: list[str]) -> bool:
        """Whether a place named is a territory whose sovereign is bound by the statute of a court on the day."""
        sovereigns = {p: str(self.context.codes.states.get(p, {}).get("sovereign", "")) for p in places}
        wanted = sorted({s for s in sovereigns.values() if s})
        statute = str(self._statute(court)["instrument"])
        return bool(wanted) and bool(self.context.bound([statute], wanted, self.date))

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
        states = [
            a["jurisdiction"]
            for a in answers
            if a["status"] in self.context.firm and a["jurisdiction"] not in self.courts
        ]
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
        comparison = compare_claims(context, self.case, states, self.echo["as_of"]) if len(states) > 1 else []
        return {"states": states, "duties": duties, "factors": factors, "comparison": comparison}

    def _obstacles(self, answers: list[dict[str, Any]], comparison: list[dict[str, Any]]) -> list[dict[str, Any]]:
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
        states = [
            a["jurisdiction"]
            for a in answers
            if a["status"] in self.context.firm and a["jurisdiction"] not in self.courts
        ]
        if len(states) > 1:
            ranked = any(t["ranked"] and set(states) <= set(t["binds"]) for t in comparison)
            rows = context.decisions.all(
                "obstacles-concurrence", {"several": "yes", "ranked": "yes" if ranked else "no"}
            )
            out += [{"code": row.then, "states": states, "why": row.why} for row in rows]
        return out


def _openness(ground: dict[str, Any]) -> tuple[int, list[tuple[str, str]]]:
    """How much of a ground is open, so that the order in which suspects are named decides nothing."""
    conditions = [(c["code"], c["status"]) for c in ground["conditions"]]
    return sum(status != "met" for _, status in conditions), conditions
