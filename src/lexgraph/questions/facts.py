"""Facts of a question, and the closed list of relations by which declared tests compare them with records.

A relation answers yes, no, or None where the facts given do not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lexgraph.decisions import FactTest


@dataclass(frozen=True)
class Crime:
    """What the law of one order says of one offence on one day."""

    status: str = "unknown"
    years: float | None = None
    aggravated: float | None = None
    implied_by_treaty: bool = False
    no_crime_before: bool = False
    ever_recorded: bool = False
    provisions: tuple[str, ...] = ()
    certainty: str | None = None
    records: tuple[str, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    """(offence category, status) that the law must know too: attempt, participation, liability of legal persons."""


UNRECORDED = Crime()


@dataclass
class Case:
    """The facts of a question, by field, and what the graph says of its offences."""

    fields: Mapping[str, list[str]]
    features: frozenset[str]
    pleas: frozenset[str]
    offences: list[str]
    date: str
    crimes: Mapping[tuple[str, str], Crime]
    name: Callable[[str], str]
    offence_classes: Callable[[str], set[str]]
    offence_label: Callable[[str], str]
    bound: Callable[[str, list[str], str], set[str]] = lambda instrument, states, date: set()
    """Which of some states an instrument binds on a day."""
    duties: set[tuple[str, str]] = field(default_factory=set)
    """(order, offence) for which a treaty obliges the order to have jurisdiction beyond its territory on the facts."""

    def given(self, names: Iterable[str]) -> list[str]:
        """Every value of some fields."""
        return [value for name in names for value in self.fields.get(name, [])]

    def crime(self, order: str, offence: str) -> Crime:
        """What is recorded of an offence in a legal order on the day of the conduct."""
        return self.crimes.get((order, offence), UNRECORDED)


@dataclass
class Subject:
    """What a test is about: a ground or a basis."""

    order: str
    offence: str
    limit: float | None = None
    requesting: str = ""
    measure: str = ""
    own_offences: frozenset[str] = frozenset()
    listed_offences: frozenset[str] = frozenset()
    reached_offences: frozenset[str] = frozenset()
    instrument: str = ""
    as_of: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Lists of states worked out from the question, by name: who asked first, whose penalty is gravest, ..."""


Relation = Callable[[FactTest, Case, Subject], bool | None]


def _order_in(test: FactTest, case: Case, subject: Subject) -> bool | None:
    given = case.given(test.fields)
    subject.names["given"] = ", ".join(case.name(v) for v in given)
    return subject.order in given if given else None


def _other_in(test: FactTest, case: Case, subject: Subject) -> bool | None:
    others = [v for v in case.given(test.fields) if v != subject.order]
    subject.names["given"] = ", ".join(case.name(v) for v in others)
    return bool(others) if case.given(test.fields) else None


def _any_given(test: FactTest, case: Case, subject: Subject) -> bool | None:
    given = case.given(test.fields)
    subject.names["given"] = ", ".join(case.name(v) for v in given)
    return True if given else None


def _criminalised_at(test: FactTest, case: Case, subject: Subject) -> bool | None:
    places = case.given(test.fields)
    subject.names["places"] = ", ".join(case.name(v) for v in places)
    statuses = {case.crime(place, subject.offence).status for place in places}
    if statuses & {"criminalised", "treaty-implied"}:
        return True
    return False if statuses == {"not-criminalised"} else None


def _bound_by_duty(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return True if (subject.order, subject.offence) in case.duties else None


def reaches(crime: Crime, limit: float) -> bool | None:
    """Whether a maximum penalty reaches a limit: by the basic maximum yes, by the aggravated one alone unknown."""
    if crime.years is not None and crime.years >= limit:
        return True
    if crime.aggravated is not None and crime.aggravated >= limit:
        return None
    return False if crime.years is not None else None


def _penalty_reaches(test: FactTest, case: Case, subject: Subject) -> bool | None:
    limit = subject.limit if subject.limit is not None else float(test.value)
    subject.names["limit"] = f"{limit:g}"
    return reaches(case.crime(subject.order, subject.offence), limit)


def _offence_asked(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return test.value == subject.offence or (test.family == "condition" and test.value in case.offences)


def _offence_class(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return test.value in case.offence_classes(subject.offence)


def _feature(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return True if test.value in case.features else None


def _offence_or_feature(test: FactTest, case: Case, subject: Subject) -> bool | None:
    offence, feature = test.value.split("|")
    return subject.offence == offence or offence in case.offences or feature in case.features


def _other_not_bound(test: FactTest, case: Case, subject: Subject) -> bool | None:
    """Whether a state given is neither the order itself nor a party to the instrument that the test is about."""
    given = [v for v in dict.fromkeys(case.given(test.fields)) if v != subject.order]
    if not case.given(test.fields):
        return None
    inside = (
        case.bound(subject.instrument, given, subject.as_of or case.date) if subject.instrument and given else set()
    )
    outside = [v for v in given if v not in inside]
    subject.names["given"] = ", ".join(case.name(v) for v in outside)
    return bool(outside)


def _given_or_feature(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return True if case.given(test.fields) or test.value in case.features else None


def _plea(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return test.value in case.pleas


def _plea_or_feature(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return bool(set(test.value.split("|")) & (case.pleas | case.features))


def _never(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return None


def _always(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return True


def _own_offence(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return subject.offence in subject.own_offences


def _listed_offence(test: FactTest, case: Case, subject: Subject) -> bool | None:
    if subject.offence in subject.reached_offences:
        return True
    return subject.offence in subject.listed_offences if subject.listed_offences else None


def _own_or_penalty(test: FactTest, case: Case, subject: Subject) -> bool | None:
    if subject.offence in subject.own_offences:
        return True
    limit = float(test.value.split("|")[0])
    answers = {reaches(case.crime(order, subject.offence), limit) for order in (subject.requesting, subject.order)}
    return True if True in answers else None if None in answers else False


def _own_or_penalty_with_feature(test: FactTest, case: Case, subject: Subject) -> bool | None:
    inside = _own_or_penalty(test, case, subject)
    if inside is False:
        return False
    return inside if test.value.split("|")[1] in case.features else None


def _measure_asked(test: FactTest, case: Case, subject: Subject) -> bool | None:
    return True if subject.measure == test.value else None


def _all_bound(test: FactTest, case: Case, subject: Subject) -> bool | None:
    given = list(dict.fromkeys(case.given(test.fields)))
    if not given:
        return None
    outside = [v for v in given if v not in case.bound(test.value, given, case.date)]
    subject.names["given"] = ", ".join(case.name(v) for v in outside)
    return not outside


def _any_bound(test: FactTest, case: Case, subject: Subject) -> bool | None:
    """Whether a state given is a party, on the day of the request, to the instrument that the test is about."""
    given = list(dict.fromkeys(case.given(test.fields)))
    if not given:
        return None
    inside = sorted(case.bound(subject.instrument, given, subject.as_of or case.date)) if subject.instrument else []
    subject.names["given"] = ", ".join(case.name(v) for v in inside)
    return bool(inside)


def _worked_out(test: FactTest, case: Case, subject: Subject) -> bool | None:
    found = subject.facts.get(test.value, [])
    return subject.order in found if found else None


def _requesting_penalty(test: FactTest, case: Case, subject: Subject) -> bool | None:
    crime = case.crime(subject.requesting, subject.offence)
    # What a graver form threatens is threatened too.
    if crime.aggravated is not None and crime.aggravated >= float(test.value):
        return True
    return reaches(crime, float(test.value))


RELATIONS: dict[str, Relation] = {
    "order-in": _order_in,
    "requested-in": _order_in,
    "other-in": _other_in,
    "any-given": _any_given,
    "all-bound": _all_bound,
    "any-bound": _any_bound,
    "worked-out": _worked_out,
    "criminalised-at": _criminalised_at,
    "bound-by-jurisdiction-duty": _bound_by_duty,
    "penalty-reaches": _penalty_reaches,
    "requesting-penalty": _requesting_penalty,
    "offence-asked": _offence_asked,
    "offence-class": _offence_class,
    "feature": _feature,
    "given-or-feature": _given_or_feature,
    "offence-or-feature": _offence_or_feature,
    "other-not-bound": _other_not_bound,
    "plea": _plea,
    "plea-or-feature": _plea_or_feature,
    "never-settled": _never,
    "always": _always,
    "own-offence": _own_offence,
    "listed-offence": _listed_offence,
    "own-offence-or-penalty": _own_or_penalty,
    "own-offence-or-penalty-with-feature": _own_or_penalty_with_feature,
    "measure-asked": _measure_asked,
}


def compare(test: FactTest, case: Case, subject: Subject) -> bool | None:
    """Run the relation of a declared test."""
    return RELATIONS[test.relation](test, case, subject)
