"""The real engine on the real graph, built at most once for all test processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from lexgraph import build, snapshot
from lexgraph.engine import Engine
from lexgraph.settings import Project, project
from lexgraph.tables import SourceError

# Answers take some milliseconds each; a slow machine is no failure of a property.
settings.register_profile("lexgraph", deadline=None, derandomize=True)
settings.load_profile("lexgraph")


@dataclass(frozen=True)
class BuiltElsewhere(Project):
    """The project with another folder for what is built."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder against other processes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """A folder that is filled by the first test process that asks for it and shared by all."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def fill(name: str, make: Callable[[Path], object]) -> Path:
        folder = shared / name
        with only_one(folder):
            if not (folder / ".made").exists():
                make(folder)
                (folder / ".made").touch()
        return folder

    return fill


def _home(sources: Project) -> Path:
    """LEXGRAPH_TEST_HOME, else the project's own graph where it is up to date, else a folder beside it."""
    if named := os.environ.get("LEXGRAPH_TEST_HOME"):
        return Path(named)
    try:
        fresh = snapshot.current(sources.home).name == build._read_inputs(sources).name
    except snapshot.NoSnapshotError:
        fresh = False
    return sources.home if fresh else sources.root / "build" / "tests"


@pytest.fixture(scope="session")
def graph_project() -> Project:
    """The project with an up-to-date graph; its home stays between runs."""
    sources = project()
    found = BuiltElsewhere(sources.root, _home(sources))
    with only_one(found.home):
        try:
            build.build(found, found.home)
        except SourceError as exc:
            pytest.fail("the graph cannot be built:\n" + "\n".join(map(str, exc.problems)), pytrace=False)
    return found


@pytest.fixture(scope="session")
def engine(graph_project: Project) -> Engine:
    """The engine on the project's own data."""
    return Engine.open(graph_project)


Answer = dict[str, Any]


@pytest.fixture(scope="session")
def prosecute(engine: Engine) -> Callable[..., dict[str, Answer]]:
    """Ask who can prosecute; the answers by legal order."""

    def ask(**facts: Any) -> dict[str, Answer]:
        found = engine.prosecute(facts)["answers"]
        answers = {answer["jurisdiction"]: answer for answer in found}
        assert len(answers) == len(found), "a legal order answers twice"
        return answers

    return ask


@pytest.fixture(scope="session")
def cooperate(engine: Engine) -> Callable[..., Answer]:
    """Ask one state for one measure on behalf of another; the one answer."""

    def ask(requesting: str, requested: str, measure: str, as_of: str, **facts: Any) -> Answer:
        facts.setdefault("offences", ["illegal-access"])
        question = {"requesting": requesting, "requested": requested, "measures": [measure], "as_of": as_of, **facts}
        (answer,) = engine.cooperate(question)["answers"]
        return dict(answer)

    return ask
