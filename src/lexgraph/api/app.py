"""The application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from lexgraph.api import answers, entities, exports, lookups, openapi, problems, queries, service
from lexgraph.api.metrics import Metrics
from lexgraph.api.middleware import Compress, Observe, Stamp
from lexgraph.api.snapshots import Holder
from lexgraph.settings import Project
from lexgraph.settings import project as find_project
from lexgraph.snapshot import Snapshot
from lexgraph.sparql import protocol
from lexgraph.sparql.host import SparqlHost

if TYPE_CHECKING:
    from lexgraph.engine import Engine

_EXPOSED = (
    "Accept-Ranges",
    "Allow",
    "Content-Length",
    "Content-Range",
    "ETag",
    "Link",
    "Retry-After",
    "X-Lexgraph-Data-Version",
)


def _open_engine(project: Project) -> Engine:
    from lexgraph.engine import Engine

    return Engine.open(project)


def _open_host(snapshot: Snapshot) -> SparqlHost:
    return SparqlHost(snapshot.folder)


def create_app(
    project: Project | None = None,
    *,
    open_engine: Callable[[Project], Engine] = _open_engine,
    open_host: Callable[[Snapshot], SparqlHost] = _open_host,
    check_every_s: float = 2.0,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """The application. Nothing is opened before it starts; /ready tells when questions are answered.

    Args:
        project: where the snapshots are; found as everywhere else when left out.
        open_engine: opens the engine on the project's current snapshot.
        open_host: makes the SPARQL host of a snapshot.
        check_every_s: seconds between two looks for a new snapshot.
        routers: further routes, such as an explorer's. They go first, so one of them may be the start page.

    Raises:
        FileNotFoundError: there is no project.
    """
    holder = Holder(project or find_project(), open_engine, open_host, check_every_s)
    metrics = Metrics(holder)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        holder.start()
        yield
        holder.stop()

    app = FastAPI(
        title="lexgraph",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # The first is the outermost.
        middleware=[
            Middleware(Observe, metrics=metrics),
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
                allow_headers=["*"],
                expose_headers=_EXPOSED,
                max_age=86400,
            ),
            Middleware(Compress),
            Middleware(Stamp, version=lambda: holder.version),
        ],
    )
    app.state.holder = holder
    parts = (
        *routers,
        answers.routes(holder),
        lookups.routes(holder),
        queries.routes(holder),
        protocol.router(holder.host),
        entities.routes(holder),
        exports.routes(holder),
        service.routes(holder, metrics),
    )
    app.state.methods = [
        (route.path_regex, set(route.methods or ()))
        for part in parts
        for route in part.routes
        if isinstance(route, APIRoute)
    ]
    for part in parts:
        app.include_router(part)
    problems.install(app)
    openapi.install(app)
    return app
