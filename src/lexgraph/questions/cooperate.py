"""Which states can cooperate: rows of ``queries/cooperate.rq`` and the declared tests and tables -> the answer.

Assembly only: what a demand means, what a refusal ground does and which basis decides is in ``ontology/decisions``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lexgraph.codes import InputError
from lexgraph.decisions import fill
from lexgraph.questions.context import Context, Instrument, code
from lexgraph.questions.echo import read_cooperate
from lexgraph.questions.facts import Case, Crime, Subject, reaches
from lexgraph.questions.models import CooperateQuestion
from lexgraph.settings import ID
from lexgraph.store import Thing, day, iris

_BINDING = {"treaty", "union-law"}
_RELIED = {"available", "conditional", "refusable", "reciprocity", "barred"}
_CHANNELS = ("police-cooperation", "contact-24-7")
_PRESERVATION = "expedited-preservation"
MAX_PAIRS = 400


def cooperate(context: Context, question: CooperateQuestion) -> dict[str, Any]:
    """Answer for every pair and measure. Raises InputError for what cannot be read or is too much at once."""
    echo, fields = read_cooperate(context.codes, question)
    pairs = [(a, b) for a in echo["requesting"] for b in echo["requested"] if a != b]
    if len(pairs) > MAX_PAIRS:
        raise InputError("requested", f"{len(pairs)} pairs asked, at most {MAX_PAIRS} at once; use the export")
    orders = {*echo["requesting"], *echo["requested"]}
    case = context.case(
        fields, echo["offences"], echo["conduct_date"], orders, features=echo["features"], pleas=echo["pleas"]
    )
    answers: list[dict[str, Any]] = []
    for requesting, requested in pairs:
        answers += _Pair(context, echo, case, requesting, requested).answers()
    shown = dict(echo)
    for key in ("requesting", "requested"):
        if len(shown[key]) == 1:
            shown[key] = shown[key][0]
    counted: dict[str, dict[str, Any]] = {}
    for answer in answers:
        for obstacle in answer["obstacles"]:
            entry = counted.setdefault(obstacle["code"], {"code": obstacle["code"], "answers": 0})
            entry["answers"] += 1
    return {
        "question": shown,
        "data_version": context.data_version,
        "answers": answers,
        "obstacles": list(counted.values()),
    }


class _Pair:
    """One requesting and one requested legal order on one day."""

    def __init__(self, context: Context, echo: dict[str, Any], case: Case, requesting: str, requested: str) -> None:
        self.context = context
        self.echo = echo
        self.case = case
        self.requesting = requesting
        self.requested = requested
        self.as_of: str = echo["as_of"]
        self.measures: list[str] = echo["measures"]
        self.names = {
            "requesting": context.codes.name(requesting),
            "requested": context.codes.name(requested),
            "as_of": self.as_of,
            "date": case.date,
        }
        a, b = iris([requesting, requested], f"{ID}state/")
        wanted = sorted({*self.measures, *_CHANNELS, _PRESERVATION})
        self.rows = context.select(
            "cooperate",
            requesting=[a],
            ask=iris([f"{requested}/{measure}" for measure in wanted], f"{ID}ask/"),
            as_of=[day(self.as_of)],
        )
        self.domestic = context.domestic(requested, requesting, self.as_of)
        self.history = context.select("parts/absences", **{"x y": [(a, b), (b, a)]}, as_of=[day(self.as_of)])
        used = sorted({code(row["instrument"]) for row in self.rows if "/id/instrument/" in row["instrument"]})
        self.statements = [r for name in used for r in context.statements.get((name, requested), [])]
        self.own_statements = [r for name in used for r in context.statements.get((name, requesting), [])]
        self.refusals = [
            r
            for name in used
            for r in context.refusals.get(name, [])
            if "requested" not in r or code(r["requested"]) == requested
        ]

    # --- what the requested order's law says

    def rules(self, topic: str) -> list[dict[str, str]]:
        """Its rules on a topic in force on the day; one towards the requesting order goes before the general ones."""
        found = [r for r in self.domestic if code(r["topic"]) == topic]
        special = [r for r in found if "counterpart" in r]
        return special or found

    def rule(self, topic: str) -> dict[str, str] | None:
        """The youngest rule on a topic."""
        found = self.rules(topic)
        return found[0] if found else None

    def value(self, topic: str) -> str:
        """The value of the youngest rule on a topic, blank where none is recorded."""
        rule = self.rule(topic)
        return code(rule["value"]) if rule and "value" in rule else ""

    # --- answers

    def answers(self) -> list[dict[str, Any]]:
        links: dict[str, list[dict[str, str]]] = {}
        for row in self.rows:
            links.setdefault(code(row["measure"]), []).append(row)
        police = [
            {
                "measure": measure,
                "organisation": code(row["instrument"]),
                "name": row["citation"],
                "from": row["from"],
                "certainty": code(row["certainty"]),
            }
            for measure in _CHANNELS
            for row in links.get(measure, [])
            if code(row["kind"]) == "police"
        ]
        preservation = bool([r for r in links.get(_PRESERVATION, []) if code(r["kind"]) in {"treaty", "union-law"}])
        return [self._measure(m, links.get(m, []), police, preservation) for m in self.measures]

    def _measure(
        self, measure: str, rows: list[dict[str, str]], police: list[dict[str, Any]], preservation: bool
    ) -> dict[str, Any]:
        context = self.context
        classes = context.codes.of_class("measure", measure)
        present = {code(row["instrument"]) for row in rows}
        # Some provisions are a basis only where no other treaty is one: they come second, knowing what the others said.
        second = [r for r in rows if context.decisions.first("needs-others", {"mode": code(r["mode"])}).then == "yes"]
        bases = [self._basis(measure, row, present, set()) for row in rows if row not in second]
        governing = {
            b["instrument"]
            for b in bases
            if context.decisions.first("governs", {**b["facts"], "status": b["status"]}).then == "yes"
        }
        bases += [self._basis(measure, row, present, governing) for row in second]
        bases = self._one_per_provision(bases)
        ranked = sorted(bases, key=lambda b: (int(b["class"]), context.basis_rank[b["status"]], b["citation"]))
        deciding = [b for b in ranked if int(b["class"]) < 8]
        nationals = self._nationals_without_basis(measure)
        if deciding and deciding[0]["status"] in _RELIED:
            status = str(deciding[0]["status"])
            best = [b for b in deciding if b["class"] == deciding[0]["class"] and b["status"] == status]
            certainty = min((b["certainty"] for b in best if b["certainty"]), key=lambda c: context.certainty_rank[c])
            why = best[0]["why"]
        else:
            facts = {
                "nationals": nationals[0],
                "absence": "recorded" if self._absence(measure) else "suspended" if self._suspended(measure) else "",
                "required": self.value(self._treaty_topic(measure)),
            }
            status, why = context.first("measure-without-basis", facts, {**self.names, "nationals": nationals[1]})
            best, certainty = [], self._history_certainty()
        relied = [b for b in deciding if b["status"] in _RELIED]
        # A bar counts only where it decides: what bars one basis is no bar where another is open.
        if status != "barred":
            nationals = ("none", "")
        obstacles = self._obstacles(measure, status, deciding, best, nationals, police, preservation, classes)
        out = {
            "requesting": self.requesting,
            "requested": self.requested,
            "measure": measure,
            "status": status,
            "why": why,
            "certainty": certainty,
            "bases": [{k: v for k, v in b.items() if k not in {"class", "facts"}} for b in ranked],
            "bars": self._bars(best, nationals, measure),
            "fallback": self._fallback(best, ranked, nationals),
            "authorities": self._authorities(measure, relied),
            "police_channels": police,
            "obstacles": obstacles,
        }
        return out

    @staticmethod
    def _one_per_provision(bases: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of the same provision and status say the same."""
        seen: dict[tuple[Any, ...], dict[str, Any]] = {}
        for basis in bases:
            seen.setdefault((basis["instrument"], basis["provision"], basis["status"], basis["why"]), basis)
        return list(seen.values())

    def _treaty_topic(self, measure: str) -> str:
        found = self.context.decisions.first("treaty-topic", {"measure": measure})
        return found.then

    # --- one basis

    def _basis(self, measure: str, row: dict[str, str], present: set[str], governing: set[str]) -> dict[str, Any]:
        context = self.context
        thing = context.store.describe([row["link"]])[row["link"]]
        basis = context.basis(row["link"], thing)
        name = str(basis["instrument"])
        instrument = context.instruments.get(name, Instrument())
        mode, kind = code(row["mode"]), basis["kind"]
        taken = sorted(
            other
            for other in present
            if other != name and name in context.instruments.get(other, Instrument()).replaces
        )
        offences: list[str] = self.echo["offences"] or [""]
        parts = [self._demands(measure, offence, thing, instrument, mode, kind, name) for offence in offences]
        scored: list[tuple[int, int, int, str, str, dict[str, Any], dict[str, str]]] = []
        for part in parts:
            facts = {
                **part["facts"],
                "precedence": "superseded" if taken else "",
                "governed": "yes" if governing - {name} else "",
            }
            by = ", ".join(taken)
            status, why = context.first("basis-status", facts, {**self.names, **part["names"], "by": by})
            place, _ = context.first("basis-class", {**facts, "status": status}, {})
            scored.append((int(place), context.basis_rank[status], len(scored), status, why, part, facts))
        weight, _, _, status, why, part, facts = min(scored)
        channel = code(thing["channel"][0]) if thing.get("channel") else None
        speed = context.store.describe([thing["channel"][0]])[thing["channel"][0]] if channel else {}
        declared = [r for r in self.statements if code(r["instrument"]) == name]
        return {
            **{k: basis[k] for k in ("kind", "instrument", "provision", "citation")},
            "mode": mode,
            "status": status,
            "why": why,
            "certainty": context.weakest([code(row["certainty"]), part["certainty"] if status in _RELIED else None]),
            "from": None if row["from"] == "0001-01-01" else row["from"],
            "until": None if row["until"] == "9999-12-31" else row["until"],
            "channel": channel,
            "speed": speed.get("speed", [None])[0],
            "offence": part["offence"] or None,
            "scope": part["scope"],
            "dual_criminality": part["dual"],
            "penalty_threshold": part["threshold"],
            "nationals": part["nationals"],
            "refusal_grounds": part["refusals"],
            "declarations": [r["record"] for r in declared],
            "requesting_declarations": [r["record"] for r in self.own_statements if code(r["instrument"]) == name],
            "precedence": self._precedence(name, mode, taken, present),
            "source": basis["source"],
            "source_kind": basis["source_kind"],
            "evidence": basis["evidence"],
            "derived_from": context.records(row["link"]),
            "class": str(weight),
            "facts": facts,
        }

    def _demands(
        self,
        measure: str,
        offence: str,
        thing: Thing,
        instrument: Instrument,
        mode: str,
        kind: str,
        name: str,
    ) -> dict[str, Any]:
        """Scope, dual criminality, threshold, nationals and refusal grounds of one basis for one offence."""
        context = self.context
        crime = self.case.crime(self.requested, offence)
        asking = self.case.crime(self.requesting, offence)
        subject = Subject(
            order=self.requested,
            offence=offence,
            requesting=self.requesting,
            measure=measure,
            own_offences=frozenset(instrument.defines),
            listed_offences=frozenset(instrument.lists),
        )
        scope_code = code(thing["scope"][0])
        if offence or scope_code in {
            "any-offence",
            "computer-offences-and-electronic-evidence",
            "court-requests",
        }:
            scope, scope_why = context.decide("scope", scope_code, self.case, subject)
        else:
            scope, scope_why = "unknown", "no offence was given"
        dual = self._dual(measure, offence, thing, instrument, crime, asking, kind, name)
        bilateral = bool(context.store.describe([thing["instrument"][0]])[thing["instrument"][0]].get("partyA"))
        threshold = self._threshold(measure, offence, thing, crime, asking, kind, bilateral)
        nationals = self._nationals(measure, kind, name)
        choice, choice_why = self._choice(mode, name)
        refusals = self._refusal_grounds(measure, kind, name, offence)
        live = [r for r in refusals if r["live"]]
        unanswered = self._unanswered(measure, kind, refusals)
        facts = {
            "kind": kind,
            "mode": mode,
            "scope": scope,
            "choice": choice,
            "dual": dual["status"],
            "threshold": threshold["status"] if threshold else "met",
            "nationals": nationals["status"] if nationals else "none",
            "mandatory": "live" if any(r["effect"] == "mandatory" for r in live) else "",
            "optional": "live" if any(r["effect"] == "optional" for r in live) else "",
            "stated": "unanswered" if unanswered else "",
        }
        names = {
            "scope": scope_why,
            "choice": choice_why,
            "dual": dual["why"],
            "threshold": threshold["why"] if threshold else "",
            "nationals": nationals["why"] if nationals else "",
            "grounds": "; ".join(f"{r['code']}: {r['why']}" for r in live),
            "unanswered": "; ".join(unanswered),
        }
        used = [crime.certainty] if dual.get("examined") else []
        return {
            "offence": offence,
            "facts": facts,
            "names": names,
            "scope": {"code": scope_code, "status": scope, "why": scope_why},
            "dual": {k: v for k, v in dual.items() if k != "examined"},
            "threshold": threshold,
            "nationals": nationals,
            "refusals": refusals,
            "certainty": context.weakest(used),
        }

    def _dual(
        self,
        measure: str,
        offence: str,
        thing: Thing,
        instrument: Instrument,
        crime: Crime,
        asking: Crime,
        kind: str,
        name: str,
    ) -> dict[str, Any]:
        context = self.context
        rule = code(thing["dualCriminality"][0])
        if not offence:
            free = rule in {"deemed", "not-required", "not-stated"}
            why = "not asked for" if free else "no offence was given"
            return {"rule": rule, "status": "met" if free else "unknown", "why": why}
        listed = offence in instrument.lists
        reached = reaches(asking, instrument.list_years) if listed else None
        topic, _ = context.first("dual-criminality-topic", {"measure": measure}, {})
        facts = {
            "rule": rule,
            "coercive": "yes" if "CoerciveMeasure" in context.codes.of_class("measure", measure) else "no",
            "own": "yes" if offence in instrument.defines else "no",
            "listed": "yes" if listed else "no",
            "listed-penalty": "reached" if reached else "",
            "domestic": self._measure_value(topic, measure),
            "criminalisation": crime.status,
            "asking": "recorded-no-crime" if asking.status == "not-criminalised" else "",
        }
        row = context.decisions.first("dual-criminality", facts)
        return {
            "rule": rule,
            "status": row.then,
            "why": fill(row.why, self.names),
            "provisions": list(crime.provisions),
            # Whether the law of the requested order was looked at, so that its certainty counts.
            "examined": not row.when or "criminalisation" in row.when,
        }

    def _measure_value(self, topic: str, measure: str) -> str:
        for rule in self.rules(topic):
            if "measure" not in rule or code(rule["measure"]) == measure:
                return code(rule["value"]) if "value" in rule else ""
        return ""

    def _threshold(
        self, measure: str, offence: str, thing: Thing, crime: Crime, asking: Crime, kind: str, bilateral: bool
    ) -> dict[str, Any] | None:
        """The penalty that the text asks for; where a treaty is silent, what the requested law asks for."""
        context = self.context
        stated = thing.get("penaltyThreshold")
        side = code(thing["thresholdSide"][0]) if thing.get("thresholdSide") else "requested"
        source = "text"
        if stated:
            years = float(stated[0])
        else:
            topic, _ = context.first("threshold-topic", {"measure": measure, "kind": kind}, {})
            rule = self.rule(topic) if topic else None
            if rule is None or "figure" not in rule:
                return None
            years, source = float(rule["figure"]), "law of the requested state"
        if years == 0:
            return {"years": 0, "status": "met", "why": "no minimum", "stated_in": source}
        if not offence:
            return {"years": years, "status": "unknown", "why": "no offence was given", "stated_in": source}
        facts = {
            "side": side,
            "requested": _word(reaches(crime, years)),
            "requesting": _word(reaches(asking, years)),
            "stated": "yes" if stated else "no",
            "bilateral": "yes" if bilateral else "no",
        }
        names = {**self.names, "years": f"{years:g}"}
        status, why = context.first("penalty-threshold", facts, names)
        return {"years": years, "status": status, "why": why, "stated_in": source}

    def _choice(self, mode: str, name: str) -> tuple[str, str]:
        does = {r["does"] for r in self.statements if code(r["instrument"]) == name and "does" in r}
        declared = "refused" if "refused" in does else "accepted" if "accepted" in does else ""
        facts = {"mode": mode, "declared": declared, "required": self.value("extradition-treaty-required")}
        return self.context.first("treaty-choice", facts, self.names)

    # --- nationals

    def _person(self) -> str:
        nationality = self.echo["person"]["nationality"]
        return "unstated" if not nationality else "yes" if self.requested in nationality else "no"

    def _nationals_rule(self, name: str) -> tuple[str, list[str]]:
        """The younger of declaration and domestic rule, and the older as stale."""
        said = [
            (r["made"], r["does"], r["record"])
            for r in self.statements
            if code(r["instrument"]) == name and r.get("does") in {"bars", "conditions", "allows"}
        ]
        law = self.rules("nationals-extradition")
        rules = [(r["from"], code(r["value"]), r["record"]) for r in law if "value" in r]
        ordered = sorted(said + rules, key=lambda x: x[0], reverse=True)
        return (ordered[0][1] if ordered else ""), [record for _, _, record in ordered]

    def _nationals(self, measure: str, kind: str, name: str) -> dict[str, Any] | None:
        topic, _ = self.context.first("nationals-apply", {"measure": measure}, {})
        if topic != "yes":
            return None
        rule, records = self._nationals_rule(name)
        own = [r for r in self.refusals if code(r["instrument"]) == name and code(r["ground"]) == "own-national"]
        does = {r["does"] for r in self.statements if code(r["instrument"]) == name and "does" in r}
        facts = {
            "person": self._person(),
            "kind": kind,
            "ground": code(own[0]["effect"]) if own else "",
            "declared": "bars" if "bars" in does else "",
            "rule": rule,
        }
        status, why = self.context.first("nationals", facts, self.names)
        return {
            "rule": rule or None,
            "status": status,
            "why": why,
            "derived_from": records[:1],
            "stale": records[1:],
        }

    def _nationals_without_basis(self, measure: str) -> tuple[str, str]:
        topic, _ = self.context.first("nationals-apply", {"measure": measure}, {})
        if topic != "yes":
            return "none", ""
        rule, _ = self._nationals_rule("")
        return self.context.first("nationals-no-basis", {"person": self._person(), "rule": rule}, self.names)

    # --- refusal grounds

    def _refusal_grounds(self, measure: str, kind: str, name: str, offence: str) -> list[dict[str, Any]]:
        context = self.context
        found: dict[str, dict[str, Any]] = {}
        family, _ = context.first("measure-family", {"measure": measure}, {})
        refers = False
        for row in self.refusals:
            if code(row["instrument"]) != name or code(row["refuses"]) not in {measure, family}:
                continue
            effect, ground = code(row["effect"]), code(row["ground"])
            if effect == "law-of-requested":
                refers = True
            entry: dict[str, Any] = {
                "code": ground,
                "effect": effect,
                "citation": row.get("citation"),
                "from_text": True,
                "record": row["record"],
            }
            if ground not in found or effect == "mandatory":
                found[ground] = entry
        if not found or refers or kind in {"national", "scheme"}:
            wanted, _ = context.first("domestic-refusals", {"measure": measure, "kind": kind}, {})
            for rule in self.rules("refusal-ground") if wanted == "yes" else []:
                if "ground" in rule and ("measure" not in rule or code(rule["measure"]) == measure):
                    domestic: dict[str, Any] = {
                        "code": code(rule["ground"]),
                        "effect": "optional",
                        "citation": rule.get("citation"),
                        "from_text": False,
                        "record": rule["record"],
                    }
                    found.setdefault(domestic["code"], domestic)
        out = []
        for entry in found.values():
            subject = Subject(self.requested, offence, requesting=self.requesting, measure=measure)
            outcome, why = context.decide("refusal-ground", entry["code"], self.case, subject)
            can_bite, _ = context.first("refusal-bites", {"effect": entry["effect"]}, {})
            live = outcome.startswith("live") and can_bite == "yes"
            if live and outcome == "live-optional":
                entry["effect"] = "optional"
            out.append({**entry, "live": live, "why": why})
        return sorted(out, key=lambda r: (not r["live"], r["code"]))

    def _unanswered(self, measure: str, kind: str, refusals: list[dict[str, Any]]) -> list[str]:
        """Stated judgments, proceedings and pleas on which neither the text nor the requested law has a rule."""
        context = self.context
        family, _ = context.first("measure-family", {"measure": measure}, {})
        if kind == "police" or family == "police":
            return []
        recorded = {r["code"] for r in refusals}
        stated = [{"field": f} for f in ("judged_in", "proceedings_in") if self.requested in self.case.fields[f]]
        stated += [{"plea": plea} for plea in sorted(self.case.pleas)]
        out = []
        for fact in stated:
            for row in context.decisions.all("stated-grounds", fact):
                if not recorded & set(row.then.split("|")):
                    out.append(row.why.format_map(self.names))
        return out

    # --- what else an answer shows

    def _precedence(self, name: str, mode: str, taken: Iterable[str], present: set[str]) -> str | None:
        facts = {"taken": "yes" if taken else "", "mode": mode, "others": "yes" if len(present) > 1 else ""}
        _, why = self.context.first("precedence", facts, {"by": ", ".join(taken), "instrument": name})
        return why or None

    def _absence(self, measure: str) -> list[dict[str, str]]:
        kind, _ = self.context.first("absence-kind", {"measure": measure}, {})
        kinds = {code(r["kind"]) for r in self.history if r["what"] == "unverified"}
        rows = [r for r in self.history if r["what"] == "absent" and code(r["kind"]) == kind]
        return rows if kind not in kinds else []

    def _suspended(self, measure: str) -> bool:
        kind, _ = self.context.first("absence-kind", {"measure": measure}, {})
        return any(r["what"] == "suspended" and code(r["kind"]) in {kind, "both"} for r in self.history)

    def _history_certainty(self) -> str | None:
        found = [r for r in self.history if r["what"] == "absent"]
        return "shown" if any(code(r.get("evidence", "")) == "document" for r in found) else None

    def _bars(self, relied: list[dict[str, Any]], nationals: tuple[str, str], measure: str) -> list[dict[str, Any]]:
        bars: dict[str, dict[str, Any]] = {}
        barred = [b["nationals"] for b in relied if b["nationals"] and b["nationals"]["status"] == "bar"]
        if barred or nationals[0] == "bar":
            rule = self.rule("nationals-extradition")
            why = barred[0]["why"] if barred else nationals[1]
            bars["nationality-bar"] = {"code": "nationality-bar", "why": why, "basis": self._rule_basis(rule)}
        for basis in relied:
            if basis["dual_criminality"]["status"] == "not-met":
                bars.setdefault(
                    "dual-criminality-lacking",
                    {
                        "code": "dual-criminality-lacking",
                        "why": basis["dual_criminality"]["why"],
                        "basis": {"instrument": basis["instrument"], "provision": basis["provision"]},
                    },
                )
        return list(bars.values())

    def _rule_basis(self, rule: dict[str, str] | None) -> dict[str, Any] | None:
        if rule is None:
            return None
        return {
            "kind": "national",
            "instrument": code(rule["instrument"]),
            "provision": code(rule["provision"]) if "provision" in rule else None,
            "citation": rule.get("citation"),
            "from": rule["from"],
            "until": None if rule["until"] == "9999-12-31" else rule["until"],
            "source": rule.get("source"),
            "evidence": code(rule["evidence"]) if "evidence" in rule else None,
            "derived_from": [rule["record"]],
        }

    def _fallback(
        self, best: list[dict[str, Any]], bases: list[dict[str, Any]], nationals: tuple[str, str]
    ) -> dict[str, Any] | None:
        """Whether the requested order must submit the case to its own authorities (aut dedere aut judicare)."""
        barred = nationals[0] == "bar" or any(
            b["nationals"] and b["nationals"]["status"] in {"bar", "refuse"} for b in best
        )
        if not barred:
            return None
        # A convention that yields to another treaty as a basis still obliges: its scope need only be met.
        for basis in bases:
            if basis["scope"]["status"] != "met":
                continue
            instrument = self.context.instruments.get(basis["instrument"], Instrument())
            for duty in [*instrument.submit, *instrument.prosecute_instead]:
                return {
                    "code": "extradite-or-prosecute",
                    "basis": {"instrument": basis["instrument"], **duty},
                }
        rule = self.rule("prosecute-if-not-extradited")
        if rule and code(rule.get("value", "")) == "yes":
            return {"code": "extradite-or-prosecute", "basis": self._rule_basis(rule)}
        return None

    def _authorities(self, measure: str, bases: list[dict[str, Any]]) -> list[dict[str, Any]]:
        out = []
        for role in ("central-authority", "contact-24-7"):
            for rule in self.rules(role):
                if "authority" in rule:
                    out.append(
                        {
                            "role": role,
                            "state": self.requested,
                            "name": rule["authority"],
                            "source": rule.get("source"),
                            "derived_from": [rule["record"]],
                        }
                    )
        used = {b["instrument"] for b in bases}
        for row in self.statements:
            if row.get("does") == "authority" and code(row["instrument"]) in used and "note" in row:
                out.append(
                    {
                        "role": code(row["effect"]),
                        "state": self.requested,
                        "name": row["note"],
                        "instrument": code(row["instrument"]),
                        "source": row.get("source"),
                        "derived_from": [row["record"]],
                    }
                )
        return out

    def _obstacles(
        self,
        measure: str,
        status: str,
        deciding: list[dict[str, Any]],
        best: list[dict[str, Any]],
        nationals: tuple[str, str],
        police: list[dict[str, Any]],
        preservation: bool,
        classes: set[str],
    ) -> list[dict[str, Any]]:
        context = self.context
        treaty = any(b["kind"] in _BINDING and b["status"] in _RELIED and b["class"] == "1" for b in deciding)
        relied = [b for b in deciding if b["status"] in _RELIED]
        dual = next((b["dual_criminality"] for b in best if b["dual_criminality"]["status"] == "not-met"), None)
        barred = next((b["nationals"] for b in best if b["nationals"] and b["nationals"]["status"] == "bar"), None)
        crimes = [
            (o, self.case.crime(self.requested, o), self.case.crime(self.requesting, o)) for o in self.echo["offences"]
        ]
        none = next(((b, a) for _, b, a in crimes if b.status == "not-criminalised"), None)
        speeds = [b["speed"] for b in best if b["speed"]]
        family, _ = context.first("measure-family", {"measure": measure}, {})
        facts = {
            "measure": measure,
            "status": status,
            "treaty-basis": "yes" if treaty else "no",
            "organisation": "yes" if any(b["kind"] == "police" for b in relied) else "no",
            "nationals": "bar" if barred or nationals[0] == "bar" else "",
            "dual": "not-met" if dual else "",
            "criminalisation": none[0].status if none and dual else "",
            "asking": none[1].status if none else "",
            "newlaw": "yes" if none and dual and none[0].no_crime_before else "",
            "fastest": speeds[0] if speeds and len(set(speeds)) == 1 else "",
            "sovereignty": "live"
            if any(r["live"] and r["code"].startswith("sovereignty") for b in best for r in b["refusal_grounds"])
            else "",
            "concurrent": "yes" if len(self.echo["requesting"]) > 1 else "",
            "preservation": "yes" if preservation else "no",
            "evidence": "yes" if family == "assistance" else "no",
            "police": "yes" if police else "no",
            "suspended": "yes" if any(r["what"] == "suspended" for r in self.history) else "",
        }
        names = {
            **self.names,
            "nationals": (barred or {}).get("why") or nationals[1],
            "dual": (dual or {}).get("why", ""),
        }
        return [
            {"code": row.then, "why": row.why.format_map(names)}
            for row in context.decisions.all("obstacles-cooperate", facts)
        ]


def _word(answer: bool | None) -> str:
    return "unknown" if answer is None else "yes" if answer else "no"
