"""Run strangers' queries in a process of their own, within a time, memory and size limit."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import lexgraph
from lexgraph.settings import BASE
from lexgraph.sparql.errors import (
    EngineFailed,
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
from lexgraph.sparql.guard import check_length
from lexgraph.sparql.results import MediaType, QueryForm, by_name
from lexgraph.sparql.worker import JOB, LENGTH, Settings, read_exactly

_NAMES = ("graph.nq.zst", "graph.nq.gz", "graph.nq")
# How long past the deadline the host may take to kill a worker before the host itself is held to be stuck.
_GRACE_S = 5.0
_ERRORS: dict[str, type[SparqlError]] = {
    "QueryTooLarge": QueryTooLarge,
    "EngineFailed": EngineFailed,
    "QueryFailed": QueryFailed,
}


@dataclass(frozen=True)
class QueryResult:
    """A complete result: bytes in the media type, and the seconds it took, the wait for a worker included."""

    body: bytes
    media_type: MediaType
    form: QueryForm
    seconds: float


@dataclass(frozen=True)
class HostStatus:
    """How the service stands.

    `network_namespace` tells whether workers have a network namespace of their own. That they can open no
    new descriptor, and so no socket, holds in any case. `memory_limit` is False on systems where it cannot
    be set. `graphs` gives the number of triples of each named graph, `triples` that of their union.
    """

    running: bool
    pid: int | None
    starts: int
    busy: int
    waiting: int
    graphs: dict[str, int]
    triples: int
    load_seconds: float
    network_namespace: bool
    memory_limit: bool


class SparqlHost:
    """A pool of confined workers over one snapshot. Safe to call from several threads.

    The host process starts at the first use (or `start`), and again at the next query should it die. It ends
    with `close`, or when this process ends in whatever way.
    """

    def __init__(
        self,
        snapshot: Path | str,
        *,
        workers: int = 2,
        deadline_s: float = 10.0,
        memory_bytes: int = 512 * 1024 * 1024,
        max_result_bytes: int = 32 * 1024 * 1024,
        queue_s: float = 5.0,
        max_waiting: int = 16,
        start_timeout_s: float = 120.0,
        base_iri: str = BASE,
    ) -> None:
        """Take an N-Quads file (plain, .gz, .zst) or a snapshot folder with a `graph.nq` of these kinds.

        Args:
            snapshot: what to load; links are followed now, so that a later switch does not change it.
            workers: queries that run at once.
            deadline_s: seconds a query may take, parsing and writing included.
            memory_bytes: what a query may allocate besides the loaded graph.
            max_result_bytes: size of the largest result.
            queue_s: seconds a query waits for a free worker.
            max_waiting: queries that may wait; further ones are turned away at once.
            start_timeout_s: seconds that loading may take.
            base_iri: what relative IRIs in a query resolve against.

        Raises:
            FileNotFoundError: there is no such file.
        """
        path = Path(snapshot).resolve()
        if path.is_dir():
            found = [path / name for name in _NAMES if (path / name).is_file()]
            if not found:
                raise FileNotFoundError(f"no {' or '.join(_NAMES)} in {path}")
            path = found[0]
        if not path.is_file():
            raise FileNotFoundError(f"no snapshot at {path}")
        if workers < 1 or deadline_s <= 0 or memory_bytes < 1 or max_result_bytes < 1:
            raise ValueError("workers, deadline_s, memory_bytes and max_result_bytes must be positive")
        self._settings = Settings(str(path), workers, deadline_s, memory_bytes, max_result_bytes, base_iri)
        self._queue_s = queue_s
        self._max_waiting = max_waiting
        self._start_timeout_s = start_timeout_s
        self._gate = threading.Condition()
        self._busy = 0
        self._waiting = 0
        self._closed = False
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._hello: dict[str, Any] = {}
        self._starts = 0

    # ------------------------------------------------------------------------------------------- public

    @property
    def deadline_s(self) -> float:
        """Seconds a query may take."""
        return self._settings.deadline_s

    @property
    def known_graphs(self) -> frozenset[str]:
        """The IRIs of the named graphs. Starts the host where it does not run yet."""
        if not self._hello:
            self.start()
        return frozenset(self._hello["graphs"])

    def start(self) -> None:
        """Start the host process and wait until the graph is loaded. Does nothing where it runs.

        Raises:
            HostUnavailable: the snapshot cannot be loaded.
        """
        with self._lock:
            self._ensure_running()

    def status(self) -> HostStatus:
        """How the service stands now. Does not start anything."""
        with self._lock:
            process = self._process
            running = process is not None and process.poll() is None
            hello = self._hello
        return HostStatus(
            running=running,
            pid=process.pid if process is not None and running else None,
            starts=self._starts,
            busy=self._busy,
            waiting=self._waiting,
            graphs=dict(hello.get("graphs", {})),
            triples=hello.get("triples", 0),
            load_seconds=hello.get("load_seconds", 0.0),
            network_namespace=hello.get("network_namespace", False),
            memory_limit=hello.get("memory_limit", False),
        )

    def query(
        self,
        query: str,
        *,
        accept: str | None = None,
        format_alias: str | None = None,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
    ) -> QueryResult:
        """Check and run a query, and give its result in the format the client asks for.

        `default_graphs` and `named_graphs` are the dataset of the protocol; where there is any, it takes the
        place of the query's own. Without a dataset the default graph is the union of all named graphs.

        Raises:
            QueryRefused: the guard does not let it through.
            QuerySyntaxError: the text is not a query.
            UnknownGraph: the protocol's dataset names a graph that is not here.
            NotAcceptable: no format fits.
            QueryTimeout, QueryMemory, QueryTooLarge: a limit was reached.
            QueryBusy: no worker came free in time.
            QueryFailed: it cannot be evaluated; EngineFailed where the engine is at fault.
            HostUnavailable: the host cannot be started, or died meanwhile.
        """
        started = time.monotonic()
        check_length(query)
        for iri in (*default_graphs, *named_graphs):
            if iri not in self.known_graphs:
                raise UnknownGraph(f"There is no graph <{iri}> here.")
        request = {
            "query": query,
            "accept": accept,
            "format": format_alias,
            "default_graphs": list(dict.fromkeys(default_graphs)),
            "named_graphs": list(dict.fromkeys(named_graphs)),
        }
        self._enter()
        try:
            head, body = self._ask(json.dumps(request).encode())
        finally:
            self._leave()
        if "error" in head:
            raise self._error(head)
        return QueryResult(body, by_name(head["media"]), QueryForm(head["form"]), time.monotonic() - started)

    def close(self, drain_s: float | None = None) -> None:
        """End the host. Queries that run get up to `drain_s` seconds (the deadline, if None) to finish.

        Queries that wait, and later ones, get HostClosed. Closing twice does no harm.
        """
        patience = self._settings.deadline_s + _GRACE_S if drain_s is None else drain_s
        with self._gate:
            self._closed = True
            self._gate.notify_all()
            self._gate.wait_for(lambda: self._busy == 0, patience)
        with self._lock:
            self._stop()

    def __enter__(self) -> Self:
        """Start the host."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the host."""
        self.close()

    # -------------------------------------------------------------------------------------------- queue

    def _enter(self) -> None:
        with self._gate:
            if self._closed:
                raise HostClosed("This service is closed.")
            if self._busy >= self._settings.workers:
                # Callers are threads of a pool that serves other requests too: not all of them may wait here.
                if self._waiting >= self._max_waiting:
                    raise QueryBusy("Too many queries wait already.")
                self._waiting += 1
                try:
                    free = self._gate.wait_for(
                        lambda: self._closed or self._busy < self._settings.workers, self._queue_s
                    )
                finally:
                    self._waiting -= 1
                if self._closed:
                    raise HostClosed("This service is closed.")
                if not free:
                    raise QueryBusy(f"No worker came free in {self._queue_s:g} seconds.")
            self._busy += 1

    def _leave(self) -> None:
        with self._gate:
            self._busy -= 1
            self._gate.notify_all()

    # ------------------------------------------------------------------------------------------ process

    def _ensure_running(self) -> socket.socket:
        if self._closed and self._busy == 0:
            raise HostClosed("This service is closed.")
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._stop()
        ours, theirs = socket.socketpair()
        command = [
            sys.executable,
            "-P",  # the working directory is no place to import from
            "-m",
            "lexgraph.sparql.worker",
            "--control",
            str(theirs.fileno()),
            "--settings",
            json.dumps(asdict(self._settings)),
        ]
        # A session of its own: an interrupt at the terminal is for this process, which then closes the host.
        with theirs:
            self._process = subprocess.Popen(
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._control = ours
        self._starts += 1
        try:
            ours.settimeout(self._start_timeout_s)
            size = LENGTH.unpack(read_exactly(ours, LENGTH.size))[0]
            hello: dict[str, Any] = json.loads(read_exactly(ours, size))
            ours.settimeout(None)
        except (OSError, EOFError) as error:
            self._stop()
            reason = "took too long" if isinstance(error, TimeoutError) else "ended before it was ready"
            raise HostUnavailable(f"The query service {reason}.") from error
        if "error" in hello:
            self._stop()
            raise HostUnavailable(f"The snapshot cannot be loaded: {hello['error']}")
        self._hello = hello
        return ours

    def _stop(self) -> None:
        control, self._control = self._control, None
        process, self._process = self._process, None
        if control is not None:
            control.close()
        if process is None:
            return
        # The host ends when its control socket does; killing is for one that is stuck.
        with suppress(subprocess.TimeoutExpired):
            process.wait(2.0)
            return
        process.kill()
        process.wait()

    def _dispatch(self) -> tuple[socket.socket, int]:
        """Pass the far ends of a socket (question and answer) and of a pipe (how it ended) to the host."""
        with self._lock:
            for attempt in (1, 2):
                control = self._ensure_running()
                near, far = socket.socketpair()
                fate, fate_far = os.pipe()
                try:
                    deadline = JOB.pack(self._settings.deadline_s)
                    socket.send_fds(control, [deadline], [far.fileno(), fate_far])
                    return near, fate
                except OSError as error:
                    near.close()
                    os.close(fate)
                    self._stop()
                    if attempt == 2:
                        raise HostUnavailable("The query service does not take queries.") from error
                finally:
                    far.close()
                    os.close(fate_far)
        raise AssertionError("not reached")

    def _ask(self, request: bytes) -> tuple[dict[str, Any], bytes]:
        near, fate = self._dispatch()
        try:
            with near:
                near.settimeout(self._settings.deadline_s + _GRACE_S)
                near.sendall(LENGTH.pack(len(request)) + request)
                size = LENGTH.unpack(read_exactly(near, LENGTH.size))[0]
                head: dict[str, Any] = json.loads(read_exactly(near, size))
                return head, bytes(read_exactly(near, head["length"]))
        except TimeoutError:
            with self._lock:
                if self._process is not None:
                    self._process.kill()
            raise HostUnavailable("The query service did not answer and is started anew.") from None
        except (OSError, EOFError):
            raise self._end(fate) from None
        finally:
            os.close(fate)

    def _end(self, fate: int) -> SparqlError:
        """Why a worker ended without an answer. The host says so once it has buried it."""
        told = os.read(fate, 1024)
        if not told:
            return HostUnavailable("The query service went away under the query and is started anew.")
        end = json.loads(told)
        if end["late"] or end["signal"] == signal.SIGXCPU:
            return QueryTimeout(f"The query took more than {self._settings.deadline_s:g} seconds.")
        if end["signal"] in (signal.SIGABRT, signal.SIGKILL, signal.SIGBUS):
            return self._memory()
        if end["signal"] == signal.SIGSEGV:
            return EngineFailed("The query is nested too deeply for the engine, or hit a fault of it.")
        return EngineFailed("The worker ended without an answer.")

    def _memory(self) -> QueryMemory:
        megabytes = math.ceil(self._settings.memory_bytes / 1024 / 1024)
        return QueryMemory(f"The query took more than {megabytes} MiB of memory.")

    def _error(self, head: dict[str, Any]) -> SparqlError:
        kind, message = head["error"], head["message"]
        if kind == "QueryRefused":
            return QueryRefused(head["code"], message, line=head["line"], column=head["column"])
        if kind == "QuerySyntaxError":
            return QuerySyntaxError(message, line=head["line"], column=head["column"])
        if kind == "NotAcceptable":
            return NotAcceptable(message, tuple(head["offers"]))
        if kind == "QueryMemory":
            return self._memory()
        return _ERRORS.get(kind, QueryFailed)(message)


def _environment() -> dict[str, str]:
    """What the host process gets to see: the way to the package, and nothing that may be secret."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LEXGRAPH_BASE") if name in os.environ}
    package_parent = str(Path(lexgraph.__file__).resolve().parent.parent)
    inherited = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return {**kept, "PYTHONPATH": os.pathsep.join([package_parent, *inherited]), "PYTHONUTF8": "1"}
