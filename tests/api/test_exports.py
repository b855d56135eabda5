"""Bulk files."""

from __future__ import annotations

import hashlib

import pytest
import zstandard
from fastapi.testclient import TestClient


def test_the_catalogue_is_true(client: TestClient) -> None:
    response = client.get("/export/")
    document = response.json()
    # Not in it: a file that is still being written, and a link that leads out.
    assert [file["name"] for file in document["files"]] == ["graph.nq.zst", "tables/names.csv"]
    assert [file["media_type"] for file in document["files"]] == ["application/zstd", "text/csv"]
    for file in document["files"]:
        content = client.get(file["href"])
        assert content.headers["content-type"].startswith(file["media_type"])
        assert len(content.content) == file["size"]
        assert hashlib.sha256(content.content).hexdigest() == file["sha256"]
    assert client.get("/export").content == response.content
    assert client.get("/export/", headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_the_graph_can_be_read(client: TestClient) -> None:
    content = client.get("/export/graph.nq.zst", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in content.headers
    quads = zstandard.ZstdDecompressor().decompressobj().decompress(content.content)
    assert b"Xanadu" in quads


def test_a_broken_download_goes_on(client: TestClient) -> None:
    whole = client.get("/export/tables/names.csv")
    rest = client.get("/export/tables/names.csv", headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]})
    assert rest.status_code == 206
    assert rest.content == whole.content[100:]
    assert client.get("/export/tables/names.csv", headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    head = client.head("/export/tables/names.csv")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))


@pytest.mark.parametrize(
    "path",
    [
        "/export/nothing.csv",
        "/export/../manifest.json",
        "/export/%2e%2e/manifest.json",
        "/export/..%2fmanifest.json",
        "/export//etc/hostname",
        "/export/tables",
        "/export/outside",
        "/export/.half-written.csv",
    ],
)
def test_nothing_else_is_given_away(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
