"""Snapshots: a built graph is a folder named by the hash of its inputs, published whole or not at all.

``snapshots/<hash>/`` holds ``graph.nq.zst`` (the graph, the same bytes for the same inputs), ``index`` (the same
triples as an Oxigraph database, so that a command answers without loading) and ``manifest.json``. ``current`` is a
link that is switched by rename, so that a reader sees either the old graph or the new one. A build that fails or is
killed leaves a ``.tmp-`` folder, which the next build removes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard


@dataclass(frozen=True)
class Snapshot:
    """A published graph."""

    folder: Path

    @property
    def graph(self) -> Path:
        """The whole graph as zstandard-compressed N-Quads."""
        return self.folder / "graph.nq.zst"

    @property
    def index(self) -> Path:
        """An Oxigraph database of every triple, to be opened read-only."""
        return self.folder / "index"

    @property
    def queries(self) -> Path:
        """The query texts with which it answers."""
        return self.folder / "queries"

    @property
    def cases(self) -> Path:
        """The documented cases that it was built with."""
        return self.folder / "cases"

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        return found

    @property
    def name(self) -> str:
        return self.folder.name


class NoSnapshotError(Exception):
    """Nothing has been built yet."""


def workplace(home: Path) -> Path:
    """A folder in which a snapshot is made ready, beside the published ones."""
    snapshots = home / "snapshots"
    snapshots.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".tmp-", dir=snapshots))


def publish(home: Path, name: str, work: Path, lines: Iterable[bytes], manifest: dict[str, Any]) -> Snapshot:
    """Complete a snapshot in its workplace, move it beside the others and switch ``current`` to it, atomically."""
    snapshots = home / "snapshots"
    try:
        with (work / "graph.nq.zst").open("wb") as raw:
            with zstandard.ZstdCompressor(level=3, threads=0).stream_writer(raw, closefd=False) as out:
                for line in lines:
                    out.write(line)
            raw.flush()
            os.fsync(raw.fileno())
        text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (work / "manifest.json").write_text(text, encoding="utf-8")
        work.chmod(0o755)
        target = snapshots / name
        if target.exists():
            shutil.rmtree(target)
        work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    snapshot = Snapshot(target)
    switch(home, snapshot)
    return snapshot


def switch(home: Path, snapshot: Snapshot) -> None:
    """Point ``current`` at a snapshot by one rename."""
    link = home / f".current-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(snapshot.folder.relative_to(home))
    link.replace(home / "current")


def find(home: Path, name: str) -> Snapshot | None:
    """A snapshot by name, if it is whole."""
    folder = home / "snapshots" / name
    return Snapshot(folder) if (folder / "manifest.json").is_file() else None


def current(home: Path) -> Snapshot:
    """The snapshot in use. Raises NoSnapshotError before the first build."""
    link = home / "current"
    if not (link / "manifest.json").is_file():
        raise NoSnapshotError(f"no graph is built in {home}; run: lexgraph build")
    return Snapshot(link.resolve())


def sweep(home: Path, keep: int = 3) -> None:
    """Remove what interrupted builds left, and all but the newest snapshots (never the one in use)."""
    snapshots = home / "snapshots"
    if not snapshots.is_dir():
        return
    for left in snapshots.glob(".tmp-*"):
        shutil.rmtree(left, ignore_errors=True)
    used = (home / "current").resolve()
    others = sorted((p for p in snapshots.iterdir() if p != used), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in others[keep - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
