"""What is recorded, on which evidence, how old it is, and what nobody looked at."""

from __future__ import annotations

import csv
import json
import time
from collections import defaultdict
from functools import cache
from typing import Any

import pytest

from lexgraph.engine import Engine
from lexgraph.settings import project

Row = dict[str, str]

RECORDED = {"document", "knowledge", "absent", "nobody-looked"}


@cache
def national(table: str) -> tuple[Row, ...]:
    """The rows of a national table of all states."""
    found: list[Row] = []
    for path in sorted((project().data / "national").glob(f"*/{table}.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found.extend(csv.DictReader(file))
    return tuple(found)


def ask(engine: Engine, **params: str) -> list[Row]:
    return engine.run_query("coverage/topics", params)[1]


# --- topics


def test_topics_answer_quickly_for_all_states(engine: Engine) -> None:
    ask(engine, order="DZ")
    before = time.perf_counter()
    found = ask(engine)
    assert time.perf_counter() - before < 2
    assert {row["recorded"] for row in found} == RECORDED
    assert {row["area"] for row in found} == {"offence", "jurisdiction", "cooperation"}


def test_every_order_has_every_topic_once(engine: Engine) -> None:
    found = ask(engine)
    with (project().data / "states.csv").open(encoding="utf-8", newline="") as file:
        orders = {row["code"] for row in csv.DictReader(file)}
    assert {row["order"] for row in found} == orders
    topics = {(row["area"], row["topic"]) for row in found}
    assert len(found) == len(orders) * len(topics)
    assert len({(row["order"], row["topic"]) for row in found}) == len(found)
    # No topic that a record names is left out; groups of offences and the Court's own principles are no topics here.
    named = {row["offence"] for row in national("offences")} | {row["topic"] for row in national("cooperation")}
    named |= {row["principle"] for row in national("jurisdiction")}
    assert named - {topic for _, topic in topics} == set()
    assert not {topic for _, topic in topics} & {"any-offence", "core-crimes", "court-referral"}


@pytest.mark.parametrize("recorded", sorted(RECORDED))
def test_each_answer_can_be_asked_for(engine: Engine, recorded: str) -> None:
    found = ask(engine, recorded=recorded)
    assert {row["recorded"] for row in found} == {recorded}


def test_the_answer_follows_from_the_counts(engine: Engine) -> None:
    for row in ask(engine):
        document, knowledge, absent = (int(row[name]) for name in ("by_document", "by_knowledge", "absent"))
        if document:
            wanted = "document"
        elif knowledge:
            wanted = "knowledge"
        else:
            wanted = "absent" if absent else "nobody-looked"
        assert row["recorded"] == wanted, row


def counted(engine: Engine, order: str, topic: str) -> tuple[str, int, int, int]:
    (row,) = [row for row in ask(engine, order=order) if row["topic"] == topic]
    return row["recorded"], int(row["by_document"]), int(row["by_knowledge"]), int(row["absent"])


def test_a_topic_counts_the_rows_of_its_table(engine: Engine) -> None:
    """Each of the four, for every order, against the tables of cooperation and jurisdiction."""
    wanted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in national("cooperation"):
        none = row["value"] in {"no", "not-required"}
        place = 2 if none else (0 if row["evidence"] == "document" else 1)
        wanted[row["state"], row["topic"]][place] += 1
    for row in national("jurisdiction"):
        if row["role"] == "ground":
            wanted[row["state"], row["principle"]][0 if row["evidence"] == "document" else 1] += 1
    for row in ask(engine):
        if row["area"] != "offence":
            counts = [int(row[name]) for name in ("by_document", "by_knowledge", "absent")]
            assert counts == wanted[row["order"], row["topic"]], row


@pytest.mark.parametrize("recorded", sorted(RECORDED))
def test_offences_of_each_answer_are_right(engine: Engine, recorded: str) -> None:
    """A category counts as covered when it, or a broader one, is recorded; no broader one is recorded here."""
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in national("offences"):
        rows[row["state"], row["offence"]].append(row)
    found = ask(engine, area="offence", recorded=recorded)
    assert found
    for row in found:
        mine = rows[row["order"], row["topic"]]
        crimes = [r for r in mine if r["match"] != "none"]
        if recorded == "nobody-looked":
            assert mine == []
        elif recorded == "absent":
            assert mine
            assert crimes == []
        else:
            kinds = {r["evidence"] for r in crimes}
            assert (recorded == "document") == ("document" in kinds)
            assert kinds


def test_known_examples(engine: Engine) -> None:
    """One of each, known from the law itself."""
    # A denial of genocide is no crime there: recorded, not merely missing.
    assert counted(engine, "DZ", "denial-of-genocide")[0] == "absent"
    # Unauthorised access is, and the code was read.
    assert counted(engine, "FR", "illegal-access")[0] == "document"
    # Nobody looks at the criminal law of a continent without one.
    assert counted(engine, "AQ", "illegal-access") == ("nobody-looked", 0, 0, 0)
    # Whatever is known without a document says so.
    known = ask(engine, order="DZ", recorded="knowledge")
    assert known
    assert all(int(row["by_document"]) == 0 < int(row["by_knowledge"]) for row in known)


# --- the quality of the tables

NAMES = ("rows", "document", "knowledge", "official", "secondary", "no_source", "with_locator", "with_checked_on")


@cache
def tables() -> dict[str, dict[str, Any]]:
    """Each table that has evidence, counted in its CSV files."""
    out: dict[str, dict[str, Any]] = {}
    for path in sorted(project().schemas.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        if "evidence" not in {column["name"] for column in schema["columns"]}:
            continue
        rows: list[Row] = []
        for file in sorted(project().root.glob(schema["lexgraph:files"])):
            with file.open(encoding="utf-8", newline="") as text:
                rows.extend(csv.DictReader(text))
        days = sorted(row["checked_on"] for row in rows if row["checked_on"])
        out[path.stem] = {
            "rows": len(rows),
            "document": sum(row["evidence"] == "document" for row in rows),
            "knowledge": sum(row["evidence"] == "knowledge" for row in rows),
            "official": sum(row["source_kind"] == "official" for row in rows),
            "secondary": sum(row["source_kind"] == "secondary" for row in rows),
            "no_source": sum(row["source_kind"] == "none" for row in rows),
            "with_locator": sum(bool(row["locator"].strip()) for row in rows),
            "with_checked_on": len(days),
            "oldest": days[0] if days else "",
            "newest": days[-1] if days else "",
        }
    return out


def test_the_query_names_every_table_that_has_evidence(engine: Engine) -> None:
    _, found = engine.run_query("data-quality", {})
    assert [row["table"] for row in found] == sorted(tables())


def test_the_figures_are_those_of_the_files(engine: Engine) -> None:
    columns, found = engine.run_query("data-quality", {})
    assert {*NAMES, "table", "document_share", "oldest", "newest"} == set(columns)
    for row in found:
        wanted = tables()[row["table"]]
        assert {name: int(row[name]) for name in NAMES} == {name: wanted[name] for name in NAMES}, row["table"]
        assert (row["oldest"], row["newest"]) == (wanted["oldest"], wanted["newest"]), row["table"]
        assert wanted["document"] + wanted["knowledge"] == wanted["rows"]
        share = 100 * wanted["document"] / wanted["rows"] if wanted["rows"] else 0
        assert abs(float(row["document_share"]) - share) <= 0.5


def test_one_table_can_be_asked_for(engine: Engine) -> None:
    _, found = engine.run_query("data-quality", {"table": "offences"})
    assert [row["table"] for row in found] == ["offences"]
