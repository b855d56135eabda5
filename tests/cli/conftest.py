"""A runner of commands, an engine that only listens, and a small project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from export.small import publish, small_project
from lexgraph import settings
from lexgraph.cli import app
from lexgraph.codes import InputError
from lexgraph.settings import Project

PROSECUTE: dict[str, Any] = {
    "question": {
        "offences": ["illegal-access", "cyber-extortion"],
        "conduct_date": "2000-06-01",
        "as_of": "2000-11-10",
        "notes": ["'hacking' is read as illegal-access"],
    },
    "data_version": "2026.1.1+test",
    "answers": [
        {
            "jurisdiction": "US",
            "name": "United States",
            "status": "established",
            "certainty": "shown",
            "criminalisation": [],
            "grounds": [
                {
                    "principle": "territoriality-effects",
                    "factor": factor,
                    "place": "US",
                    "offence": "illegal-access",
                    "status": "established",
                    "why": "a provision in force and every condition met",
                    "basis": {
                        "kind": "national",
                        "instrument": "us-18-usc",
                        "provision": "us-18-usc/1030/e/2/b",
                        "citation": "18 U.S.C. § 1030(e)(2)(B)",
                        "from": "1996-10-11",
                        "until": None,
                        "source": "https://uscode.house.gov/",
                        "evidence": "document",
                        "certainty": "shown",
                    },
                    "conditions": [{"code": "presence-in-territory", "status": "unknown", "why": "not given"}],
                    "excluded_by": None,
                    "derived_from": ["https://w3id.org/lexgraph/id/record/jurisdiction/one"],
                    "certainty": "shown",
                }
                for factor in ("effects_in", "systems_in")
            ],
        },
        {
            "jurisdiction": "RU",
            "name": "[bold]Russia[/bold]",
            "status": "unknown",
            "certainty": None,
            "criminalisation": [],
            "grounds": [],
        },
    ],
    "concurrence": {
        "states": ["US", "RU"],
        "duties": [{"instrument": "untoc", "provision": "untoc/15/5", "states": ["US", "RU"]}],
        "factors": [{"code": "suspect-present", "states": ["RU"]}],
    },
    "obstacles": [{"code": "treaty-gap", "states": ["US", "RU"], "why": "nothing binds both"}],
}

_BASIS: dict[str, Any] = {
    "kind": "treaty",
    "instrument": "ets-185",
    "provision": "ets-185/24/1",
    "citation": "Budapest Convention, art. 24(1)",
    "mode": "self-standing",
    "status": "refusable",
    "why": "a ground of refusal is live",
    "certainty": "shown",
    "from": "2007-01-01",
    "until": None,
    "channel": "central-authority",
    "speed": "weeks",
    "dual_criminality": {"rule": "required", "status": "met", "why": "a crime in both"},
    "penalty_threshold": {"years": 1.0, "status": "met", "why": "two years"},
    "nationals": None,
    "refusal_grounds": [
        {"code": "political-offence", "effect": "optional", "live": True, "why": "pleaded"},
        {"code": "own-national", "effect": "optional", "live": False, "why": "no national"},
    ],
    "source": None,
    "evidence": "document",
    "derived_from": ["https://w3id.org/lexgraph/id/record/provision/one"],
}

COOPERATE: dict[str, Any] = {
    "question": {"offences": [], "conduct_date": "2020-01-01", "as_of": "2020-01-01"},
    "data_version": "2026.1.1+test",
    "answers": [
        {
            "requesting": "FR",
            "requested": "DE",
            "measure": "extradition",
            "status": "refusable",
            "why": "",
            "certainty": "shown",
            "bases": [_BASIS, {**_BASIS, "citation": "Budapest Convention, art. 24(3)", "provision": "ets-185/24/3"}],
            "bars": [{"code": "nationality-bar", "why": "Germany does not extradite its nationals", "basis": {}}],
            "fallback": {"code": "extradite-or-prosecute", "basis": {"citation": "Budapest Convention, art. 24(6)"}},
            "authorities": [],
            "police_channels": [{"measure": "police-cooperation", "organisation": "interpol", "name": "INTERPOL"}],
            "obstacles": [],
        },
        {
            "requesting": "FR",
            "requested": "DE",
            "measure": "realtime-traffic-data",
            "status": "no-basis",
            "why": "nothing binds both",
            "certainty": None,
            "bases": [],
            "bars": [],
            "fallback": None,
            "authorities": [],
            "police_channels": [],
            "obstacles": [{"code": "treaty-gap", "why": "nothing binds both"}],
        },
    ],
    "obstacles": [],
}


class Listener:
    """Keeps what it is asked and gives a fixed answer, or raises."""

    data_version = "2026.1.1+test"

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.in_memory: bool | None = None
        self.error: Exception | None = None

    def _keep(self, asked: Any) -> None:
        self.asked.append(asked)
        if self.error:
            raise self.error

    def prosecute(self, question: dict[str, Any]) -> dict[str, Any]:
        self._keep(question)
        return PROSECUTE

    def cooperate(self, question: dict[str, Any]) -> dict[str, Any]:
        self._keep(question)
        return COOPERATE

    def run_query(self, name: str, params: dict[str, list[str]]) -> tuple[list[str], list[dict[str, str]]]:
        self._keep((name, params))
        return ["party", "from"], [{"party": "FR", "from": "2006-05-01"}, {"party": "DE"}]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No width and no colour from outside."""
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Listener:
    listener = Listener()

    def opened(home: Project | None = None, *, in_memory: bool = True) -> Listener:
        listener.in_memory = in_memory
        return listener

    monkeypatch.setattr("lexgraph.engine.Engine.open", opened)
    return listener


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A small project of its own, which the commands find."""
    root = tmp_path_factory.mktemp("small")
    made = small_project(root)
    monkeypatch.setenv("LEXGRAPH_ROOT", str(root))
    monkeypatch.setenv("LEXGRAPH_HOME", str(root / "build"))
    settings.project.cache_clear()
    yield made
    settings.project.cache_clear()


@pytest.fixture
def published(small: Project) -> Project:
    publish(small)
    return small


def run(*arguments: str | Path, stdin: str | None = None) -> Result:
    """Run a command; a bug shows as itself."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def unknown(field: str) -> InputError:
    return InputError(field, "no state or territory is called 'Atlantis'", "Atlantis", ["AT (Austria)"])
