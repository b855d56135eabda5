"""Codes: what users may write for states, offences, measures and the rest, and the nearest when they err."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Any

from rapidfuzz import fuzz, process

from lexgraph.settings import ID, ONTOLOGY
from lexgraph.store import Store


class InputError(ValueError):
    """A question cannot be understood: which field, why, and what was perhaps meant."""

    def __init__(self, field: str, message: str, value: str = "", suggestions: Iterable[str] = ()) -> None:
        self.field = field
        self.message = message
        self.value = value
        self.suggestions = list(suggestions)
        hint = f"; did you mean {' or '.join(self.suggestions)}?" if self.suggestions else ""
        super().__init__(f"{field}: {message}{hint}")


def fold(text: str) -> str:
    """Spelling-insensitive form: lower case, no accents, words joined by single hyphens."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(ch for ch in plain if not unicodedata.combining(ch))
    return re.sub(r"[\W_]+", "-", plain).strip("-")


_CONCEPTS = f"""
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?concept ?notation ?label ?lang ?definition WHERE {{
  ?concept a skos:Concept ; skos:notation ?notation ; skos:prefLabel ?label .
  OPTIONAL {{ ?concept skos:definition ?definition }}
  BIND(LANG(?label) AS ?lang)
  FILTER(STRSTARTS(STR(?concept), "{ID}"))
}} ORDER BY ?concept ?lang"""

_WORDS = f"""
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?concept ?word WHERE {{
  VALUES ?naming {{ skos:hiddenLabel skos:altLabel skos:prefLabel }}
  ?concept ?naming ?word .
  FILTER(STRSTARTS(STR(?concept), "{ID}offence/"))
}} ORDER BY ?word ?concept"""

_CLASSES = f"""
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?concept ?class WHERE {{
  ?concept a skos:Concept ; a ?class .
  FILTER(STRSTARTS(STR(?concept), "{ID}") && STRSTARTS(STR(?class), "{ONTOLOGY}"))
}}"""

_ORDERS = f"""
PREFIX lexo: <{ONTOLOGY}>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?order ?code ?property ?value ?lang WHERE {{
  ?order a lexo:LegalOrder ; skos:notation ?code ; ?property ?value .
  FILTER(?property IN (skos:prefLabel, skos:altLabel, lexo:alpha3, lexo:officialName, lexo:orderKind, lexo:sovereign))
  BIND(IF(isLiteral(?value), LANG(?value), "") AS ?lang)
}} ORDER BY ?code ?property ?lang ?value"""

_INSTRUMENTS = f"""
PREFIX lexo: <{ONTOLOGY}>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX dct: <http://purl.org/dc/terms/>
SELECT ?instrument ?title WHERE {{
  ?instrument a lexo:Instrument .
  OPTIONAL {{ ?instrument dct:title ?title }}
}} ORDER BY ?instrument"""

_DATE = re.compile(r"^\d{4}(-\d{2}(-\d{2})?)?$")


class Codes:
    """Every code of the graph, with names and everyday words."""

    def __init__(self, store: Store) -> None:
        self.kinds: dict[str, dict[str, dict[str, Any]]] = {}
        self.classes: dict[str, set[str]] = {}
        for row in store.select(_CONCEPTS):
            kind, code = row["concept"].removeprefix(ID).split("/", 1)
            entry = self.kinds.setdefault(kind, {}).setdefault(code, {"code": code, "label": code, "labels": {}})
            entry["labels"][row.get("lang", "")] = row["label"]
            entry["definition"] = row.get("definition", "")
            if row.get("lang") == "en":
                entry["label"] = row["label"]
        for row in store.select(_CLASSES):
            self.classes.setdefault(row["concept"], set()).add(row["class"].removeprefix(ONTOLOGY))
        self.offence_groups = {
            code for code in self.kinds.get("offence", {}) if "OffenceGroup" in self.of_class("offence", code)
        }
        self._words: dict[str, list[str]] = {}
        for row in store.select(_WORDS):
            code = row["concept"].removeprefix(f"{ID}offence/")
            found = self._words.setdefault(fold(row["word"]), [])
            if code not in found and code not in self.offence_groups:
                found.append(code)
        self.states: dict[str, dict[str, Any]] = {}
        self._state_names: dict[str, str] = {}
        self._load_orders(store)
        self.instruments: dict[str, str] = {
            row["instrument"].removeprefix(f"{ID}instrument/"): row.get("title", "")
            for row in store.select(_INSTRUMENTS)
        }

    def _load_orders(self, store: Store) -> None:
        for row in store.select(_ORDERS):
            code = row["code"]
            entry = self.states.setdefault(code, {"code": code, "alpha3": None, "name": code, "names": {}})
            prop, value = row["property"].rsplit("/", 1)[-1].rsplit("#", 1)[-1], row["value"]
            if prop == "prefLabel":
                entry["names"][row["lang"]] = value
                if row["lang"] == "en":
                    entry["name"] = value
            elif prop == "orderKind":
                entry["kind"] = value.rsplit("/", 1)[-1]
            elif prop == "sovereign":
                entry["sovereign"] = value.rsplit("/", 1)[-1]
            elif prop == "alpha3":
                entry["alpha3"] = value
            if prop in {"prefLabel", "altLabel", "officialName", "alpha3"}:
                self._state_names.setdefault(fold(value), code)
        for code in self.states:
            self._state_names[fold(code)] = code

    def of_class(self, kind: str, code: str) -> set[str]:
        """Local names of the ontology classes of a concept."""
        return self.classes.get(f"{ID}{kind}/{code}", set())

    def with_class(self, kind: str, *names: str) -> list[str]:
        """Codes of a kind that belong to one of some ontology classes."""
        return [code for code in self.kinds.get(kind, {}) if self.of_class(kind, code) & set(names)]

    def label(self, kind: str, code: str, language: str = "en") -> str:
        """Label of a code in a language, else the code itself."""
        labels = self.kinds.get(kind, {}).get(code, {}).get("labels", {})
        return str(labels.get(language) or code)

    def name_in(self, code: str, language: str) -> str:
        """Name of a legal order in a language, else in English."""
        return str(self.states.get(code, {}).get("names", {}).get(language) or self.name(code))

    def name(self, code: str) -> str:
        """English name of a legal order."""
        return str(self.states.get(code, {}).get("name", code))

    def state(self, text: str, field: str) -> str:
        """A legal order by code, alpha-3 or name. Raises InputError with the nearest."""
        found = self._state_names.get(fold(text))
        if found:
            return found
        near = process.extract(fold(text), self._state_names, limit=3, score_cutoff=60, scorer=fuzz.ratio)
        names = [self._state_names[key] for _, _, key in near] if near and len(near[0]) == 3 else []
        if not names:
            hits = process.extract(fold(text), list(self._state_names), limit=3, score_cutoff=60)
            names = [self._state_names[hit[0]] for hit in hits]
        hints = list(dict.fromkeys(f"{code} ({self.name(code)})" for code in names))
        raise InputError(field, f"no state or territory is called {text!r}", text, hints)

    def offences(self, text: str, field: str) -> tuple[list[str], str | None]:
        """Offence categories for a code or an everyday word, with a note for the echo where it was a word."""
        known = self.kinds.get("offence", {})
        if text in known and text not in self.offence_groups:
            return [text], None
        folded = fold(text)
        if folded in known and folded not in self.offence_groups:
            return [folded], f"{text!r} is read as {folded}"
        if found := self._words.get(folded):
            return list(found), f"{text!r} is read as {' and '.join(found)}"
        pool = [code for code in known if code not in self.offence_groups] + list(self._words)
        hits = process.extract(folded, pool, limit=3, score_cutoff=50, scorer=fuzz.WRatio)
        raise InputError(field, f"no offence category is called {text!r}", text, [hit[0] for hit in hits])

    def code(self, kind: str, text: str, field: str) -> str:
        """A code of a kind. Raises InputError with the nearest."""
        pool = self.instruments if kind == "instrument" else self.kinds.get(kind, {})
        if text in pool:
            return text
        folded = fold(text)
        if folded in pool:
            return folded
        hits = process.extract(folded, list(pool), limit=3, score_cutoff=50, scorer=fuzz.WRatio)
        raise InputError(field, f"no {kind} is called {text!r}", text, [hit[0] for hit in hits])

    @staticmethod
    def day(text: str, field: str) -> tuple[str, str | None]:
        """An ISO day; a year or a month alone means its first day, which the note says."""
        text = text.strip()
        padded = text + "-01-01"[len(text) - 4 :] if _DATE.match(text) and len(text) < 10 else text
        try:
            if not _DATE.match(text):
                raise ValueError("not of the form YYYY-MM-DD")
            date.fromisoformat(padded)
        except ValueError as exc:
            raise InputError(field, f"{text!r} is no day ({exc}); write YYYY-MM-DD", text) from None
        return padded, (f"{text} is read as {padded}" if padded != text else None)
