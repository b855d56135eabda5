"""The host process: loads the snapshot once, forks confined workers, gives each one query at a time.

Run as `python -m lexgraph.sparql.worker`, by `host.SparqlHost` only. It has one thread, so that it can
fork safely. A fork shares the loaded graph and takes a few milliseconds, so that a killed worker is soon made
good. A worker serves many queries before it is replaced: the engine counts references inside the graph, so
that a fresh fork pays for copying every page that it reads first.

What confines a worker while it has a query: an address space limit (the engine aborts the process there), a
processor time limit, no new file descriptors (hence no socket and no file), no core dump, and, where the
system allows, a network namespace without any interface but loopback. The host kills it at the deadline.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import gzip
import io
import itertools
import json
import math
import os
import re
import resource
import selectors
import signal
import socket
import struct
import sys
import time
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import zstandard
from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    NamedNode,
    QueryBoolean,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
)

from lexgraph.sparql.errors import (
    EngineFailed,
    NotAcceptable,
    QueryFailed,
    QueryMemory,
    QueryRefused,
    QuerySyntaxError,
    QueryTooLarge,
    SparqlError,
)
from lexgraph.sparql.guard import CheckedQuery, check
from lexgraph.sparql.results import MediaType, QueryForm, negotiate, offers

JOB = struct.Struct("!d")
LENGTH = struct.Struct("!Q")

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_STACK_BYTES = 64 * 1024 * 1024
_RECURSION = 20_000
_EXPECTED = {
    QueryForm.SELECT: QuerySolutions,
    QueryForm.ASK: QueryBoolean,
    QueryForm.CONSTRUCT: QueryTriples,
    QueryForm.DESCRIBE: QueryTriples,
}


@dataclass(frozen=True)
class Settings:
    """What the host is started with. Bytes and seconds."""

    snapshot: str
    workers: int
    deadline_s: float
    memory_bytes: int
    max_result_bytes: int
    base_iri: str
    queries_per_worker: int = 500


@dataclass
class _Worker:
    pid: int
    channel: socket.socket
    deadline: float = math.inf
    fate: int | None = None
    killed: bool = False


@dataclass
class _Job:
    question: int
    fate: int
    seconds: float


@dataclass
class _Host:
    settings: Settings
    store: Store
    graphs: frozenset[str]
    control: socket.socket
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    spares: list[_Worker] = field(default_factory=list)
    busy: list[_Worker] = field(default_factory=list)
    jobs: deque[_Job] = field(default_factory=deque)
    # Set in a worker whose copy of the graph was written to: it must not serve another query.
    spent: bool = False


# ---------------------------------------------------------------------------------------------- confinement


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def leave_network() -> bool:
    """Move this process into a network namespace of its own. True when no interface but loopback is left."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        unshare = _libc().unshare
        if unshare(_CLONE_NEWNET) != 0 and unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            return False
        return {name for _, name in socket.if_nameindex()} <= {"lo"}
    except (OSError, AttributeError):
        return False


def deny_descriptors() -> None:
    """Let this process open no file and no socket for now. What is open stays open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))


def _allow_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64 if hard == resource.RLIM_INFINITY else min(64, hard), hard))


def _limit_worker() -> None:
    """The limits that hold for the life of a worker."""
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_STACK)
        resource.setrlimit(resource.RLIMIT_STACK, (_STACK_BYTES, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.setrecursionlimit(_RECURSION)


def _limit_query(settings: Settings) -> None:
    """The limits of the next query: so much more memory and processor time than was used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime + settings.deadline_s) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
    used_bytes = _address_space()
    if used_bytes is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used_bytes + settings.memory_bytes, hard))


def _address_space() -> int | None:
    """Bytes of address space in use; None where the system does not tell, and the limit cannot be set."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return None
    return pages * resource.getpagesize()


def _die_with_parent(parent: int) -> None:
    if sys.platform.startswith("linux"):
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have gone before the request was in place.
    if os.getppid() != parent:
        os._exit(0)


# ------------------------------------------------------------------------------------------------- loading


def load(path: Path) -> Store:
    """Load N-Quads (plain, .gz or .zst) into memory. The default graph becomes the union of all graphs.

    The union is written out rather than asked of the engine at each query: the engine's own union gives a
    triple once for every graph that holds it, so that counts come out too high.
    """
    store = Store()
    with _open(path) as source:
        store.bulk_load(source, format=RdfFormat.N_QUADS)
    store.update("INSERT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }")
    return store


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
    return path.open("rb")


def _describe(store: Store, seconds: float, isolated: bool) -> dict[str, Any]:
    rows = store.query("SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    assert isinstance(rows, QuerySolutions)
    graphs = {row["g"].value: int(row["n"].value) for row in rows if isinstance(row["g"], NamedNode)}
    total = store.query("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }")
    assert isinstance(total, QuerySolutions)
    return {
        "graphs": graphs,
        "triples": int(next(total)["n"].value),
        "load_seconds": seconds,
        "network_namespace": isolated,
        "memory_limit": _address_space() is not None,
    }


def _warm_up() -> None:
    """Parse a bit of everything: the grammar is compiled at first use, and a late import would need files."""
    for text in (
        "PREFIX a: <http://a/> SELECT DISTINCT ?s (COUNT(*) AS ?n) FROM <http://g> "
        'WHERE { ?s a:b/a:c*|^a:d "x"@en . '
        "OPTIONAL { ?s a:e 1.5 } MINUS { ?s a [] } { } UNION { GRAPH ?g { ?s ?p ( 1 ) } } BIND(1+1 AS ?t) "
        'VALUES ?v { 1 } FILTER(EXISTS { ?s ?p ?o } && regex(str(?s), "a", "i") || ?n IN (1, 2)) '
        "{ SELECT * { ?s ?p ?o } } } GROUP BY ?s HAVING(COUNT(*) > 1) ORDER BY DESC(?n) LIMIT 1 OFFSET 1",
        "ASK { ?s ?p true }",
        "CONSTRUCT WHERE { ?s ?p ?o }",
        "DESCRIBE <http://a>",
        "SELECT * { broken",
        "DROP ALL",
    ):
        with suppress(SparqlError):
            check(text, frozenset({"http://g"}), base_iri="http://b/")


# ------------------------------------------------------------------------------------------------- queries


class _Capped(io.BytesIO):
    """A buffer that refuses to grow over the cap."""

    def __init__(self, cap: int) -> None:
        super().__init__()
        self._cap = cap

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > self._cap:
            raise QueryTooLarge(f"The result is over the limit of {self._cap} bytes. Ask for less: use LIMIT.")
        return super().write(data)


def _evaluate(host: _Host, request: dict[str, Any]) -> tuple[CheckedQuery, MediaType, bytes]:
    """Check the query, pick the format, run the query and write the result out.

    Raises:
        SparqlError: one of its kinds, for every failure of the query itself.
    """
    store, settings = host.store, host.settings
    checked = check(request["query"], host.graphs, base_iri=settings.base_iri)
    media = negotiate(request["accept"], checked.form, request["format"])
    if media is None:
        names = tuple(offer.name for offer in offers(checked.form))
        wanted = f"format={request['format']}" if request["format"] else f"Accept: {request['accept']}"
        raise NotAcceptable(f"{wanted} does not fit the result of {checked.form}. On offer: {', '.join(names)}.", names)
    out = _Capped(settings.max_result_bytes)
    default: tuple[str, ...] = checked.default_graphs
    named: tuple[str, ...] = checked.named_graphs
    has_dataset = checked.has_dataset
    if request["default_graphs"] or request["named_graphs"]:
        # The protocol's dataset takes the place of the query's own.
        default, named, has_dataset = tuple(request["default_graphs"]), tuple(request["named_graphs"]), True
    try:
        if has_dataset:
            results = store.query(
                checked.text,
                base_iri=settings.base_iri,
                default_graph=_merge(host, default),
                named_graphs=[NamedNode(iri) for iri in named],
            )
        else:
            results = store.query(checked.text, base_iri=settings.base_iri)
        if not isinstance(results, _EXPECTED[checked.form]):
            raise EngineFailed("The engine read the query as another form than the check did.")
        if isinstance(results, QueryTriples):
            results.serialize(out, format=media.rdf_format)
        else:
            results.serialize(out, format=media.results_format)
    except SyntaxError as error:
        place = re.match(r"error at (\d+):(\d+)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (None, None)
        raise QuerySyntaxError(f"Syntax {error}.", line=line, column=column) from None
    except (RuntimeError, ValueError, OSError) as error:
        raise QueryFailed(f"The query cannot be evaluated: {error}") from None
    return checked, media, out.getvalue()


def _merge(host: _Host, graphs: tuple[str, ...]) -> list[NamedNode | BlankNode | DefaultGraph]:
    """The default graph of a dataset: the merge of the graphs, in which each triple counts once."""
    if len(graphs) < 2:
        return [NamedNode(iri) for iri in graphs]
    host.spent = True
    scratch = NamedNode(f"urn:uuid:{uuid.uuid4()}")
    for iri in graphs:
        host.store.update(f"ADD GRAPH {NamedNode(iri)} TO GRAPH {scratch}")
    return [scratch]


def _reply(request: dict[str, Any], host: _Host) -> tuple[dict[str, Any], bytes]:
    try:
        checked, media, body = _evaluate(host, request)
    except (QueryRefused, QuerySyntaxError) as error:
        kind = type(error).__name__
        head = {"error": kind, "code": error.code, "message": error.message}
        return {**head, "line": error.line, "column": error.column}, b""
    except NotAcceptable as error:
        return {"error": "NotAcceptable", "message": error.message, "offers": error.offers}, b""
    except SparqlError as error:
        return {"error": type(error).__name__, "message": error.message}, b""
    except MemoryError:
        return {"error": QueryMemory.__name__, "message": ""}, b""
    except BaseException as error:  # a panic of the engine is a BaseException
        return {"error": EngineFailed.__name__, "message": f"The engine failed: {type(error).__name__}."}, b""
    return {"media": media.name, "form": checked.form}, body


def _work(host: _Host, channel: socket.socket, parent: int) -> NoReturn:
    """The life of a worker. It ends without a word when it should be replaced."""
    try:
        _die_with_parent(parent)
        for name in os.listdir("/dev/fd"):
            if int(name) > 2 and int(name) != channel.fileno():
                with suppress(OSError):
                    os.close(int(name))
        gc.disable()
        _limit_worker()
        at_birth = _address_space() or 0
        for served in itertools.count(1):
            _allow_descriptors()
            _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
            if not descriptors:
                break
            client = socket.socket(fileno=descriptors[0])
            _limit_query(host.settings)
            deny_descriptors()
            with suppress(OSError, EOFError):  # the client has gone; the worker is none the worse
                _answer(host, client)
            client.close()
            gc.collect()
            grown = (_address_space() or 0) - at_birth
            # Whoever leaves must not say that it is free: a query might be on its way to it already.
            if host.spent or served >= host.settings.queries_per_worker or grown > host.settings.memory_bytes // 4:
                break
            channel.sendall(b"d")
    except BaseException:
        os._exit(1)
    os._exit(0)


def _answer(host: _Host, client: socket.socket) -> None:
    size = LENGTH.unpack(read_exactly(client, LENGTH.size))[0]
    head, body = _reply(json.loads(read_exactly(client, size)), host)
    encoded = json.dumps({**head, "length": len(body)}).encode()
    client.sendall(LENGTH.pack(len(encoded)) + encoded)
    if body:  # with nothing left to read the other side may have closed already
        client.sendall(body)


def read_exactly(source: socket.socket, size: int) -> bytearray:
    """Read so many bytes. Raises EOFError when the other side ends before."""
    data = bytearray(size)
    view = memoryview(data)
    done = 0
    while done < size:
        count = source.recv_into(view[done:])
        if not count:
            raise EOFError
        done += count
    return data


# ----------------------------------------------------------------------------------------------- the host


def _fork(host: _Host) -> None:
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _work(host, theirs, parent)
    theirs.close()
    worker = _Worker(pid, ours)
    host.spares.append(worker)
    host.selector.register(ours, selectors.EVENT_READ, worker)


def _fill(host: _Host) -> None:
    while len(host.spares) + len(host.busy) < host.settings.workers:
        _fork(host)


def _accept(host: _Host) -> bool:
    """Take the next query. False when the other side is gone."""
    try:
        data, descriptors, _, _ = socket.recv_fds(host.control, JOB.size, 2)
    except OSError:
        return False
    if len(data) < JOB.size or len(descriptors) != 2:
        for descriptor in descriptors:
            os.close(descriptor)
        return False
    host.jobs.append(_Job(descriptors[0], descriptors[1], JOB.unpack(data)[0]))
    return True


def _assign(host: _Host) -> None:
    while host.jobs and host.spares:
        job, worker = host.jobs.popleft(), host.spares.pop()
        worker.fate = job.fate
        worker.deadline = time.monotonic() + min(job.seconds, host.settings.deadline_s)
        host.busy.append(worker)
        with suppress(OSError):  # a worker that has just died is told by its socket, like any other
            socket.send_fds(worker.channel, [b"q"], [job.question])
        os.close(job.question)


def _hear(host: _Host, worker: _Worker) -> None:
    """A worker is done with its query, or gone."""
    try:
        word = worker.channel.recv(1)
    except OSError:
        word = b""
    if not word:
        _bury(host, worker)
    elif worker.fate is not None and not worker.killed:
        os.close(worker.fate)
        worker.fate = None
        worker.deadline = math.inf
        host.busy.remove(worker)
        host.spares.append(worker)


def _bury(host: _Host, worker: _Worker) -> None:
    host.selector.unregister(worker.channel)
    worker.channel.close()
    _, status = os.waitpid(worker.pid, 0)
    if worker.fate is None:
        # Should workers die at birth, do not turn the loop into a fork storm.
        time.sleep(0.02)
        host.spares.remove(worker)
        return
    host.busy.remove(worker)
    fate = {"late": worker.killed, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}
    with suppress(OSError):
        os.write(worker.fate, json.dumps(fate).encode())
    os.close(worker.fate)


def _serve(host: _Host) -> None:
    host.selector.register(host.control, selectors.EVENT_READ, None)
    while True:
        _fill(host)
        _assign(host)
        nearest = min((worker.deadline for worker in host.busy), default=math.inf)
        wait = None if nearest == math.inf else max(0.0, nearest - time.monotonic())
        for key, _ in host.selector.select(wait):
            if key.data is not None:
                _hear(host, key.data)
            elif not _accept(host):
                return
        now = time.monotonic()
        for worker in host.busy:
            if worker.deadline <= now:
                worker.killed = True
                worker.deadline = math.inf
                os.kill(worker.pid, signal.SIGKILL)


def main(arguments: list[str] | None = None) -> int:
    """Load, say what is loaded, serve until the other side goes away."""
    parser = argparse.ArgumentParser(prog="lexgraph.sparql.worker")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--settings", required=True)
    options = parser.parse_args(arguments)
    settings = Settings(**json.loads(options.settings))
    control = socket.socket(fileno=options.control)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    isolated = leave_network()
    started = time.monotonic()
    try:
        store = load(Path(settings.snapshot))
        hello = _describe(store, time.monotonic() - started, isolated)
    except (OSError, SyntaxError, ValueError, MemoryError, zstandard.ZstdError) as error:
        _send(control, {"error": f"{Path(settings.snapshot).name}: {error}"})
        return 1
    _warm_up()
    # The engine writes a backtrace when it aborts at the memory limit; nobody reads it.
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    # What lives now lives on: the collector must not touch it, or every worker would copy it.
    gc.collect()
    gc.freeze()
    host = _Host(settings, store, frozenset(hello["graphs"]), control)
    _fill(host)
    _send(control, hello)
    try:
        _serve(host)
    finally:
        for worker in (*host.spares, *host.busy):
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(worker.pid, 0)
    return 0


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    control.sendall(LENGTH.pack(len(data)) + data)


if __name__ == "__main__":
    sys.exit(main())
