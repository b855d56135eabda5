"""Counters for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lexgraph import __version__
from lexgraph.api.snapshots import Holder

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The counters of one application, apart from those of any other in the same process."""

    def __init__(self, holder: Holder) -> None:
        """Begin at nought."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "lexgraph_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "lexgraph_http_request_seconds",
            "Time from request to the end of the answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        for name, text, read in (
            ("ready", "Whether a snapshot is open.", lambda: float(holder.opened is not None)),
            ("snapshot_loads", "Snapshots opened so far.", lambda: float(holder.loads)),
            ("snapshot_failures", "Snapshots that could not be opened.", lambda: float(holder.failures)),
        ):
            Gauge(f"lexgraph_{name}", text, registry=self._registry).set_function(read)
        self._registry.register(_Current(holder))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. `route` is its pattern, so that the number of series stays small."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _Current(Collector):
    """What is true now, read from the snapshot in use when somebody asks."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder

    def collect(self) -> list[GaugeMetricFamily]:
        opened = self._holder.opened
        info = GaugeMetricFamily(
            "lexgraph_info", "Versions of the software and of the data.", labels=("version", "data_version")
        )
        info.add_metric((__version__, self._holder.version or ""), 1)
        if opened is None:
            return [info]
        triples = GaugeMetricFamily("lexgraph_triples", "Triples in the store.", value=len(opened.engine.store))
        # A host that is starting would not tell before it has started.
        if not opened.host_started:
            return [info, triples]
        status = opened.host.status()
        return [
            info,
            triples,
            GaugeMetricFamily("lexgraph_sparql_busy", "SPARQL queries that run.", value=status.busy),
            GaugeMetricFamily("lexgraph_sparql_waiting", "SPARQL queries that wait.", value=status.waiting),
            GaugeMetricFamily("lexgraph_sparql_starts", "Starts of the SPARQL host.", value=status.starts),
        ]
