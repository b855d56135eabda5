"""Why: the chain from a ground or a basis to decision, rules, records and sources, and a sentence in three languages.

The sentences are templates of ``ontology/decisions/sentences.csv``; only the commas of a list are put here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lexgraph.decisions import TableRow, fill
from lexgraph.questions.context import Context, code, first
from lexgraph.questions.pair import Pair

LANGUAGES = ("en", "fr", "ar")
COMMA = {"en": ", ", "fr": ", ", "ar": "، "}


def _chain(context: Context, fact: str, table: str, row: TableRow, records: Iterable[str]) -> dict[str, Any]:
    rules = [
        {"fact": about, "rule": rule, "says": first(context.store.describe([iri])[iri], "comment")}
        for about, rule in (context.derivation(fact) if fact else [])
        for iri in [context.rule_iri(rule)]
    ]
    described = context.store.describe(records)
    return {
        "decision": {
            "table": table,
            "rank": row.rank,
            "when": " & ".join(f"{name}={'|'.join(sorted(values))}" for name, values in row.when.items()),
            "then": row.then,
            "source": row.source,
        },
        "rules": rules,
        "records": [
            {
                "record": record,
                "provision": code(thing["provision"][0]) if thing.get("provision") else None,
                "source": first(thing, "source"),
                "source_kind": code(thing["sourceKind"][0]) if thing.get("sourceKind") else None,
                "evidence": code(thing["evidence"][0]) if thing.get("evidence") else None,
                "locator": first(thing, "locator"),
                "checked_on": first(thing, "checkedOn"),
                "note": first(thing, "note"),
            }
            for record, thing in described.items()
        ],
    }


def _sentence(context: Context, key: str, names: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    templates = context.decisions.sentences.get(key, {})
    return {lang: fill(templates[lang], names[lang]) for lang in LANGUAGES if lang in templates}


def _list(context: Context, parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Parts of a sentence one after another, as each language joins them."""
    template = context.decisions.sentences["list"]
    out = dict.fromkeys(LANGUAGES, "")
    for part in parts:
        for lang in set(LANGUAGES) & set(part):
            names = {"first": out[lang], "next": part[lang]}
            out[lang] = fill(template[lang], names) if out[lang] else part[lang]
    return out


def explain_basis(pair: Pair, basis: Mapping[str, Any]) -> dict[str, Any]:
    """The explanation of one basis."""
    context, codes = pair.context, pair.context.codes
    live = [r for r in basis["refusal_grounds"] if r["live"]]
    plain: dict[str, dict[str, str]] = {
        lang: {
            "requesting": codes.name_in(pair.requesting, lang),
            "requested": codes.name_in(pair.requested, lang),
            "measure": codes.label("measure", basis["measure"], lang),
            "offence": codes.label("offence", basis["offence"] or "", lang),
            "citation": basis["citation"],
            **{
                weight: COMMA[lang].join(
                    codes.label("refusal-ground", r["code"], lang)
                    for r in live
                    if r.get("counts_as", r["effect"]) == weight
                )
                for weight in ("mandatory", "optional")
            },
            "from": basis["from"] or "",
        }
        for lang in LANGUAGES
    }
    demands = _list(
        context,
        (_sentence(context, f"demand/{name}/{value}", plain) for name, value in basis["facts"].items() if value),
    )
    full = {lang: {**plain[lang], "demands": demands[lang]} for lang in LANGUAGES}
    return {
        "sentence": _sentence(context, f"basis/{basis['status']}", full),
        **_chain(context, basis["link"], "basis-status", basis["row"], basis["derived_from"]),
    }


def explain_ground(context: Context, order: str, ground: Mapping[str, Any]) -> dict[str, Any]:
    """The explanation of one ground of jurisdiction."""
    codes = context.codes
    conditions = _list(
        context,
        (
            _sentence(
                context,
                f"condition/{c['status']}",
                {lang: {"condition": codes.label("condition", c["code"], lang)} for lang in LANGUAGES},
            )
            for c in ground["conditions"]
        ),
    )
    names = {
        lang: {
            "order": codes.name_in(order, lang),
            "offence": codes.label("offence", ground["offence"], lang),
            "principle": codes.label("principle", ground["principle"], lang),
            "factor": codes.label("factor", ground["factor"] or "", lang),
            "place": codes.name_in(ground["place"] or "", lang),
            "citation": ground["basis"]["citation"],
            "from": ground["basis"]["from"] or "",
            "until": ground["basis"]["until"] or "",
            "conditions": conditions[lang],
        }
        for lang in LANGUAGES
    }
    sentences = [_sentence(context, f"ground/{ground['status']}", names)]
    if conditions["en"]:
        sentences.append(_sentence(context, "conditions", names))
    found = {lang: " ".join(s[lang] for s in sentences if lang in s) for lang in LANGUAGES}
    return {
        "sentence": found,
        **_chain(
            context,
            str(ground.get("fact") or ""),
            str(ground.get("table") or "ground-status"),
            ground["row"],
            ground["derived_from"],
        ),
    }
