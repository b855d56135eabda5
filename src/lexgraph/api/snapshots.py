"""The snapshot in use. A new one is opened beside the old one and takes over between two requests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from lexgraph import snapshot
from lexgraph.api.problems import Problem
from lexgraph.settings import Project
from lexgraph.snapshot import NoSnapshotError, Snapshot
from lexgraph.sparql.errors import HostUnavailable, SparqlError
from lexgraph.sparql.host import SparqlHost

if TYPE_CHECKING:
    from lexgraph.api.exports import Catalogue
    from lexgraph.engine import Engine

# A snapshot that cannot be opened is tried again after this, in case what failed was the machine.
_RETRY_S = 60.0

_log = logging.getLogger(__name__)


class Opened:
    """A snapshot that is open: the engine, and the host for strangers' SPARQL. Requests hold on to one."""

    def __init__(self, engine: Engine, host: SparqlHost) -> None:
        """Keep both."""
        self.engine = engine
        self.host = host
        self.host_started = False

    @cached_property
    def catalogue(self) -> Catalogue:
        """The bulk files of the snapshot."""
        from lexgraph.api.exports import Catalogue

        return Catalogue(self.engine.snapshot)

    @cached_property
    def ontology(self) -> bytes:
        """The ontology as it was written, without what follows from it, as N-Triples."""
        from lexgraph.api.entities import ontology

        return ontology(self.engine.snapshot.graph)


class Holder:
    """Keeps the current snapshot open. One thread looks for a new one and opens it; readers never wait."""

    def __init__(
        self,
        project: Project,
        open_engine: Callable[[Project], Engine],
        open_host: Callable[[Snapshot], SparqlHost],
        check_every_s: float = 2.0,
    ) -> None:
        """Open nothing yet.

        Args:
            project: where the snapshots are.
            open_engine: opens the engine on the current snapshot.
            open_host: makes the SPARQL host of a snapshot.
            check_every_s: seconds between two looks at `current`.
        """
        self._project = project
        self._open_engine = open_engine
        self._open_host = open_host
        self._check_every_s = check_every_s
        self._opened: Opened | None = None
        self._trouble = "The graph is being loaded."
        self._failed: tuple[str, float] = ("", 0.0)
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self.loads = 0
        self.failures = 0

    @property
    def opened(self) -> Opened | None:
        """The snapshot in use, or None before the first is open."""
        return self._opened

    @property
    def version(self) -> str | None:
        """The data version in use."""
        opened = self._opened
        return opened.engine.data_version if opened else None

    def get(self) -> Opened:
        """The snapshot in use. Raises Problem (503) before the first is open."""
        opened = self._opened
        if opened is None:
            raise Problem("not-ready", self._trouble, headers={"Retry-After": "5"})
        return opened

    def host(self) -> SparqlHost:
        """The SPARQL host in use. Raises HostUnavailable before the first snapshot is open."""
        opened = self._opened
        if opened is None:
            raise HostUnavailable(self._trouble)
        return opened.host

    def start(self) -> None:
        """Begin to look, and to open what there is."""
        self._thread = threading.Thread(target=self._watch, name="lexgraph-snapshots", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until a snapshot is open. False when the time is over before."""
        return self._ready.wait(seconds)

    def stop(self) -> None:
        """Look no more, and end the SPARQL host."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(1.0)
        if self._opened is not None:
            self._opened.host.close(drain_s=1.0)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            # The thread must outlive anything: nobody would start another.
            try:
                self._look()
            except Exception:
                _log.exception("looking for a new snapshot failed")
            self._stopping.wait(self._check_every_s)

    def _look(self) -> None:
        try:
            name = snapshot.current(self._project.home).name
        except NoSnapshotError:
            self._trouble = "No graph is built yet. Build it with: lexgraph build"
            return
        old = self._opened
        if old is not None and old.engine.snapshot.name == name:
            return
        failed, again_at = self._failed
        if failed == name and time.monotonic() < again_at:
            return
        try:
            new = self._open()
        except Exception:
            self.failures += 1
            self._failed = (name, time.monotonic() + _RETRY_S)
            self._trouble = "The graph cannot be opened; the service's log says why."
            _log.exception("snapshot %s cannot be opened", name)
            return
        if old is not None:
            # Nobody waits for this one yet, so its queries should not have to wait for it either.
            self._start_host(new)
        if self._stopping.is_set():
            new.host.close(drain_s=0)
            return
        self._opened = new
        self.loads += 1
        self._ready.set()
        _log.info("snapshot %s is in use", new.engine.snapshot.name)
        if old is None:
            self._start_host(new)
        else:
            old.host.close()

    def _open(self) -> Opened:
        engine = self._open_engine(self._project)
        return Opened(engine, self._open_host(engine.snapshot))

    def _start_host(self, opened: Opened) -> None:
        # It starts at its first query otherwise, which then says what is wrong.
        with suppress(SparqlError, OSError):
            opened.host.start()
            opened.host_started = True
