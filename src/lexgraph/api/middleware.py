"""What happens to every request and response."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lexgraph.api.metrics import Metrics

# These answer HEAD themselves: a file need not be read, and the SPARQL protocol has its own rules.
_OWN_HEAD = ("/sparql", "/export/")

_COMPRESSED = ("application/zstd", "application/vnd.apache.parquet")


class Observe:
    """Count and time requests; answer HEAD as GET without its body; read /v1/states/ as /v1/states."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap an application."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        # Not by a redirect: behind a proxy it would lead to an address that is not the public one.
        if path.startswith("/v1/") and path.endswith("/"):
            scope["path"] = path.rstrip("/")
        bodiless = method == "HEAD" and not path.startswith(_OWN_HEAD)
        if bodiless:
            scope["method"] = "GET"
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif bodiless and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.observe(method, route, status, time.perf_counter() - started)


class Stamp:
    """Say on every response which data it is from, that Accept matters, and that any page may read it."""

    def __init__(self, app: ASGIApp, version: Callable[[], str | None]) -> None:
        """Wrap an application. `version` is asked where the response does not know better itself."""
        self._app = app
        self._version = version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def stamp(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                version = self._version()
                if version is not None:
                    headers.setdefault("X-Lexgraph-Data-Version", version)
                if "accept" not in headers.get("vary", "").lower():
                    headers.add_vary_header("Accept")
                headers.setdefault("Access-Control-Allow-Origin", "*")
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        await self._app(scope, receive, stamp)


class Compress(GZipMiddleware):
    """Compress what gains by it. Bulk files go as they are: their checksums and ranges are of those bytes."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        excluded = (*DEFAULT_EXCLUDED_CONTENT_TYPES, *_COMPRESSED)
        super().__init__(app, minimum_size=1024, compresslevel=5, exclude_content_types=excluded)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"].startswith("/export/") and scope["path"] != "/export/":
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
