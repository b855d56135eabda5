"""Speed and memory, each beside a peer in the same run; ratios are what counts.

Run with ``make bench``. Prints a table and writes ``build/benchmarks.json``.
- http: the pair question over HTTP beside a route that does nothing, same server, same client, alternating.
- questions: prosecute and cooperate in one thread, in memory, beside the same on the index on disk.
- matrix: every directed pair for one measure and day, places free in the same query text, beside asking pair by pair.
- rdflib: the same query text over the same triples, rdflib beside Oxigraph (slow to load; --rdflib).
- build: from nothing, and again with nothing changed.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lexgraph.build import build
from lexgraph.engine import Engine
from lexgraph.settings import ID, project
from lexgraph.store import day, iris

PAIR = {
    "requesting": "US",
    "requested": "RO",
    "offences": ["illegal-access", "computer-related-fraud"],
    "measures": ["extradition"],
    "as_of": "2015-06-01",
    "person": {"nationality": ["RO"]},
}
# Different pairs in turn, so that what is kept between questions helps no more than it would a user.
PAIRS = [
    {**PAIR, "requesting": a, "requested": b, "person": {"nationality": [b]}}
    for a in ("US", "FR", "DE", "GB", "JP", "BR")
    for b in ("RO", "UA", "NL", "ES", "CA", "AU", "MA", "PH", "KR")
]
PATTERN = {
    "offences": ["illegal-access", "data-interference"],
    "conduct_date": "2015-06-01",
    "conduct_in": ["RU"],
    "effects_in": ["US", "DE"],
    "systems_in": ["US", "DE", "FR"],
    "suspects": [{"nationality": ["RU"], "present_in": ["CZ"]}],
}


def milliseconds(run: Callable[[], Any], times: int) -> list[float]:
    """Wall time of each of some runs, after three that do not count."""
    for _ in range(3):
        run()
    out = []
    for _ in range(times):
        before = time.perf_counter()
        run()
        out.append((time.perf_counter() - before) * 1000)
    return out


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median_ms": round(statistics.median(ordered), 3),
        "p95_ms": round(ordered[int(len(ordered) * 0.95) - 1], 3),
    }


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def bench_http(times: int) -> dict[str, Any]:
    port = free_port()
    command = [sys.executable, "-m", "lexgraph.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                connection.request("GET", "/ready")
                if connection.getresponse().read() is not None and _status(port) == 200:
                    break
            except OSError:
                pass
            time.sleep(0.25)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

        def ask(method: str, path: str, body: bytes | None = None) -> None:
            connection.request(method, path, body, {"content-type": "application/json"})
            response = connection.getresponse()
            data = response.read()
            if response.status != 200:
                raise RuntimeError(f"{path}: {response.status} {data[:200]!r}")

        # The SPARQL host loads its own copy after the start; measure when the server is at rest.
        ask("GET", "/sparql?query=ASK%20%7B%7D")
        questions = itertools.cycle([json.dumps(pair).encode() for pair in PAIRS])
        noop = milliseconds(lambda: ask("GET", "/health"), times)
        pair = milliseconds(lambda: ask("POST", "/v1/cooperate", next(questions)), times)
        pattern = milliseconds(lambda: ask("POST", "/v1/prosecute", json.dumps(PATTERN).encode()), times)
        base = statistics.median(noop)
        return {
            "no-op route": {**spread(noop), "ratio": 1.0},
            "cooperate, one pair": {**spread(pair), "ratio": round(statistics.median(pair) / base, 1)},
            "prosecute, five places": {
                **spread(pattern),
                "ratio": round(statistics.median(pattern) / base, 1),
            },
        }
    finally:
        server.terminate()
        server.wait(timeout=30)


def _status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/ready")
    return connection.getresponse().status


def bench_questions(memory: Engine, times: int) -> dict[str, Any]:
    disk = Engine.open(in_memory=False)
    pairs = itertools.cycle(PAIRS)
    patterns = itertools.cycle(patterns_of_cases(memory))
    out = {}
    for name, ask in (
        ("cooperate", lambda e: e.cooperate(next(pairs))),
        ("cooperate, explained", lambda e: e.cooperate({**next(pairs), "explain": True})),
        ("prosecute, five places", lambda e: e.prosecute(PATTERN)),
        ("prosecute, the documented cases in turn", lambda e: e.prosecute(next(patterns))),
        ("routes", lambda e: e.routes({"requesting": "US", "requested": "RU", "as_of": "2020-01-01"})),
        ("havens", lambda e: e.havens({"offences": ["illegal-access"], "as_of": "2020-01-01", "requesting": "US"})),
    ):
        fast = milliseconds(lambda ask=ask: ask(memory), times)
        slow = milliseconds(lambda ask=ask: ask(disk), max(5, times // 5))
        out[f"{name}, in memory"] = {**spread(fast), "ratio": 1.0}
        ratio = statistics.median(slow) / statistics.median(fast)
        out[f"{name}, index on disk"] = {**spread(slow), "ratio": round(ratio, 1)}
    return out


def patterns_of_cases(engine: Engine) -> list[dict[str, Any]]:
    """The fact patterns of the documented cases: questions as they come, not one repeated."""
    return [engine.case(case["id"])["scenario"] for case in engine.cases()]


def bench_matrix(engine: Engine) -> dict[str, Any]:
    text = engine.queries["cooperate"].text
    measure = iris(["extradition"], f"{ID}measure/")
    on = [day("2020-01-01")]

    def all_pairs() -> int:
        return len(engine.store.select(text, {"measure": measure, "as_of": on}))

    def one_pair() -> None:
        ask = iris(["DZ/extradition"], f"{ID}ask/")
        engine.store.select(text, {"requesting": iris(["FR"], f"{ID}state/"), "ask": ask, "as_of": on})

    whole = milliseconds(all_pairs, 3)
    single = milliseconds(one_pair, 30)
    states = len([s for s in engine.states() if s.get("kind") == "state"])
    pairs = states * (states - 1)
    return {
        f"all {pairs:,} directed pairs, one query ({all_pairs():,} rows)": {**spread(whole), "ratio": 1.0},
        "the same asked pair by pair (median of one x pairs)": {
            "median_ms": round(statistics.median(single) * pairs),
            "ratio": round(statistics.median(single) * pairs / statistics.median(whole), 1),
        },
    }


def bench_rdflib(engine: Engine) -> dict[str, Any]:
    import zstandard
    from rdflib import Graph

    from lexgraph.store import bind

    raw = zstandard.ZstdDecompressor().decompressobj().decompress(engine.snapshot.graph.read_bytes())
    lines = {line[: line.rindex(b" <")] + b" .\n" for line in raw.splitlines()}
    graph = Graph()
    before = time.perf_counter()
    graph.parse(data=b"".join(sorted(lines)), format="nt")
    load = (time.perf_counter() - before) * 1000
    asked: dict[str, dict[str, Any]] = {
        "cooperate": {
            "requesting": iris(["FR"], f"{ID}state/"),
            "ask": iris(["DZ/extradition"], f"{ID}ask/"),
            "as_of": [day("2020-01-01")],
        },
        "prosecute": {
            "tie": iris(["conduct_in/RU", "effects_in/US", "suspect_nationality/RU"], f"{ID}tie/"),
            "offence": iris(["illegal-access"], f"{ID}offence/"),
            "date": [day("2015-06-01")],
        },
    }
    out: dict[str, Any] = {"rdflib, load": {"median_ms": round(load), "ratio": None}}
    for name, bindings in asked.items():
        text = engine.queries[name].text
        fast = milliseconds(lambda text=text, bindings=bindings: engine.store.select(text, bindings), 20)
        bound = bind(text, bindings)
        slow = milliseconds(lambda bound=bound: list(graph.query(bound)), 3)
        ratio = statistics.median(slow) / statistics.median(fast)
        out[f"{name}.rq, Oxigraph"] = {**spread(fast), "ratio": 1.0}
        out[f"{name}.rq, rdflib"] = {**spread(slow), "ratio": round(ratio, 1)}
    return out


def bench_build() -> dict[str, Any]:
    home = Path(tempfile.mkdtemp(prefix="lexgraph-bench-"))
    try:
        before = time.perf_counter()
        build(project(), home)
        cold = (time.perf_counter() - before) * 1000
        before = time.perf_counter()
        build(project(), home)
        warm = (time.perf_counter() - before) * 1000
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return {
        "build from nothing": {"median_ms": round(cold), "ratio": round(cold / warm, 1)},
        "build, nothing changed": {"median_ms": round(warm), "ratio": 1.0},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200, help="runs of each quick question")
    parser.add_argument("--rdflib", action="store_true", help="also run the same query text on rdflib")
    parser.add_argument("--no-build", action="store_true", help="leave the build out")
    options = parser.parse_args()
    build(project())
    engine = Engine.open()
    results: dict[str, Any] = {
        "http": bench_http(options.times),
        "questions": bench_questions(engine, options.times),
    }
    results["matrix"] = bench_matrix(engine)
    if options.rdflib:
        results["rdflib"] = bench_rdflib(engine)
    if not options.no_build:
        results["build"] = bench_build()
    results["memory"] = {
        "this process, peak": {"mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)},
        "triples": {"count": len(engine.store)},
    }
    for group, rows in results.items():
        print(f"\n{group}")
        for name, row in rows.items():
            print(f"  {name:58} " + "  ".join(f"{k} {v}" for k, v in row.items()))
    target = project().home / "benchmarks.json"
    target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {target}")


if __name__ == "__main__":
    main()
