"""The small HTML pages. They load nothing, from here or elsewhere."""

from __future__ import annotations

from html import escape
from importlib import resources
from string import Template

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_LAYOUT = Template(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))


def page(root: str, title: str, body: str) -> bytes:
    """A page. `body` is HTML; `root` is what addresses begin with."""
    return _LAYOUT.substitute(root=escape(root), title=escape(title), body=body).encode()
