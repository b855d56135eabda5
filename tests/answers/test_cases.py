"""Real cases compared with history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lexgraph.cases import check, names_basis, run
from lexgraph.engine import Engine


@pytest.fixture(scope="module")
def result(engine: Engine) -> dict[str, Any]:
    return check(engine)


def test_agreement_with_history(result: dict[str, Any]) -> None:
    assert result["cases"] >= 90
    assert result["loose"]["share"] >= 0.98
    by_collection = result["exact_by_collection"]
    given = [by_collection[name] for name in ("documented", "literature")]
    assert sum(s["asked"] for s in given) == 234
    assert sum(s["agreed"] for s in given) / 234 >= 0.98
    # Written from their sources before they were run: a measure of the engine, not of the tuning.
    assert by_collection["found"]["asked"] >= 350
    assert by_collection["found"]["share"] >= 0.9


def test_found_cases_say_how_their_first_run_went(engine: Engine) -> None:
    found = [case for case in engine._cases() if case.get("collection") == "found"]
    assert len(found) >= 48
    for case in found:
        assert case["sources"], case["id"]
        assert case["first_run"]["day"] == "2026-11-21", case["id"]
        assert all({"what", "got", "wrong"} <= set(d) for d in case["first_run"]["disagreements"]), case["id"]


def test_every_disagreement_has_its_cause(result: dict[str, Any]) -> None:
    unexplained = [f"{d['case']} {d['what']}" for d in result["disagreements"] if d["exact"] and not d["explained"]]
    assert unexplained == []


def test_a_cause_is_kept_only_while_the_answer_disagrees(engine: Engine) -> None:
    """An explanation of a disagreement that is gone would mislead."""
    wrong = {(c.case, c.what) for c in run(engine) if not c.passed}
    stale = [
        (case["id"], key)
        for case in engine._cases()
        for key in case.get("disagreements") or {}
        if (case["id"], key) not in wrong
    ]
    assert stale == []


class Constant:
    """Answers every question with one status, as a test that any answer passes would not notice."""

    def __init__(self, engine: Engine, status: str) -> None:
        self.engine = engine
        self.status = status

    def prosecute(self, question: Mapping[str, Any]) -> dict[str, Any]:
        places = {p for key in ("conduct_in", "effects_in", "systems_in") for p in question.get(key) or []}
        grounds = [{"principle": "territoriality-effects", "status": self.status}]
        return {"answers": [{"jurisdiction": p, "status": self.status, "grounds": grounds} for p in sorted(places)]}

    def cooperate(self, question: Mapping[str, Any]) -> dict[str, Any]:
        row = {"requesting": question["requesting"], "requested": question["requested"], "status": self.status}
        rows = [{**row, "measure": m, "bases": [], "bars": [], "obstacles": []} for m in question.get("measures") or []]
        return {"answers": rows, "obstacles": []}

    def _cases(self) -> list[dict[str, Any]]:
        return self.engine._cases()


@pytest.mark.parametrize("status", ["established", "conditional", "excluded", "available", "barred", "unknown"])
def test_a_constant_answer_fails(engine: Engine, status: str) -> None:
    assert check(Constant(engine, status))["exact"]["share"] < 0.75


def test_names_of_bases() -> None:
    both = {"kind": "treaty", "instrument": "bilateral:FR-MA:both:1957", "provision": None}
    assert names_basis("bilateral:FR-MA:extradition", both, "MA")
    assert names_basis("bilateral:MA-FR:mla:1957", both, "MA")
    assert not names_basis("bilateral:FR-MA:extradition:2008", both, "MA")
    assert not names_basis("bilateral:FR-DZ:extradition", both, "DZ")
    law = {"kind": "national", "instrument": "ru-criminal-code", "provision": "ru-criminal-code/13/2"}
    assert names_basis("national:RU", law, "RU")
    assert not names_basis("national:US", law, "RU")
    treaty = {"kind": "treaty", "instrument": "ets-185", "provision": "ets-185/24/3"}
    assert names_basis("ets-185/24", treaty, "FR")
    assert not names_basis("ets-18", treaty, "FR")
