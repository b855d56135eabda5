"""Bulk files: a catalogue with sizes and checksums, and the files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from lexgraph.api import openapi
from lexgraph.api.negotiate import JSON, check_names, dump, matches, pick, respond, version_header
from lexgraph.api.problems import Problem, nearest
from lexgraph.api.snapshots import Holder
from lexgraph.export import FORMATS, LICENCE
from lexgraph.snapshot import Snapshot

GRAPH = "graph.nq.zst"

_OTHER = "application/octet-stream"
_MEDIA_TYPES = {
    **dict(FORMATS.values()),
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".nt": "application/n-triples",
    ".txt": "text/plain; charset=utf-8",
    ".zip": "application/zip",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
}


class Catalogue:
    """The bulk files of one snapshot: its graph, and what `lexgraph export` has put below `export`."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Read nothing yet."""
        self._snapshot = snapshot
        self._digests: dict[tuple[Path, int, int], str] = {}
        self._lock = threading.Lock()

    def files(self) -> dict[str, Path]:
        """The files by name. They may appear while the snapshot is in use, so each call looks anew."""
        found = {GRAPH: self._snapshot.graph}
        folder = self._snapshot.folder / "export"
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            inside = path.resolve().is_relative_to(folder.resolve())
            # A file whose name begins with a dot is still being written.
            if path.is_file() and inside and not any(part.startswith(".") for part in parts):
                found.setdefault("/".join(parts), path)
        return found

    def sha256(self, path: Path) -> str:
        """The checksum of a file, worked out once as long as the file stays as it is."""
        stat = path.stat()
        key = (path, stat.st_size, stat.st_mtime_ns)
        with self._lock:
            if key not in self._digests:
                with path.open("rb") as file:
                    self._digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
            return self._digests[key]

    def entries(self, root: str) -> Iterator[dict[str, Any]]:
        """What the catalogue says of each file; addresses begin with `root`."""
        for name, path in self.files().items():
            stat = path.stat()
            yield {
                "name": name,
                "href": f"{root}/export/{quote(name)}",
                "media_type": media_type(path),
                "size": stat.st_size,
                "sha256": self.sha256(path),
                "modified": datetime.fromtimestamp(int(stat.st_mtime), UTC).isoformat(),
            }


def media_type(path: Path) -> str:
    """The media type that a file's name tells."""
    return _MEDIA_TYPES.get(path.suffix.lower(), _OTHER)


def routes(holder: Holder) -> APIRouter:
    """The catalogue, and each file."""
    router = APIRouter(tags=["Bulk files"])

    def catalogue(request: Request) -> Response:
        """The bulk files with size, checksum and media type."""
        check_names(request, ("format",))
        media = pick(request, (JSON,))
        opened = holder.get()
        engine = opened.engine
        files = list(opened.catalogue.entries(request.scope.get("root_path", "")))
        document = {
            "data_version": engine.data_version,
            "snapshot": engine.snapshot.name,
            "licence": LICENCE,
            "files": files,
        }
        state = [f"{file['name']} {file['sha256']}" for file in files]
        return respond(request, opened, media, lambda: dump(document), depends_on=state)

    def file(request: Request, name: str) -> Response:
        """One bulk file. Ranges are served, so that a broken download can go on."""
        opened = holder.get()
        files = opened.catalogue.files()
        path = files.get(name)
        if path is None or not path.is_file():
            near = nearest(name, files)
            raise Problem("not-found", f"There is no file {name!r}. /export/ lists all.", suggestions=near)
        tag = f'"{opened.catalogue.sha256(path)}"'
        headers = {
            **version_header(opened),
            "ETag": tag,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if matches(request.headers.get("if-none-match"), tag):
            return Response(status_code=304, headers=headers)
        return FileResponse(path, headers=headers, media_type=media_type(path), stat_result=path.stat())

    responses: dict[int | str, dict[str, Any]] = {
        200: openapi.listing("files"),
        304: openapi.NOT_MODIFIED,
        **openapi.errors(406, 422, 500, 503),
    }
    for path, shown in (("/export/", True), ("/export", False)):
        router.add_api_route(
            path,
            catalogue,
            methods=["GET"],
            name="export" if shown else "export_bare",
            response_class=Response,
            responses=responses,
            include_in_schema=shown,
        )
    for method in ("GET", "HEAD"):
        router.add_api_route(
            "/export/{name:path}",
            file,
            methods=[method],
            name=f"export_file_{method.lower()}",
            summary="One bulk file",
            response_class=Response,
            responses={
                200: openapi.FILE,
                206: openapi.PART,
                304: openapi.NOT_MODIFIED,
                **openapi.errors(404, 500, 503),
            },
            include_in_schema=method == "GET",
        )
    return router
