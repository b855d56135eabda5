"""Snapshots: published whole or not at all; the one in use is never removed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from lexgraph import snapshot


def publish(home: Path, name: str, *lines: bytes) -> snapshot.Snapshot:
    return snapshot.publish(home, name, snapshot.workplace(home), lines, {"name": name})


def graph(found: snapshot.Snapshot) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(found.graph.read_bytes())


def names(home: Path) -> set[str]:
    return {p.name for p in (home / "snapshots").iterdir()}


def test_before_the_first_build_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(snapshot.NoSnapshotError, match="run: lexgraph build"):
        snapshot.current(tmp_path)


def test_a_published_snapshot_is_whole_and_in_use(tmp_path: Path) -> None:
    made = publish(tmp_path, "one", b"a\n", b"b\n")
    found = snapshot.current(tmp_path)
    assert (found.name, graph(found), found.manifest) == ("one", b"a\nb\n", {"name": "one"})
    assert found.folder.samefile(made.folder)
    assert names(tmp_path) == {"one"}


def test_the_link_is_relative_so_that_the_folder_can_be_moved(tmp_path: Path) -> None:
    publish(tmp_path / "here", "one", b"a\n")
    (tmp_path / "here").rename(tmp_path / "there")
    assert snapshot.current(tmp_path / "there").name == "one"


def test_others_may_read_a_snapshot(tmp_path: Path) -> None:
    assert publish(tmp_path, "one").folder.stat().st_mode & 0o755 == 0o755


def test_an_interrupted_publication_leaves_the_one_in_use(tmp_path: Path) -> None:
    publish(tmp_path, "one", b"a\n")

    def lines() -> Iterator[bytes]:
        yield b"b\n"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snapshot.publish(tmp_path, "two", snapshot.workplace(tmp_path), lines(), {})
    assert snapshot.current(tmp_path).name == "one"
    assert names(tmp_path) == {"one"}


def test_publishing_a_name_again_replaces_it(tmp_path: Path) -> None:
    publish(tmp_path, "one", b"a\n")
    publish(tmp_path, "one", b"b\n")
    assert graph(snapshot.current(tmp_path)) == b"b\n"
    assert names(tmp_path) == {"one"}


def test_a_folder_without_a_manifest_is_no_snapshot(tmp_path: Path) -> None:
    made = publish(tmp_path, "one", b"a\n")
    assert snapshot.find(tmp_path, "one") == made
    (made.folder / "manifest.json").unlink()
    assert snapshot.find(tmp_path, "one") is None
    assert snapshot.find(tmp_path, "two") is None
    with pytest.raises(snapshot.NoSnapshotError):
        snapshot.current(tmp_path)


def test_switching_back_is_one_rename(tmp_path: Path) -> None:
    first = publish(tmp_path, "one", b"a\n")
    publish(tmp_path, "two", b"b\n")
    snapshot.switch(tmp_path, first)
    assert snapshot.current(tmp_path).name == "one"
    assert {p.name for p in tmp_path.iterdir()} == {"current", "snapshots"}


def test_the_manifest_is_sorted_json(tmp_path: Path) -> None:
    made = snapshot.publish(tmp_path, "one", snapshot.workplace(tmp_path), [], {"b": 1, "a": "é"})
    text = (made.folder / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"a": "é", "b": 1}
    assert text.index('"a"') < text.index('"b"')


def test_sweeping_keeps_the_newest_and_the_one_in_use(tmp_path: Path) -> None:
    first = publish(tmp_path, "n0", b"a\n")
    now = time.time()
    for number in range(1, 6):
        made = publish(tmp_path, f"n{number}", b"a\n")
        os.utime(made.folder, (now + number, now + number))
    snapshot.switch(tmp_path, first)
    left = tmp_path / "snapshots" / ".tmp-left"
    left.mkdir()
    os.utime(left, (now - 86_400, now - 86_400))
    snapshot.sweep(tmp_path, keep=3)
    assert names(tmp_path) == {"n0", "n4", "n5"}
    assert snapshot.current(tmp_path).name == "n0"


def test_sweeping_nothing_is_no_error(tmp_path: Path) -> None:
    snapshot.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
