"""Two legal orders on one day: the links, domestic rules and statements between them, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from lexgraph.questions.context import END, Context, Instrument, code
from lexgraph.questions.facts import Case
from lexgraph.settings import ID
from lexgraph.store import day, iris

Row = dict[str, str]


class Pair:
    """A requesting and a requested legal order on the day of the request."""

    def __init__(
        self,
        context: Context,
        case: Case,
        requesting: str,
        requested: str,
        as_of: str,
        measures: Iterable[str],
        nationality: Sequence[str] = (),
    ) -> None:
        self.context = context
        self.case = case
        self.requesting = requesting
        self.requested = requested
        self.as_of = as_of
        self.nationality = list(nationality)
        self.names: dict[str, Any] = {
            "requesting": context.codes.name(requesting),
            "requested": context.codes.name(requested),
            "as_of": as_of,
            "date": case.date,
        }
        wanted = sorted({*measures, *context.codes.with_class("measure", "ContactChannel", "QuickPreservation")})
        rows = context.select(
            "cooperate",
            requesting=iris([requesting], f"{ID}state/"),
            ask=iris([f"{requested}/{measure}" for measure in wanted], f"{ID}ask/"),
            as_of=[day(as_of)],
        )
        self.rows: list[Row] = sorted(rows, key=lambda r: (r["measure"], r["instrument"], r["link"]))
        self.links: dict[str, list[Row]] = {}
        for row in self.rows:
            self.links.setdefault(code(row["measure"]), []).append(row)
        self.domestic = context.domestic(requested, requesting, as_of)
        used = sorted({code(row["instrument"]) for row in self.rows if "/id/instrument/" in row["instrument"]})
        self.statements = [r for name in used for r in context.statements.get((name, requested), [])]
        self.own_statements = [r for name in used for r in context.statements.get((name, requesting), [])]
        self._refusals: dict[str, list[Row]] = {}

    def refusals_under(self, instrument: str) -> list[Row]:
        """Refusal grounds under an instrument; those that hold everywhere and those of its protocols come first."""
        if instrument in self._refusals:
            return self._refusals[instrument]
        rows = self._refusals[instrument] = []
        for name in [*self._overriding(), *self._protocols(instrument), instrument]:
            said = {(code(r["ground"]), code(r["refuses"])) for r in rows}
            rows += [
                r
                for r in self.context.refusals.get(name, [])
                if ("requested" not in r or code(r["requested"]) == self.requested)
                and (name == instrument or name in self._protocols(instrument) or r.get("every") == "true")
                and (code(r["ground"]), code(r["refuses"])) not in said
            ]
        return rows

    def _overriding(self) -> list[str]:
        """Instruments of the requested order with grounds that hold under every basis."""
        names = sorted(self.context.refusals_everywhere)
        return sorted(self.context.bound(names, [self.requested], self.as_of))

    def _protocols(self, instrument: str) -> list[str]:
        """Protocols of an instrument that bind the two."""
        names = sorted(self.context.instruments.get(instrument, Instrument()).amended_by)
        both = {self.requesting, self.requested}
        bound = self.context.bound(names, both, self.as_of) if names else {}
        return [name for name in names if set(bound.get(name, [])) == both]

    @cached_property
    def history(self) -> list[Row]:
        """Recorded absences, suspensions and unverified treaties between the two."""
        a, b = iris([self.requesting, self.requested], f"{ID}state/")
        return self.context.select("parts/absences", **{"x y": [(a, b), (b, a)]}, as_of=[day(self.as_of)])

    # --- what the requested order's law says

    def rules(self, about: str) -> list[Row]:
        """Its rules on a point in force on the day; one towards the requesting order goes before the general ones."""
        topic = self.context.topic(about)
        found = [r for r in self.domestic if code(r["topic"]) == topic]
        special = [r for r in found if "counterpart" in r]
        return special or found

    def every_rule(self, about: str) -> list[Row]:
        """All its rules on a point, those towards the requesting order first: a list of grounds, not one answer."""
        topic = self.context.topic(about)
        found = [r for r in self.domestic if code(r["topic"]) == topic]
        return sorted(found, key=lambda r: "counterpart" not in r)

    def rule(self, about: str) -> Row | None:
        """The youngest rule on a point."""
        found = self.rules(about)
        return found[0] if found else None

    def value(self, about: str, measure: str = "") -> str:
        """The value of the youngest rule on a point (for a measure), blank where none is recorded."""
        for rule in self.every_rule(about):
            if not measure or "measure" not in rule or code(rule["measure"]) == measure:
                return code(rule["value"]) if "value" in rule else ""
        return ""

    def said(self, instrument: str) -> set[str]:
        """What the requested order's statements to an instrument do."""
        return {r["does"] for r in self.statements if code(r["instrument"]) == instrument and "does" in r}

    def acts_left_out(self, instrument: str) -> str:
        """The day before which the requested order keeps acts out of an instrument, where this one is older."""
        cutoffs = [r["acts_from"] for r in self.statements if code(r["instrument"]) == instrument and "acts_from" in r]
        return next((cutoff for cutoff in cutoffs if self.case.date < cutoff), "")

    def rule_basis(self, rule: Row | None) -> dict[str, Any] | None:
        """A domestic rule as a basis in the form of the contract."""
        if rule is None:
            return None
        return {
            "kind": self.context.domestic_kind,
            "instrument": code(rule["instrument"]),
            "provision": code(rule["provision"]) if "provision" in rule else None,
            "citation": rule.get("citation"),
            "from": rule["from"],
            "until": None if rule["until"] == END else rule["until"],
            "source": rule.get("source"),
            "evidence": code(rule["evidence"]) if "evidence" in rule else None,
            "derived_from": [rule["record"]],
        }

    # --- what is documented of treaties that do not bind the two

    def absence(self, measure: str) -> str:
        """`recorded`, `suspended`, or blank: what is known of a treaty of the kind that would carry a measure."""
        kind, _ = self.context.first("absence-kind", {"measure": measure}, {})
        unverified = {code(r["kind"]) for r in self.history if r["what"] == "unverified"}
        if kind not in unverified and any(r["what"] == "absent" and code(r["kind"]) == kind for r in self.history):
            return "recorded"
        return "suspended" if self.suspended(measure) else ""

    def suspended(self, measure: str) -> bool:
        """Whether a treaty of the two that would carry a measure, formally in force, is not applied."""
        kind, _ = self.context.first("absence-kind", {"measure": measure}, {})
        return any(r["what"] == "suspended" and code(r["kind"]) in {kind, "both"} for r in self.history)

    def history_certainty(self, measure: str) -> str | None:
        """How certain the documented absence is of a treaty that would carry a measure."""
        kind, _ = self.context.first("absence-kind", {"measure": measure}, {})
        found = [r for r in self.history if r["what"] != "unverified" and code(r["kind"]) in {kind, "both"}]
        return "shown" if any(code(r.get("evidence", "")) == "document" for r in found) else None
