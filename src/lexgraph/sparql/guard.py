"""Refuse, before evaluation, what a stranger's query must not do.

The query is parsed, not searched. Three things make the check hold for the engine that runs the query too:

- Codepoint escapes are decoded once and comments are blanked by a lexer of our own, and the engine gets that
  same text. Two parsers cannot then differ on where a comment ends (they do: one ends it at a carriage
  return, the other does not).
- The whole parse tree is walked, so that sub-selects, EXISTS, MINUS and the like are covered. The tree is
  walked rather than the algebra made from it: nothing is optimised away, and the translation takes time that
  grows with the square of the query.
- The lexer looks for the keyword SERVICE besides, so that a slip of the parser alone does not let it through.

A query that this parser rejects is refused even if the engine would take it.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urljoin

from pyparsing import ParseBaseException, ParseResults
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import URIRef

from lexgraph.sparql.errors import QueryRefused, QuerySyntaxError
from lexgraph.sparql.results import QueryForm

MAX_QUERY_BYTES = 64 * 1024

_FORMS = {
    "SelectQuery": QueryForm.SELECT,
    "AskQuery": QueryForm.ASK,
    "ConstructQuery": QueryForm.CONSTRUCT,
    "DescribeQuery": QueryForm.DESCRIBE,
}
_UPDATE_WORDS = frozenset({"insert", "delete", "load", "clear", "drop", "create", "add", "move", "copy", "with"})
_NO_SERVICE = "SERVICE is not allowed: no other endpoint is asked from here."

_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
# An escape may stand only for a character that is legal at its place, so never for one that ends a token.
_DELIMITERS = frozenset("\"'\\<>{}#")

# Stands for '#' inside IRIs and strings while rdflib parses, so that its own idea of a comment never applies.
# A private-use character is legal in IRIs and strings and nowhere else.
_HASH = "\ue000"

_PN = (
    "A-Za-z0-9_\\-.:%\u00b7\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u037d\u037f-\u1fff\u200c-\u200d\u203f-\u2040"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_ECHAR = r"\\[tbnrf\"'\\]"
# The terminals of SPARQL 1.1 that can hide others: strings and IRIs may hold '#', comments may hold anything.
_TOKEN = re.compile(
    rf"""(?P<space>[\x20\t\r\n]+)
    |(?P<comment>\#[^\r\n]*)
    |(?P<string>\"\"\"(?:\"{{0,2}}(?:[^\"\\]|{_ECHAR}))*\"\"\"
        |'''(?:'{{0,2}}(?:[^'\\]|{_ECHAR}))*'''
        |\"(?!\"\")(?:[^\"\\\r\n]|{_ECHAR})*\"
        |'(?!'')(?:[^'\\\r\n]|{_ECHAR})*')
    |(?P<iri><[^<>\"{{}}|^`\\\x00-\x20]*>)
    |(?P<variable>[?$][{_PN.replace("-.:%", "")}]+)
    |(?P<word>(?:[{_PN}]|\\[_~.\-!$&\"'()*+,;=/?\#@%])+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class CheckedQuery:
    """A query that may run.

    `text` is what the engine must be given, in place of the text that came in. The graphs are those of FROM
    and FROM NAMED, as absolute IRIs; `has_dataset` tells whether there was any such clause.
    """

    form: QueryForm
    text: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()

    @property
    def has_dataset(self) -> bool:
        """Whether the query names its own dataset."""
        return bool(self.default_graphs or self.named_graphs)


def check(query: str, known_graphs: frozenset[str], *, base_iri: str | None = None) -> CheckedQuery:
    """Let a query through, or say why not.

    Refused: SERVICE in any place, updates, FROM or FROM NAMED of a graph that is not in `known_graphs`, and
    texts of more than 64 KiB in UTF-8. Relative IRIs resolve against `base_iri`.

    Raises:
        QueryRefused: `code` is query-too-long, service, update, unknown-graph or too-deep.
        QuerySyntaxError: the text is not a SPARQL 1.1 query.
    """
    check_length(query)
    text = _decode_escapes(query)
    text, for_parser = _lex(text)
    tree = _parse(for_parser)
    prologue, body = tree[0], tree[1]
    clauses = _walk(body)
    form = _FORMS.get(getattr(body, "name", ""))
    if form is None:
        raise QuerySyntaxError("The text is not a SELECT, ASK, CONSTRUCT or DESCRIBE query.")
    default, named = _dataset(clauses, prologue, base_iri)
    for iri in (*default, *named):
        if iri not in known_graphs:
            raise QueryRefused(
                "unknown-graph", f"FROM names a graph that is not here: <{iri}>. Only graphs of this service."
            )
    return CheckedQuery(form, text, default, named)


def check_length(query: str) -> None:
    """Refuse a text over 64 KiB. Raises QueryRefused, or QuerySyntaxError for text UTF-8 cannot carry."""
    try:
        size = len(query.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise QuerySyntaxError("The query holds a lone surrogate, which is not a character.") from error
    if size > MAX_QUERY_BYTES:
        raise QueryRefused("query-too-long", f"The query has {size} bytes; the limit is {MAX_QUERY_BYTES}.")


def _decode_escapes(query: str) -> str:
    def decode(match: re.Match[str]) -> str:
        code = int(match[1] or match[2], 16)
        character = chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else None
        if character is None:
            _syntax(query, match.start(), f"{match[0]} is not a character")
        if character in _DELIMITERS or character <= " " or character == "\x7f":
            _syntax(query, match.start(), f"{match[0]} is not allowed: write the character itself")
        return character

    decoded = _ESCAPE.sub(decode, query)
    # Both parsers decode what they are given, so a text that still holds an escape would be read twice.
    left = _ESCAPE.search(decoded)
    if left:
        _syntax(decoded, left.start(), "a codepoint escape may not follow a backslash or make another escape")
    return decoded


def _lex(text: str) -> tuple[str, str]:
    """The text with comments blanked, and the same with every remaining '#' hidden. Positions stay."""
    clean: list[str] = []
    hidden: list[str] = []
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        if kind == "comment":
            token = " " * len(token)
        elif kind == "other" and token in "\"'":
            _syntax(text, match.start(), "a string does not end, or holds an escape that is not one")
        elif kind == "word" and "service" in token.lower().split(":", 1)[0]:
            # A prefix with the word in it goes too: an engine may read SERVICEx:y as SERVICE x:y.
            line, column = _place(text, match.start())
            message = _NO_SERVICE + (" Rename the prefix." if ":" in token else "")
            raise QueryRefused("service", message, line=line, column=column)
        clean.append(token)
        hidden.append(token.replace("#", _HASH) if kind in ("iri", "string") else token)
    return "".join(clean), "".join(hidden)


def _parse(text: str) -> ParseResults:
    try:
        return parseQuery(text)
    except ParseBaseException as error:
        found = text[error.loc : error.loc + 20].split("\n", 1)[0].replace(_HASH, "#").strip()
        near = f"near {found!r}" if found else "at the end"
        _refuse_update(text)
        raise QuerySyntaxError(
            f"Syntax error at line {error.lineno}, column {error.column}, {near}.",
            line=error.lineno,
            column=error.column,
        ) from None
    except RecursionError:
        raise QueryRefused("too-deep", "The query is nested too deeply.") from None
    except MemoryError:
        raise
    except Exception as error:  # the parse actions raise what they like
        raise QuerySyntaxError(f"The query cannot be parsed: {error}".replace(_HASH, "#")) from None


def _refuse_update(text: str) -> None:
    """Refuse a text that is no query and begins, after its prologue, like an update. For a better message."""
    name_follows = False
    for match in _TOKEN.finditer(text):
        if match.lastgroup not in ("word", "other"):
            continue
        word = match[0].lower()
        if name_follows:
            name_follows = False
        elif word == "prefix":
            name_follows = True
        elif word != "base":
            if word in _UPDATE_WORDS:
                line, column = _place(text, match.start())
                raise QueryRefused(
                    "update", "Updates are not allowed: this service only reads.", line=line, column=column
                )
            return


def _walk(root: Any) -> list[CompValue]:
    """Refuse SERVICE anywhere in the tree; give the dataset clauses. Without recursion: trees may be deep."""
    clauses = []
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, CompValue):
            if node.name == "ServiceGraphPattern":
                raise QueryRefused("service", _NO_SERVICE)
            if node.name == "DatasetClause":
                clauses.append(node)
            stack.extend(node.values())
        elif isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, (list, tuple, set, ParseResults)):
            stack.extend(node)
    return clauses


def _field(node: CompValue, name: str) -> Any:
    # CompValue.get gives back the name of a key that is not there.
    return node[name] if name in node else None  # noqa: SIM401


def _dataset(
    clauses: Iterable[CompValue], prologue: Iterable[CompValue], base_iri: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    base = base_iri or ""
    prefixes: dict[str, str] = {}
    for declaration in prologue:
        iri = urljoin(base, str(_field(declaration, "iri")))
        if declaration.name == "Base":
            base = iri
        else:
            prefixes[str(_field(declaration, "prefix") or "")] = iri

    def resolve(term: object) -> str:
        if isinstance(term, CompValue):
            prefix = str(_field(term, "prefix") or "")
            if prefix not in prefixes:
                raise QuerySyntaxError(f"The prefix {prefix}: is not declared.")
            iri = prefixes[prefix] + str(_field(term, "localname") or "")
        elif isinstance(term, URIRef):
            iri = urljoin(base, str(term))
        else:
            raise QuerySyntaxError("FROM must name a graph.")
        return iri.replace(_HASH, "#")

    default: dict[str, None] = {}
    named: dict[str, None] = {}
    for clause in clauses:
        for key, graphs in (("default", default), ("named", named)):
            if key in clause:
                graphs[resolve(_field(clause, key))] = None
    # The stack turned the order around; it does not matter for a merge, but reports read better sorted.
    return tuple(sorted(default)), tuple(sorted(named))


def _place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    line = bisect.bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def _syntax(text: str, offset: int, message: str) -> NoReturn:
    line, column = _place(text, offset)
    raise QuerySyntaxError(f"Syntax error at line {line}, column {column}: {message}.", line=line, column=column)
