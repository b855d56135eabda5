"""The reference page: the OpenAPI document for people, without scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from lexgraph.api import pages


def page(document: dict[str, Any], root: str) -> bytes:
    """The page for an OpenAPI document."""
    groups: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = operation.get("tags", ["Service"])[0]
            groups.setdefault(name, []).append("".join(_operation(path, method, operation)))
    texts = {tag["name"]: tag["description"] for tag in document["tags"]}
    description = "".join(f"<p>{_text(text)}</p>" for text in document["info"]["description"].split("\n\n"))
    body = f'{description}<p><a href="{escape(root)}/openapi.json">openapi.json</a> for programs.</p>'
    for name, parts in groups.items():
        if parts:
            body += f"<h2>{escape(name)}</h2><p>{escape(texts.get(name, ''))}</p>{''.join(parts)}"
    body += "<h2>Schemas</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        body += f'<details id="{escape(name)}"><summary>{escape(name)}</summary>{_json(schema)}</details>'
    return pages.page(root, "API reference", body)


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<h3><code>{method.upper()} {escape(path)}</code></h3>"
    texts = dict.fromkeys((operation.get("summary", ""), operation.get("description", "")))
    yield "".join(f"<p>{_text(text)}</p>" for text in texts if text)
    if parameters := operation.get("parameters"):
        rows = "".join(
            f"<tr><th><code>{escape(one['name'])}</code></th><td>{_text(one.get('description', one['in']))}</td></tr>"
            for one in parameters
        )
        yield f"<details><summary>Parameters</summary><table>{rows}</table></details>"
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if "example" in content:
            yield f"<details><summary>Body ({escape(media)})</summary>{_json(content['example'])}</details>"
    rows = "".join(
        f"<tr><th>{escape(str(status))}</th><td>{_text(response.get('description', ''))}"
        f"<br><code>{escape(', '.join(response.get('content', {})))}</code></td></tr>"
        for status, response in operation.get("responses", {}).items()
    )
    yield f"<details><summary>Responses</summary><table>{rows}</table></details>"
    for content in operation.get("responses", {}).get("200", {}).get("content", {}).values():
        if "example" in content:
            yield f"<details><summary>Example of an answer</summary>{_json(content['example'])}</details>"


def _text(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False), quote=False)}</pre>"
