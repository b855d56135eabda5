"""The question as understood: codes resolved, defaults filled in, notes on what was read how."""

from __future__ import annotations

from datetime import date
from typing import Any

from lexgraph.codes import Codes, InputError
from lexgraph.decisions import Decisions
from lexgraph.questions.models import CooperateQuestion, HavensQuestion, ProsecuteQuestion

_STATE_LISTS = (
    "conduct_in",
    "effects_in",
    "systems_in",
    "interests",
    "flag",
    "judged_in",
    "complaint_by",
    "authorised_by",
    "extradition_refused_by",
    "proceedings_in",
)
_REQUEST_LISTS = ("conduct_in", "effects_in", "systems_in", "proceedings_in", "judged_in", "interests")


def _unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


class _Reader:
    def __init__(self, codes: Codes) -> None:
        self.codes = codes
        self.notes: list[str] = []

    def states(self, texts: list[str], field: str) -> list[str]:
        many = len(texts) > 1
        return _unique([self.codes.state(t, f"{field}[{i}]" if many else field) for i, t in enumerate(texts)])

    def offences(self, texts: list[str]) -> list[str]:
        out: list[str] = []
        for index, text in enumerate(texts):
            found, note = self.codes.offences(text, f"offences[{index}]" if len(texts) > 1 else "offences")
            out += found
            if note:
                self.notes.append(note)
        return _unique(out)

    def all(self, kind: str, texts: list[str], field: str) -> list[str]:
        many = len(texts) > 1
        return _unique([self.codes.code(kind, t, f"{field}[{i}]" if many else field) for i, t in enumerate(texts)])

    def dates(self, conduct: str | None, as_of: str | None) -> tuple[str, str]:
        """(conduct_date, as_of): as_of is today by default, conduct_date is as_of."""
        if as_of is None:
            asked = date.today().isoformat()
        else:
            asked, note = self.codes.day(as_of, "as_of")
            if note:
                self.notes.append(note)
        if conduct is None:
            return asked, asked
        done, note = self.codes.day(conduct, "conduct_date")
        if note:
            self.notes.append(note)
        if done > asked:
            raise InputError(
                "conduct_date",
                f"the act ({done}) lies after the day of the question (as_of {asked})",
                conduct,
            )
        return done, asked


def read_prosecute(codes: Codes, question: ProsecuteQuestion) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The echo of the question, and its facts by field."""
    reader = _Reader(codes)
    echo: dict[str, Any] = {"offences": reader.offences(question.offences)}
    echo["conduct_date"], echo["as_of"] = reader.dates(question.conduct_date, question.as_of)
    for name in _STATE_LISTS:
        echo[name] = reader.states(getattr(question, name), name)
    for group, keys in (
        ("suspects", ("nationality", "residence", "present_in", "established_in")),
        ("victims", ("nationality", "residence", "established_in")),
    ):
        echo[group] = [
            {key: reader.states(getattr(person, key), f"{group}[{index}].{key}") for key in keys}
            for index, person in enumerate(getattr(question, group))
        ]
    echo["features"] = reader.all("feature", question.features, "features")
    fields = {name: echo[name] for name in _STATE_LISTS}
    for group in ("suspects", "victims"):
        for person in echo[group]:
            for key, values in person.items():
                fields[f"{group}.{key}"] = _unique(fields.get(f"{group}.{key}", []) + values)
    if reader.notes:
        echo["notes"] = reader.notes
    return echo, fields


def read_cooperate(
    codes: Codes, decisions: Decisions, question: CooperateQuestion
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The echo of the question, and its facts by field."""
    reader = _Reader(codes)
    echo: dict[str, Any] = {
        "requesting": reader.states(question.requesting, "requesting"),
        "requested": reader.states(question.requested, "requested"),
        "offences": reader.offences(question.offences),
        "measures": reader.all("measure", question.measures, "measures"),
    }
    both = sorted(set(echo["requesting"]) & set(echo["requested"]))
    if both and len(echo["requesting"]) == len(echo["requested"]) == 1:
        raise InputError("requested", f"{both[0]} cannot ask itself", both[0])
    groups = {m for m in codes.kinds["measure"] if "MeasureGroup" in codes.of_class("measure", m)}
    for index, measure in enumerate(echo["measures"]):
        if measure in groups:
            raise InputError(f"measures[{index}]", f"{measure} is a group of measures; name single ones", measure)
    if not echo["measures"]:
        echo["measures"] = [m for m in codes.kinds["measure"] if m not in groups]
    echo["conduct_date"], echo["as_of"] = reader.dates(question.conduct_date, question.as_of)
    echo["person"] = {"nationality": reader.states(question.person.nationality, "person.nationality")}
    echo["features"] = reader.all("feature", question.features, "features")
    for name in _REQUEST_LISTS:
        echo[name] = reader.states(getattr(question, name), name)
    echo["pleas"] = reader.all("plea", question.pleas, "pleas")
    echo["request_dates"] = {}
    for text, on in question.request_dates.items():
        field = f"request_dates.{text}"
        state = reader.states([text], field)[0]
        asked, note = codes.day(on, field)
        if note:
            reader.notes.append(note)
        if state not in echo["requesting"]:
            raise InputError(field, f"{state} is not among the requesting", text)
        if state in echo["request_dates"]:
            raise InputError(field, f"{state} is given twice", text)
        if asked > echo["as_of"]:
            raise InputError(field, f"the request ({asked}) lies after the day of the question ({echo['as_of']})", on)
        echo["request_dates"][state] = asked
    asks = {decisions.first("nationals-apply", {"measure": m}).then for m in echo["measures"]}
    if "yes" in asks and not echo["person"]["nationality"]:
        reader.notes.append(decisions.first("note-nationality", {}).why)
    fields = {n: echo[n] for n in _REQUEST_LISTS}
    fields["person.nationality"] = echo["person"]["nationality"]
    if reader.notes:
        echo["notes"] = reader.notes
    return echo, fields


def read_havens(codes: Codes, question: HavensQuestion) -> dict[str, Any]:
    """The echo of the question."""
    reader = _Reader(codes)
    echo: dict[str, Any] = {"offences": reader.offences(question.offences)}
    echo["conduct_date"], echo["as_of"] = reader.dates(question.conduct_date, question.as_of)
    asking = [question.requesting] if question.requesting else []
    echo["requesting"] = next(iter(reader.states(asking, "requesting")), None)
    if reader.notes:
        echo["notes"] = reader.notes
    return echo
