from __future__ import annotations

import dataclasses
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lexgraph.sparql.errors import (
    HostClosed,
    HostUnavailable,
    NotAcceptable,
    QueryBusy,
    QueryFailed,
    QueryMemory,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
    QueryTooLarge,
    SparqlError,
    UnknownGraph,
)
from lexgraph.sparql.host import SparqlHost

from .conftest import BULK, DATA, DEADLINE_S, quads

LATE = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
HUNGRY = {
    "group_concat": "SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?d), STR(?a))) AS ?x) { ?a ?b ?c . ?d ?e ?f }",
    "order_by": "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f ?c",
    "distinct": "SELECT DISTINCT ?a ?d (CONCAT(STR(?a), STR(?d)) AS ?x) { ?a ?b ?c . ?d ?e ?f } ORDER BY ?x",
}


def rows(host: SparqlHost, query: str, **options: list[str]) -> list[dict[str, str]]:
    result = json.loads(host.query(query, **options).body)  # type: ignore[arg-type]
    return [{name: term["value"] for name, term in row.items()} for row in result["results"]["bindings"]]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: object, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_default_graph_is_a_union_that_counts_once(host: SparqlHost) -> None:
    twice = "<http://example.org/twice> ?p ?o"
    assert rows(host, f"SELECT (COUNT(*) AS ?n) {{ {twice} }}") == [{"n": "1"}]
    assert rows(host, f"SELECT (COUNT(*) AS ?n) {{ GRAPH ?g {{ {twice} }} }}") == [{"n": "2"}]
    clauses = f"FROM <{DATA.format(1)}> FROM <{DATA.format(2)}>"
    assert rows(host, f"SELECT (COUNT(*) AS ?n) {clauses} {{ {twice} }}") == [{"n": "1"}]
    # The copy that the merge needed is gone with its worker.
    for _ in range(3):
        assert rows(host, "SELECT (COUNT(DISTINCT ?g) AS ?n) { GRAPH ?g { } }") == [{"n": "5"}]


def test_dataset(host: SparqlHost) -> None:
    any_graph = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"
    assert len(rows(host, any_graph)) == 5
    one, two = DATA.format(1), DATA.format(2)
    assert rows(host, any_graph.replace("{", f"FROM NAMED <{one}> {{", 1)) == [{"g": one}]
    assert rows(host, any_graph, named_graphs=[two]) == [{"g": two}]
    # The protocol's dataset replaces the query's own altogether.
    assert rows(host, any_graph.replace("{", f"FROM NAMED <{one}> {{", 1), default_graphs=[two]) == []
    count = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    assert rows(host, count, named_graphs=[two]) == [{"n": "0"}]
    assert rows(host, count, default_graphs=[BULK]) == [{"n": "3000"}]
    assert rows(host, count, default_graphs=[BULK, BULK, one, two]) == [{"n": "3003"}]
    with pytest.raises(UnknownGraph):
        host.query(count, default_graphs=["file:///etc/passwd"])


def test_status(host: SparqlHost) -> None:
    status = host.status()
    assert status.running
    assert status.graphs[BULK] == 3000
    assert status.triples == 3000 + 3 + 1 + 1 + 2
    assert host.known_graphs == frozenset(status.graphs)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("SELECT * { SERVICE <http://127.0.0.1:9/> { } }", QueryRefused),
        ("ASK {", QuerySyntaxError),
        # The check lets it pass; the engine does not.
        ("SELECT ?s (COUNT(*) AS ?s) { ?s ?p ?o } GROUP BY ?s", QuerySyntaxError),
        ("SELECT (<http://example.org/f>(1) AS ?x) { }", QueryFailed),
    ],
)
def test_errors_keep_their_kind(host: SparqlHost, query: str, error: type[SparqlError]) -> None:
    with pytest.raises(error):
        host.query(query)


def test_no_format(host: SparqlHost) -> None:
    with pytest.raises(NotAcceptable) as error:
        host.query("ASK { }", accept="image/png")
    assert "text/csv" in error.value.offers


def test_deadline(host: SparqlHost) -> None:
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(QueryTimeout):
            host.query(LATE)
        assert DEADLINE_S <= time.monotonic() - started < DEADLINE_S + 1
    started = time.monotonic()
    assert host.query("ASK { }").body == b'{"head":{},"boolean":true}'
    assert time.monotonic() - started < 0.5
    assert host.status().starts == 1


def test_a_slow_parse_is_under_the_deadline_too(host: SparqlHost) -> None:
    with pytest.raises((QueryTimeout, QueryRefused, QueryMemory)):
        host.query("ASK { " + "(" * 30_000 + "1" + ")" * 30_000 + " ?p ?o }")
    assert host.query("ASK { }").body
    assert host.status().starts == 1


@pytest.mark.parametrize("query", HUNGRY.values(), ids=HUNGRY)
def test_memory(snapshot: Path, query: str) -> None:
    with SparqlHost(snapshot, workers=1, memory_bytes=48 * 2**20, deadline_s=20) as host:
        if not host.status().memory_limit:
            pytest.skip("the system does not tell the address space in use")
        with pytest.raises(QueryMemory):
            host.query(query)
        assert host.query("ASK { }").body
        assert host.status().starts == 1


def test_result_over_the_cap_is_an_error(host: SparqlHost) -> None:
    for accept in ("text/csv", "application/sparql-results+json"):
        with pytest.raises(QueryTooLarge):
            host.query("SELECT * { ?a ?b ?c . ?d ?e ?f }", accept=accept)
    with pytest.raises(QueryTooLarge):
        host.query("CONSTRUCT { ?a ?b ?f } WHERE { ?a ?b ?c . ?d ?e ?f }")


def test_worker_serves_again_after_an_error(host: SparqlHost) -> None:
    pid = host.status().pid
    assert pid is not None
    before = set(children(pid))
    for _ in range(5):
        with pytest.raises(QuerySyntaxError):
            host.query("ASK {")
        assert host.query("ASK { }").body
    assert set(children(pid)) == before


def test_threads(host: SparqlHost) -> None:
    def ask(number: int) -> str:
        if number % 6 == 5:
            with pytest.raises(QueryTimeout):
                host.query(LATE)
            return str(number)
        query = f"SELECT ?v {{ <http://example.org/n/{number}> <http://example.org/value> ?v }}"
        return rows(host, query)[0]["v"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(24))) == [str(number) for number in range(24)]
    status = host.status()
    assert (status.busy, status.waiting, status.starts) == (0, 0, 1)


def test_busy(snapshot: Path) -> None:
    with SparqlHost(snapshot, workers=1, deadline_s=2, queue_s=0.2, max_waiting=1) as host:
        outcomes: list[type[BaseException]] = []

        def run(query: str) -> None:
            try:
                host.query(query)
            except SparqlError as error:
                outcomes.append(type(error))

        late = threading.Thread(target=run, args=[LATE])
        late.start()
        assert wait_until(lambda: host.status().busy == 1)
        waiter = threading.Thread(target=run, args=["ASK { }"])
        waiter.start()
        assert wait_until(lambda: host.status().waiting == 1)
        started = time.monotonic()
        with pytest.raises(QueryBusy, match="wait already"):
            host.query("ASK { }")
        assert time.monotonic() - started < 0.1
        waiter.join()
        started = time.monotonic()
        with pytest.raises(QueryBusy, match="came free"):
            host.query("ASK { }")
        assert 0.2 <= time.monotonic() - started < 1
        late.join()
        assert outcomes == [QueryBusy, QueryTimeout]
        assert host.query("ASK { }").body


def test_workers_are_renewed_without_a_loss(snapshot: Path) -> None:
    with SparqlHost(snapshot) as host:
        host._settings = dataclasses.replace(host._settings, queries_per_worker=3)
        host._stop()
        with ThreadPoolExecutor(4) as pool:
            bodies = list(pool.map(lambda _: host.query("ASK { }").body, range(100)))
        assert set(bodies) == {b'{"head":{},"boolean":true}'}
        assert host.status().starts == 2


def test_close_leaves_no_process(snapshot: Path) -> None:
    host = SparqlHost(snapshot, workers=3)
    assert not host.status().running
    host.query("ASK { }")
    pid = host.status().pid
    assert pid is not None
    family = [pid, *children(pid)]
    assert len(family) == 4
    host.close()
    assert wait_until(lambda: not any(map(alive, family)))
    host.close()
    with pytest.raises(HostClosed):
        host.query("ASK { }")


def test_close_lets_queries_finish(snapshot: Path) -> None:
    host = SparqlHost(snapshot, workers=1, deadline_s=1)
    host.start()
    outcome: list[BaseException] = []

    def run() -> None:
        try:
            host.query(LATE)
        except SparqlError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert wait_until(lambda: host.status().busy == 1)
    host.close()
    thread.join()
    assert [type(error) for error in outcome] == [QueryTimeout]


def test_host_comes_back(snapshot: Path) -> None:
    with SparqlHost(snapshot, deadline_s=20) as host:
        pid = host.status().pid
        assert pid is not None
        family = children(pid)
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not any(map(alive, family)))
        assert host.query("ASK { }").body
        assert host.status().starts == 2

        second = host.status().pid
        assert second is not None
        caught: list[BaseException] = []

        def run() -> None:
            try:
                host.query(LATE)
            except SparqlError as error:
                caught.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        assert wait_until(lambda: host.status().busy == 1)
        time.sleep(0.1)
        os.kill(second, signal.SIGKILL)
        thread.join(5)
        assert [type(error) for error in caught] == [HostUnavailable]
        assert host.query("ASK { }").body


def test_killed_workers_are_made_good(snapshot: Path) -> None:
    with SparqlHost(snapshot) as host:
        host.query("ASK { }")
        pid = host.status().pid
        assert pid is not None
        before = children(pid)
        for child in before:
            os.kill(child, signal.SIGKILL)
        assert wait_until(lambda: len(children(pid)) == 2 and not set(children(pid)) & set(before))
        assert host.query("ASK { }").body


def test_ends_with_its_parent(snapshot: Path) -> None:
    script = (
        "import sys, time; from lexgraph.sparql.host import SparqlHost\n"
        "host = SparqlHost(sys.argv[1]); host.query('ASK { }')\n"
        "print(host.status().pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(snapshot)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        family = [pid, *children(pid)]
        assert all(map(alive, family))
        parent.kill()
    assert wait_until(lambda: not any(map(alive, family)))


def test_a_bad_snapshot_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SparqlHost(tmp_path)
    (tmp_path / "graph.nq").write_text("no quads\n")
    with pytest.raises(HostUnavailable, match=r"graph\.nq"):
        SparqlHost(tmp_path).start()
    (tmp_path / "graph.nq.zst").write_bytes(b"not zstandard")
    with pytest.raises(HostUnavailable, match="cannot be loaded"):
        SparqlHost(tmp_path).start()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_plain_and_gzip(tmp_path: Path, suffix: str) -> None:
    data = quads().encode()
    (tmp_path / f"graph.nq{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    with SparqlHost(tmp_path / f"graph.nq{suffix}", workers=1) as host:
        assert host.status().graphs[BULK] == 3000


# The guard is left out here, on purpose: the worker has to hold without it.
_SERVICE = """
import sys
from pyoxigraph import Store
from lexgraph.sparql import worker
if sys.argv[1] == "namespace" and not worker.leave_network():
    print("unavailable"); sys.exit()
if sys.argv[1] == "descriptors":
    worker.deny_descriptors()
try:
    list(Store().query("SELECT * { SERVICE <http://127.0.0.1:%s/> { ?s ?p ?o } }" % sys.argv[2]))
    print("answered")
except OSError as error:
    print("blocked")
"""


@pytest.mark.parametrize("means", ["nothing", "namespace", "descriptors"])
def test_no_network(means: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        # Whoever connects gets through to the queue of the listener, whether or not it is accepted.
        command = [sys.executable, "-c", _SERVICE, means, str(server.getsockname()[1])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as run:
            server.settimeout(10 if means == "nothing" else 1)
            try:
                connection, _ = server.accept()
                connection.close()
                reached = True
            except TimeoutError:
                reached = False
            said = run.communicate(timeout=30)[0].strip()
    if said == "unavailable":
        pytest.skip("the system allows no network namespace here")
    assert said == "blocked"
    # Without any means the connection is made: so the other two cases do show something.
    assert reached == (means == "nothing")


def test_status_tells_the_isolation(host: SparqlHost) -> None:
    pid = host.status().pid
    assert pid is not None
    own, theirs = (os.readlink(f"/proc/{process}/ns/net") for process in ("self", children(pid)[0]))
    assert (own != theirs) == host.status().network_namespace


def test_the_environment_stays_here(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "do not pass on")
    with SparqlHost(snapshot, workers=1) as host:
        pid = host.status().pid
        assert b"SOME_SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()


def _environment() -> dict[str, str]:
    import lexgraph

    return {**os.environ, "PYTHONPATH": str(Path(lexgraph.__file__).parent.parent)}
