"""What the assembly of answers reads from: the store, the codes, the decisions, the query texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lexgraph.codes import Codes
from lexgraph.decisions import Decisions, TableRow, fill
from lexgraph.namedqueries import NamedQuery
from lexgraph.questions.facts import UNRECORDED, Case, Crime, Subject, compare
from lexgraph.settings import ID, ONTOLOGY
from lexgraph.store import Store, Thing, iris

END = "9999-12-31"
START = "0001-01-01"


def code(iri: str) -> str:
    """The code of an IRI: what follows its kind (a provision is its instrument and its path)."""
    rest = iri.removeprefix(ID).split("/", 1)
    return rest[1].replace("/art/", "/", 1) if len(rest) > 1 else iri


def first(thing: Thing, name: str) -> str | None:
    """The first value of a property, if there is one."""
    values = thing.get(name)
    return values[0] if values else None


@dataclass
class Instrument:
    """What an instrument defines, lists, replaces and obliges to."""

    defines: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    list_years: float = 0.0
    """Penalty from which a listed offence is taken without examining dual criminality."""
    reaches: set[str] = field(default_factory=set)
    """Offences that the heads of a list treaty reach."""
    replaces: set[str] = field(default_factory=set)
    amended_by: set[str] = field(default_factory=set)
    """Its protocols: between two parties of one, what it says of refusal goes before the convention."""
    submit: list[dict[str, str]] = field(default_factory=list)
    prosecute_instead: list[dict[str, str]] = field(default_factory=list)
    consult: list[dict[str, str]] = field(default_factory=list)


class Context:
    """The shared ground of all questions on one snapshot."""

    def __init__(
        self,
        store: Store,
        codes: Codes,
        decisions: Decisions,
        queries: Mapping[str, NamedQuery],
        data_version: str,
    ) -> None:
        self.store = store
        self.codes = codes
        self.decisions = decisions
        self.queries = queries
        self.data_version = data_version
        self.instruments = self._instruments()
        # A snapshot does not change: what was read of an instrument, an order or a crime is kept.
        self._parties: dict[str, list[dict[str, str]]] = {}
        self._domestic: dict[str, list[dict[str, str]]] = {}
        self._crimes: dict[tuple[str, str], list[dict[str, str]]] = {}
        self._topics: dict[str, str] = {}
        self.certainty_rank = self._ranks("Certainty", "certaintyRank")
        self.ground_rank = self._ranks("GroundStatus", "groundRank")
        self.basis_rank = self._ranks("BasisStatus", "basisRank")
        self.factor_fields = self._factor_fields("questionField")
        self.corporate_fields = {k: v for k, v in self._factor_fields("questionFieldIfCorporate").items() if v}
        self.also_needs = self._also_needs()
        self.relied = frozenset(codes.with_class("status", "ReliedStatus"))
        self.firm = frozenset(codes.with_class("status", "FirmStatus"))
        self.domestic_kind = codes.with_class("basis-kind", "DomesticBasis")[0]

    def select(self, name: str, **bindings: Any) -> list[dict[str, str]]:
        """Run a query of ``queries/`` with its parameters bound to terms."""
        return self.store.select(self.queries[name].text, bindings)

    def _instruments(self) -> dict[str, Instrument]:
        out: dict[str, Instrument] = {}
        for row in self.select("parts/instruments"):
            entry = out.setdefault(code(row["instrument"]), Instrument())
            what, value = row["what"], code(row["value"])
            entry.list_years = max(entry.list_years, float(row.get("years", 0)))
            duties = {"submit": entry.submit, "prosecute-instead": entry.prosecute_instead, "consult": entry.consult}
            if what in duties:
                duties[what].append({"provision": value, "citation": row["citation"]})
            else:
                sets = {
                    "defines": entry.defines,
                    "lists": entry.lists,
                    "reaches": entry.reaches,
                    "replaces": entry.replaces,
                    "amended-by": entry.amended_by,
                }
                sets[what].add(value)
        return out

    @cached_property
    def refusals(self) -> dict[str, list[dict[str, str]]]:
        """Refusal grounds of each instrument, by its text and by statements: few, and the same for every question."""
        out: dict[str, list[dict[str, str]]] = {}
        for row in self.select("parts/refusals"):
            out.setdefault(code(row["instrument"]), []).append(row)
        return out

    @cached_property
    def refusals_everywhere(self) -> dict[str, list[dict[str, str]]]:
        """Refusal grounds that hold under every basis of a party, by the instrument that states them."""
        rows = {name: [r for r in some if r.get("every") == "true"] for name, some in self.refusals.items()}
        return {name: some for name, some in rows.items() if some}

    @cached_property
    def statements(self) -> dict[tuple[str, str], list[dict[str, str]]]:
        """Statements by instrument and party, the youngest first."""
        out: dict[tuple[str, str], list[dict[str, str]]] = {}
        for row in self.select("statements"):
            out.setdefault((code(row["instrument"]), code(row["party"])), []).append(row)
        return out

    def _ranks(self, cls: str, prop: str) -> dict[str, int]:
        rows = self.store.select(f"PREFIX lexo: <{ONTOLOGY}> SELECT ?s ?r WHERE {{ ?s a lexo:{cls} ; lexo:{prop} ?r }}")
        return {code(row["s"]): int(row["r"]) for row in rows}

    def _factor_fields(self, name: str) -> dict[str, str]:
        rows = self.store.select(
            f"PREFIX lexo: <{ONTOLOGY}> SELECT ?s ?f WHERE {{ ?s a lexo:ConnectingFactor "
            f"OPTIONAL {{ ?s lexo:{name} ?f }} }}"
        )
        return {code(row["s"]): row.get("f", "") for row in rows}

    def _also_needs(self) -> dict[str, str]:
        rows = self.store.select(f"PREFIX lexo: <{ONTOLOGY}> SELECT ?f ?o WHERE {{ ?f lexo:alsoNeeds ?o }}")
        return {code(row["f"]): code(row["o"]) for row in rows}

    def binding(self, kind: str) -> bool:
        """Whether a kind of basis (code or IRI) binds states."""
        return "BindingBasis" in self.codes.of_class("basis-kind", kind.rsplit("/", 1)[-1])

    def topic(self, about: str) -> str:
        """The topic of national law on a point; a point that names none is a topic itself."""
        found = self._topics.get(about)
        if found is None:
            found = self._topics[about] = self.decisions.first("domestic-topic", {"about": about}).then or about
        return found

    def crimes(self, orders: Iterable[str], offences: Iterable[str], date: str) -> dict[tuple[str, str], Crime]:
        """What each order's law says of each offence on a day."""
        orders, offences = sorted(set(orders)), sorted(set(offences))
        if not orders or not offences:
            return {}
        missing = [o for o in orders if any((o, offence) not in self._crimes for offence in offences)]
        if missing:
            # Filled first, shown then: another thread must never see a crime as unrecorded that is being read.
            read: dict[tuple[str, str], list[dict[str, str]]] = {(o, f): [] for o in missing for f in offences}
            for row in self.select(
                "criminalisation", order=iris(missing, f"{ID}state/"), offence=iris(offences, f"{ID}offence/")
            ):
                read[(code(row["order"]), code(row["offence"]))].append(row)
            self._crimes.update(read)
        out = {}
        for key in ((order, offence) for order in orders for offence in offences):
            rows = [row for row in self._crimes[key] if row["from"] <= date < row["until"]]
            if rows:
                out[key] = self._crime(rows)
        return out

    def _crimes_with_features(
        self, orders: Iterable[str], offences: Iterable[str], date: str, features: Iterable[str]
    ) -> dict[tuple[str, str], Crime]:
        """Crimes as the features of the act leave them: an attempt must itself be punishable, and so on."""
        orders, offences = sorted(set(orders)), sorted(set(offences))
        needed = sorted({self.also_needs[f] for f in features if f in self.also_needs})
        found = self.crimes(orders, [*offences, *needed], date)
        if not needed:
            return found
        out = {}
        for order in orders:
            needs = tuple((o, found.get((order, o), UNRECORDED).status) for o in needed)
            for offence in offences:
                own = found.get((order, offence))
                if own is None:
                    continue
                status = own.status
                for other, said in needs:
                    if other != offence:
                        status = self.decisions.first("combined-crime", {"own": status, "needed": said}).then
                out[(order, offence)] = replace(own, status=status, needs=needs)
        return out

    def read_domestic(self, orders: Iterable[str]) -> None:
        """Read the rules on cooperation of several legal orders at once, for those not read yet."""
        missing = sorted(set(orders) - set(self._domestic))
        if not missing:
            return
        read: dict[str, list[dict[str, str]]] = {order: [] for order in missing}
        for row in self.select("domestic", requested=iris(missing, f"{ID}state/")):
            read[code(row["requested"])].append(row)
        self._domestic.update(read)

    def domestic(self, requested: str, requesting: str, date: str) -> list[dict[str, str]]:
        """Rules of a legal order on cooperation in force on a day, towards one counterpart."""
        self.read_domestic([requested])
        return [
            row
            for row in self._domestic[requested]
            if row["from"] <= date < row["until"]
            and ("counterpart" not in row or code(row["counterpart"]) == requesting)
        ]

    def _crime(self, rows: list[dict[str, str]]) -> Crime:
        best = min(int(row["rank"]) for row in rows)
        deciding = [row for row in rows if int(row["rank"]) == best]
        years = [float(row["years"]) for row in deciding if "years" in row]
        # A graver form, or a provision that covers the act only in part, may reach further.
        more = [float(row[key]) for row in rows for key in ("years", "aggravated") if key in row]
        certainties = [code(row["certainty"]) for row in deciding]
        return Crime(
            status=code(deciding[0]["status"]),
            years=max(years) if years else None,
            aggravated=max(more) if more else None,
            implied_by_treaty=any(code(row["status"]) == "treaty-implied" for row in rows),
            no_crime_before=any(row.get("later") == "true" or row["until"] != END for row in deciding),
            ever_recorded=True,
            provisions=tuple(dict.fromkeys(row["citation"] for row in deciding)),
            # Several provisions may each carry the answer: the surest one is enough.
            certainty=min(certainties, key=lambda c: self.certainty_rank[c]),
            records=tuple(sorted({r for row in deciding for r in self.records(row["fact"])})),
        )

    def case(
        self,
        fields: Mapping[str, list[str]],
        offences: list[str],
        date: str,
        orders: Iterable[str],
        features: Iterable[str] = (),
        pleas: Iterable[str] = (),
    ) -> Case:
        """The facts of a question with the criminal law of the states that it touches."""
        return Case(
            fields=fields,
            features=frozenset(features),
            pleas=frozenset(pleas),
            offences=offences,
            date=date,
            crimes=self._crimes_with_features(orders, offences, date, features),
            name=self.codes.name,
            offence_classes=lambda c: self.codes.of_class("offence", c),
            offence_label=lambda c: str(self.codes.kinds["offence"][c]["label"]),
            bound=lambda instrument, states, on: set(self.bound([instrument], states, on).get(instrument, [])),
        )

    def decide(self, family: str, test: str, case: Case, subject: Subject) -> tuple[str, str]:
        """Outcome and reason of a declared test on a case."""
        names = subject.names
        names.setdefault("order", self.codes.name(subject.order))
        names.setdefault("requested", self.codes.name(subject.order))
        names.setdefault("requesting", self.codes.name(subject.requesting))
        names.setdefault("offence", case.offence_label(subject.offence) if subject.offence else "")
        found = self.decisions.tests[(family, test)]
        return self.decisions.test(family, test, compare(found, case, subject), names)

    def first(self, table: str, facts: Mapping[str, str], names: Mapping[str, Any]) -> tuple[str, str]:
        """Outcome and reason of the first row of a decision table that matches."""
        row = self.decisions.first(table, facts)
        return row.then, fill(row.why, names)

    @staticmethod
    def fill(row: TableRow, names: Mapping[str, Any]) -> str:
        """The reason of a row of a decision table in words."""
        return fill(row.why, names)

    def records(self, fact: str) -> list[str]:
        """The asserted records from which an interval fact was derived, through other facts."""
        thing = self.store.describe([fact])[fact]
        out: list[str] = []
        for source in thing.get("derivedFrom", []):
            if "/record/" in source or "/custom/" in source:
                out.append(source)
            else:
                inner = self.records(source)
                out.extend(inner or [source])
        return sorted(set(out))

    def derivation(self, fact: str) -> list[tuple[str, str]]:
        """The facts behind a fact, itself first, each with the rule that made it."""
        thing = self.store.describe([fact])[fact]
        out = [(fact, code(rule)) for rule in thing.get("derivedByRule", [])]
        for source in thing.get("derivedFrom", []):
            out += [step for step in self.derivation(source) if step not in out]
        return out

    @staticmethod
    def rule_iri(rule: str) -> str:
        """Address of a derivation rule."""
        return f"{ID}rule/{rule}"

    @cached_property
    def readings(self) -> dict[str, list[dict[str, str]]]:
        """Alternative readings by the record that they read otherwise."""
        out: dict[str, list[dict[str, str]]] = {}
        for row in self.select("parts/readings"):
            out.setdefault(row["record"], []).append(row)
        return out

    @cached_property
    def best_status(self) -> str:
        """The best status of a basis."""
        return min(self.basis_rank, key=lambda s: self.basis_rank[s])

    @cached_property
    def supplement_class(self) -> str:
        """The class of bases that only supplement another."""
        return self.decisions.first("basis-class", {"mode": "supplement", "scope": "met"}).then

    @cached_property
    def hubs(self) -> dict[str, set[str]]:
        """Legal orders on the hub side of an instrument that has two sides."""
        rows = self.store.select(f"PREFIX lexo: <{ONTOLOGY}> SELECT ?i ?h WHERE {{ ?i lexo:hub ?h }}")
        out: dict[str, set[str]] = {}
        for row in rows:
            out.setdefault(code(row["i"]), set()).add(code(row["h"]))
        return out

    @cached_property
    def court_starts(self) -> dict[tuple[str, str], str]:
        """First day of a court's jurisdiction over an offence anywhere, by court and offence."""
        rows = self.select("parts/court-starts")
        return {(code(row["court"]), code(row["offence"])): row["start"] for row in rows}

    @cached_property
    def comparisons(self) -> list[dict[str, str]]:
        """Rules that name factors for choosing between several states."""
        return self.select("parts/comparison")

    def basis(self, fact: str, thing: Thing) -> dict[str, Any]:
        """The legal basis of an interval fact in the form of the contract."""
        records = self.records(fact)
        described = self.store.describe(records)
        # The record of the provision itself says more than the act by which a state was bound.
        order = sorted(records, key=lambda r: ("/action/" in r or "/membership/" in r, r))
        sourced = next((r for r in order if described[r].get("source")), order[0] if order else None)
        about = described.get(sourced, {}) if sourced else {}
        until = thing["until"][0]
        start = thing["from"][0]
        provision = thing.get("provision")
        return {
            "kind": code(thing["basisKind"][0]),
            "instrument": code(thing["instrument"][0]),
            "provision": code(provision[0]) if provision else None,
            "citation": thing["citation"][0],
            "from": None if start == START else start,
            "until": None if until == END else until,
            "source": first(about, "source"),
            "source_kind": code(about["sourceKind"][0]) if about.get("sourceKind") else None,
            "evidence": code(about["evidence"][0]) if about.get("evidence") else None,
            "certainty": code(thing["recordCertainty"][0]),
        }

    def members(self, organisation: str, date: str) -> set[str]:
        """Members of an organisation on a day."""
        key = f"organisation/{organisation}"
        if key not in self._parties:
            self._parties[key] = self.select("parts/members", organisation=iris([organisation], f"{ID}organisation/"))
        return {code(r["party"]) for r in self._parties[key] if r["from"] <= date < r["until"]}

    def weakest(self, certainties: Iterable[str | None]) -> str | None:
        """The weakest of some certainties."""
        known = [c for c in certainties if c]
        return max(known, key=lambda c: self.certainty_rank[c]) if known else None

    def bound(self, instruments: Iterable[str], parties: Iterable[str], date: str) -> dict[str, list[str]]:
        """Which of some parties each instrument binds on a day."""
        wanted = set(parties)
        out: dict[str, list[str]] = {}
        for name in instruments:
            if name not in self._parties:
                self._parties[name] = self.select("parties", instrument=iris([name], f"{ID}instrument/"))
            found = [r["code"] for r in self._parties[name] if r["from"] <= date < r["until"] and r["code"] in wanted]
            if found:
                out[name] = found
        return out


__all__ = ["END", "START", "UNRECORDED", "Context", "Instrument", "code"]
