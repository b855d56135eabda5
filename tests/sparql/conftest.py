"""One small graph and one host for all tests that do not harm it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from lexgraph.sparql.host import SparqlHost

DATA = "http://kasei.us/2009/09/sparql/data/data{}.rdf"
BULK = "http://example.org/bulk"
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
DOCUMENT = "<http://xmlns.com/foaf/0.1/Document>"
DEADLINE_S = 1.5


def quads() -> str:
    lines = [f"<{DATA.format(n)}> {TYPE} {DOCUMENT} <{DATA.format(n)}> ." for n in (1, 2, 3)]
    lines += [
        f'<http://example.org/> <http://example.org/p> "empty" <{DATA.format(0)}> .',
        # The same triple in two graphs: one triple of their union.
        f'<http://example.org/twice> <http://example.org/p> "twice" <{DATA.format(1)}> .',
        f'<http://example.org/twice> <http://example.org/p> "twice" <{DATA.format(2)}> .',
        f'<http://example.org/raw> <http://example.org/p> "%41" <{DATA.format(0)}> .',
        f'<http://example.org/raw> <http://example.org/p> "caf\u00e9, a+b" <{DATA.format(0)}> .',
    ]
    lines += [f'<http://example.org/n/{n}> <http://example.org/value> "{n}" <{BULK}> .' for n in range(3000)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshot")
    (folder / "graph.nq.zst").write_bytes(zstandard.compress(quads().encode()))
    return folder


@pytest.fixture(scope="session")
def host(snapshot: Path) -> Iterator[SparqlHost]:
    with SparqlHost(
        snapshot, deadline_s=DEADLINE_S, memory_bytes=128 * 2**20, max_result_bytes=2**20, queue_s=20
    ) as started:
        yield started
