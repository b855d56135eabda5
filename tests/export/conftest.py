"""A small project and its snapshot."""

from __future__ import annotations

import pytest

from export.small import publish, small_project
from lexgraph.settings import Project
from lexgraph.snapshot import Snapshot


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return small_project(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def published(small: Project) -> Snapshot:
    return publish(small)
