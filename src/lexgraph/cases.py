"""Real cases against the engine: does the answer agree with history?

Two scores that are never mixed. *Exact* expectations (``expect`` in a case) name a status, the principle or basis
that history used, and what must not be there; one check passes only when all its parts do. *Loose* ones
(``expected_prosecute``, ``expected_status``) list the statuses that history allows, and nearly any answer passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

_SHOWN_ONLY = {"not-covered", "superseded", "unknown", "no-basis"}
_OPEN = {"excluded", "unknown"}


class Answers(Protocol):
    """What a check needs of an engine."""

    def prosecute(self, question: Mapping[str, Any]) -> dict[str, Any]: ...

    def cooperate(self, question: Mapping[str, Any]) -> dict[str, Any]: ...

    def _cases(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Check:
    """One expectation and what the engine answered."""

    case: str
    kind: str
    exact: bool
    what: str
    wanted: str
    got: str
    wrong: tuple[str, ...]
    explained: str | None
    collection: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong


def names_basis(wanted: str, basis: Mapping[str, Any], requested: str) -> bool:
    """Whether an expectation names a basis: an instrument id, ``bilateral:A-B:KIND[:YEAR]`` or ``national:S``."""
    instrument, provision = basis.get("instrument") or "", basis.get("provision") or ""
    kind, *rest = wanted.split(":")
    if kind == "national" and rest:
        own = rest[0].lower() + "-"
        return basis.get("kind") == "national" and (instrument.startswith(own) or requested == rest[0])
    if kind == "bilateral" and len(rest) >= 2:
        match = re.fullmatch(r"bilateral:([A-Z]+)-([A-Z]+):([a-z-]+)(?::(\d{4}))?", instrument)
        if not match or {match[1], match[2]} != set(rest[0].split("-")):
            return False
        # A treaty on both matters answers for either; a year left out means any.
        return match[3] in {rest[1], "both"} and (len(rest) < 3 or match[4] == rest[2])
    return instrument == wanted or provision == wanted or provision.startswith(f"{wanted}/")


def _prosecute(expect: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[str, list[str]]:
    found = next((a for a in answer["answers"] if a["jurisdiction"] == expect["jurisdiction"]), None)
    status = found["status"] if found else "absent"
    wrong = []
    wanted = expect.get("status") or []
    if wanted and status not in wanted:
        wrong.append(f"status {status} instead of {' or '.join(wanted)}")
    grounds = found["grounds"] if found else []
    held = {g["principle"] for g in grounds if g["status"] not in _OPEN}
    any_principle = {g["principle"] for g in grounds} if status in _OPEN else held
    some = set(expect.get("principles_any") or [])
    if some and "absent" not in wanted and not some & any_principle:
        wrong.append(f"none of the principles {', '.join(sorted(some))}")
    if none := held & set(expect.get("principles_none") or []):
        wrong.append(f"relies on {', '.join(sorted(none))}")
    return status, wrong


def _cooperate(
    expect: Mapping[str, Any], question: Mapping[str, Any], answer: Mapping[str, Any]
) -> tuple[str, list[str]]:
    rows = [a for a in answer["answers"] if not question.get("measures") or a["measure"] in question["measures"]]
    for key in ("requesting", "requested", "measure"):
        if expect.get(key):
            rows = [a for a in rows if a[key] == expect[key]]
    if not rows:
        return "absent", ["no answer for this pair and measure"]
    row = rows[0]
    wrong = []
    if expect.get("status") and row["status"] not in expect["status"]:
        wrong.append(f"status {row['status']} instead of {' or '.join(expect['status'])}")
    relied = [b for b in row["bases"] if b["status"] not in _SHOWN_ONLY]
    some = expect.get("bases_any") or []
    if some and not any(names_basis(w, b, row["requested"]) for w in some for b in relied):
        wrong.append(f"none of the bases {', '.join(some)}")
    wrong += [
        f"relies on {w}"
        for w in expect.get("bases_none") or []
        if any(names_basis(w, b, row["requested"]) for b in relied)
    ]
    named = {x["code"] for x in (*row["obstacles"], *row["bars"], *answer["obstacles"])}
    if expect.get("obstacles_any") and not named & set(expect["obstacles_any"]):
        wrong.append(f"none of the obstacles {', '.join(expect['obstacles_any'])}")
    return row["status"], wrong


def run(engine: Answers) -> Iterator[Check]:
    """Ask every case of ``data/cases`` and compare."""
    for case in engine._cases():
        for found in check_case(engine, case):
            yield replace(found, collection=str(case.get("collection") or ""))


def check_case(engine: Answers, case: Mapping[str, Any]) -> Iterator[Check]:
    """Ask one case and compare, exact expectations and loose ones."""
    name = case["id"]
    explained = case.get("disagreements") or {}
    expect = case.get("expect") or {}
    answer = engine.prosecute(case["scenario"])
    statuses = {a["jurisdiction"]: a["status"] for a in answer["answers"]}
    for place, wanted in (case.get("expected_prosecute") or {}).items():
        got = statuses.get(place, "absent")
        wrong = () if got in wanted else (f"status {got} instead of {' or '.join(wanted)}",)
        yield Check(name, "prosecute", False, place, "/".join(wanted), got, wrong, explained.get(place))
    for item in expect.get("prosecute") or []:
        got, failures = _prosecute(item, answer)
        key = item["jurisdiction"]
        yield Check(name, "prosecute", True, key, _wanted(item), got, tuple(failures), explained.get(key))
    answers: dict[int, dict[str, Any]] = {}

    def asked(index: int) -> dict[str, Any]:
        if index not in answers:
            answers[index] = engine.cooperate(case["cooperation"][index]["question"])
        return answers[index]

    for index, item in enumerate(case.get("cooperation") or []):
        if item.get("expected_status"):
            question = item["question"]
            rows = [a for a in asked(index)["answers"] if a["measure"] in (question.get("measures") or [a["measure"]])]
            got = rows[0]["status"] if rows else "absent"
            allowed = item["expected_status"]
            wrong = () if got in allowed else (f"status {got} instead of {' or '.join(allowed)}",)
            key = f"cooperation[{index}]"
            yield Check(name, "cooperate", False, key, "/".join(allowed), got, wrong, explained.get(key))
    for item in expect.get("cooperate") or []:
        index = item.get("question_index", 0)
        got, failures = _cooperate(item, case["cooperation"][index]["question"], asked(index))
        key = f"cooperation[{index}]"
        yield Check(name, "cooperate", True, key, _wanted(item), got, tuple(failures), explained.get(key))


def _wanted(item: Mapping[str, Any]) -> str:
    return "/".join(item.get("status") or ["any"])


def check(engine: Answers) -> dict[str, Any]:
    """Agreement with history as figures, and every disagreement with its cause where the case file gives one."""
    checks = list(run(engine))

    def score(some: Iterable[Check]) -> dict[str, Any]:
        listed = list(some)
        passed = sum(c.passed for c in listed)
        return {
            "asked": len(listed),
            "agreed": passed,
            "share": round(passed / len(listed), 4) if listed else None,
        }

    return {
        "cases": len({c.case for c in checks}),
        "exact": score(c for c in checks if c.exact),
        "exact_prosecute": score(c for c in checks if c.exact and c.kind == "prosecute"),
        "exact_cooperate": score(c for c in checks if c.exact and c.kind == "cooperate"),
        "loose": score(c for c in checks if not c.exact),
        "exact_by_collection": {
            name: score(c for c in checks if c.exact and c.collection == name)
            for name in sorted({c.collection for c in checks})
        },
        "disagreements": [asdict(c) for c in checks if not c.passed],
    }
