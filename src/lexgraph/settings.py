"""Where things are: base addresses, the project's folders, the snapshot folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BASE = os.environ.get("LEXGRAPH_BASE", "https://w3id.org/lexgraph/")
ONTOLOGY = f"{BASE}ontology/"
ID = f"{BASE}id/"
GRAPH = f"{BASE}graph/"
PROBLEM = f"{BASE}problem/"

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Project:
    """The folders of a working copy (or of the copy inside a wheel)."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def schemas(self) -> Path:
        return self.root / "data" / "schema"

    @property
    def ontology(self) -> Path:
        return self.root / "ontology"

    @property
    def queries(self) -> Path:
        return self.root / "queries"

    @property
    def home(self) -> Path:
        """Where built things go: snapshots and the cache of build steps."""
        return Path(os.environ.get("LEXGRAPH_HOME", self.root / "build"))


@cache
def project() -> Project:
    """Find the project: LEXGRAPH_ROOT, else the checkout around the package, else the wheel's copy."""
    named = os.environ.get("LEXGRAPH_ROOT")
    candidates = [Path(named)] if named else [_PACKAGE.parent.parent, _PACKAGE / "_project"]
    for root in candidates:
        if (root / "ontology").is_dir() and (root / "data").is_dir():
            return Project(root.resolve())
    looked = ", ".join(str(c) for c in candidates)
    raise FileNotFoundError(f"no folder with ontology/ and data/ found in: {looked}; set LEXGRAPH_ROOT")
