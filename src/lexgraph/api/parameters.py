"""Questions as parameters of an address: flat names, those of the command line's options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lexgraph.api.negotiate import unknown
from lexgraph.api.problems import FieldError, field_error, invalid

FORMAT = "format"


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    `place` is where its values go in the question: a field, `person.field`, `people[].field` for the one person
    that flat names can tell of, or `field{}` for values of the form KEY=VALUE. `also` is a second name.
    """

    name: str
    place: str
    text: str
    many: bool = True
    also: str | None = None


def _states(name: str, text: str, place: str | None = None, also: str | None = None) -> Parameter:
    return Parameter(name, place or name, f"State or territory {text}. May be repeated.", also=also)


_OFFENCE = Parameter(
    "offence",
    "offences",
    "Offence category or everyday word. May be repeated.",
    also="offences",
)
_FEATURE = Parameter("feature", "features", "Trait of the act. May be repeated.", also="features")
_CONDUCT_DATE = Parameter("conduct_date", "conduct_date", "Day of the act; `as_of` if left out.", many=False)
_EXPLAIN = Parameter("explain", "explain", "true: with the chain to rule, records and sources.", many=False)
_AS_OF = Parameter("as_of", "as_of", "Day of the question; today if left out.", many=False)
_CONDUCT_IN = _states("conduct_in", "where the person acted")
_EFFECTS_IN = _states("effects_in", "where result or damage was")
_SYSTEMS_IN = _states("systems_in", "where the attacked system was")
_JUDGED_IN = _states("judged_in", "where the act was finally judged")
_PROCEEDINGS_IN = _states("proceedings_in", "where proceedings are under way")

PROSECUTE: tuple[Parameter, ...] = (
    _OFFENCE,
    _CONDUCT_DATE,
    _AS_OF,
    _CONDUCT_IN,
    _EFFECTS_IN,
    _SYSTEMS_IN,
    _states("suspect_nationality", "of which the suspect is a national", "suspects[].nationality"),
    _states("suspect_residence", "where the suspect lives", "suspects[].residence"),
    _states("suspect_in", "where the suspect is now", "suspects[].present_in"),
    _states("victim_nationality", "of which the victim is a national", "victims[].nationality"),
    _states("victim_residence", "where the victim lives", "victims[].residence"),
    _states("victim_seat", "where the victim has its seat", "victims[].established_in"),
    _states("interest", "whose institutions or interests were targeted", "interests", "interests"),
    _states("flag", "whose flag the ship flew, or where the aircraft was registered"),
    _FEATURE,
    _JUDGED_IN,
    _states("complaint_by", "where the victim has complained"),
    _states("authorised_by", "where the prosecution was authorised"),
    _states("extradition_refused_by", "that has refused extradition"),
    _PROCEEDINGS_IN,
    _states("suspect_seat", "where a suspect legal person is incorporated or seated", "suspects[].established_in"),
    _EXPLAIN,
)
COOPERATE: tuple[Parameter, ...] = (
    _states("requesting", "that asks", "requesting"),
    _states("requested", "that is asked", "requested"),
    _OFFENCE,
    Parameter("measure", "measures", "Measure asked; all if left out. May be repeated.", also="measures"),
    _AS_OF,
    _CONDUCT_DATE,
    _states("person_nationality", "of which the person is a national", "person.nationality"),
    _FEATURE,
    _CONDUCT_IN,
    _EFFECTS_IN,
    _SYSTEMS_IN,
    _PROCEEDINGS_IN,
    _JUDGED_IN,
    Parameter("plea", "pleas", "Plea raised against the request. May be repeated.", also="pleas"),
    _states("interest", "whose security or interests were harmed", "interests", "interests"),
    Parameter("request_date", "request_dates{}", "Day of a state's request, as `US=2016-10-12`. May be repeated."),
    _EXPLAIN,
)
ROUTES: tuple[Parameter, ...] = (
    Parameter("requesting", "requesting", "State that asks.", many=False),
    Parameter("requested", "requested", "State that is asked.", many=False),
    Parameter("measure", "measure", "Measure asked; extradition if left out.", many=False),
    _OFFENCE,
    _AS_OF,
    _CONDUCT_DATE,
    _states("person_nationality", "of which the person is a national", "person.nationality"),
)
HAVENS: tuple[Parameter, ...] = (
    _OFFENCE,
    _AS_OF,
    _CONDUCT_DATE,
    Parameter("requesting", "requesting", "State towards which nothing may bind.", many=False),
)


def read(pairs: Iterable[tuple[str, str]], known: tuple[Parameter, ...]) -> dict[str, Any]:
    """The question that parameters tell. Empty values count as not given, as forms send them.

    Raises:
        Problem: a name is not known, or one that takes a single value is repeated.
    """
    by_name = {name: one for one in known for name in (one.name, one.also) if name}
    given: dict[Parameter, list[str]] = {}
    pairs = [pair for pair in pairs if pair[0] != FORMAT]
    errors = [
        {**error, "suggestions": list(dict.fromkeys(by_name[name].name for name in error["suggestions"]))}
        for error in unknown((name for name, _ in pairs), by_name)
    ]
    for name, value in pairs:
        if name in by_name and value.strip():
            given.setdefault(by_name[name], []).append(value)
    errors += [
        field_error(one.place, f"{one.name} takes one value, not {len(values)}")
        for one, values in given.items()
        if not one.many and len(values) > 1
    ]
    if errors:
        raise invalid(name_parameters(errors, known))
    question: dict[str, Any] = {}
    for one, values in given.items():
        group, _, field = one.place.rpartition(".")
        target = question
        if field.endswith("{}"):
            question[field.removesuffix("{}")] = {key: day for key, _, day in (v.partition("=") for v in values)}
            continue
        if group.endswith("[]"):
            target = question.setdefault(group.removesuffix("[]"), [{}])[0]
        elif group:
            target = question.setdefault(group, {})
        target[field] = values if one.many else values[0]
    return question


def name_parameters(errors: list[FieldError], known: tuple[Parameter, ...]) -> list[FieldError]:
    """Add, to errors about places in a question, the parameter that was at fault."""
    by_place = {one.place.replace("[]", ""): one.name for one in known}
    named = []
    for error in errors:
        place = ".".join(part.split("[", 1)[0] for part in error["field"].split("."))
        parameter = by_place.get(place)
        named.append({**error, "parameter": parameter} if parameter else error)
    return named
