"""A new snapshot takes over without a request being dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient

from lexgraph import snapshot
from lexgraph.settings import Project
from lexgraph.snapshot import Snapshot

from .conftest import VERSION, TinyEngine, TinyHost, TinyProject, open_tiny, publish, tiny_app

NEXT = "2026.11.2+bbbb"


def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def test_requests_go_on_while_a_new_snapshot_takes_over(tmp_path: Path) -> None:
    project = TinyProject(tmp_path)
    publish(project.home)
    hosts: list[TinyHost] = []

    def open_host(found: Snapshot) -> TinyHost:
        hosts.append(TinyHost())
        return hosts[-1]

    app = tiny_app(project, open_host=open_host)
    with TestClient(app) as client:
        assert app.state.holder.wait(30)
        seen: list[tuple[int, str, str]] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                response = client.get("/v1/states")
                version = response.headers["x-lexgraph-data-version"]
                seen.append((response.status_code, version, response.json()["data_version"]))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        until(lambda: len(seen) > 20)
        publish(project.home, NEXT)
        until(lambda: app.state.holder.version == NEXT)
        more = len(seen) + 20
        until(lambda: len(seen) > more)
        stop.set()
        for thread in threads:
            thread.join(10)
        until(lambda: hosts[0].closed)
        assert {status for status, _, _ in seen} == {200}
        assert {version for _, version, _ in seen} == {VERSION, NEXT}
        # Header and body are of the same snapshot, whichever it was.
        assert all(header == body for _, header, body in seen)
        assert hosts[1].started
        assert not hosts[1].closed
        assert app.state.holder.loads == 2
    assert hosts[1].closed


def test_a_request_keeps_the_snapshot_that_it_began_with(tmp_path: Path) -> None:
    project = TinyProject(tmp_path)
    publish(project.home)
    begun, go_on = threading.Event(), threading.Event()

    class Slow(TinyEngine):
        def cases(self) -> list[dict]:
            begun.set()
            assert go_on.wait(15)
            return super().cases()

    app = tiny_app(project, open_engine=lambda home: Slow(snapshot.current(home.home)))
    with TestClient(app) as client:
        assert app.state.holder.wait(30)
        found: list[str] = []
        thread = threading.Thread(
            target=lambda: found.append(client.get("/v1/cases").headers["x-lexgraph-data-version"])
        )
        thread.start()
        assert begun.wait(15)
        publish(project.home, NEXT)
        until(lambda: app.state.holder.version == NEXT)
        go_on.set()
        thread.join(15)
        assert found == [VERSION]
        assert client.get("/v1/cases").headers["x-lexgraph-data-version"] == NEXT


def test_a_snapshot_that_does_not_open_leaves_the_old_one_in_use(tmp_path: Path) -> None:
    project = TinyProject(tmp_path)
    publish(project.home)
    tries = []

    def open_engine(home: Project) -> TinyEngine:
        name = snapshot.current(home.home).name
        tries.append(name)
        if name == "bbbb":
            raise OSError("it is broken")
        return open_tiny(home)

    app = tiny_app(project, open_engine=open_engine)
    with TestClient(app) as client:
        assert app.state.holder.wait(30)
        publish(project.home, NEXT)
        until(lambda: app.state.holder.failures == 1)
        time.sleep(0.3)
        assert tries == ["aaaa", "bbbb"], "it is not tried again and again"
        assert client.get("/ready").json()["data_version"] == VERSION
        assert "lexgraph_snapshot_failures 1.0" in client.get("/metrics").text
        publish(project.home, "2026.11.3+cccc")
        until(lambda: app.state.holder.version == "2026.11.3+cccc")


def test_the_first_build_is_noticed(tmp_path: Path) -> None:
    project = TinyProject(tmp_path)
    app = tiny_app(project)
    with TestClient(app) as client:
        assert "lexgraph build" in client.get("/ready").json()["detail"]
        publish(project.home)
        assert app.state.holder.wait(15)
        assert client.get("/ready").status_code == 200
