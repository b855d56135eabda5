"""What the two papers name is in the graph, and a thing that goes missing would show."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pyoxigraph as ox
import pytest
from rdflib import SKOS, Graph

from lexgraph import namedqueries
from lexgraph.engine import Engine
from lexgraph.settings import BASE, ID, ONTOLOGY, project
from lexgraph.tables import CANONICAL

FOLDER = project().data / "claims"
QUERY = "coverage/papers"
KINDS = {"instrument", "organisation", "principle", "form", "step", "obstacle", "case", "proposal", "claim"}


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((FOLDER / f"{name}.csv").open(encoding="utf-8")))


def codes(scheme: str) -> set[str]:
    """The concepts of a scheme, as the ends of their IRIs."""
    text = (project().ontology / "schemes" / f"{scheme}.ttl").read_text(encoding="utf-8").replace(CANONICAL, BASE)
    return {str(s).removeprefix(ID) for s in Graph().parse(data=text, format="turtle").subjects(SKOS.notation, None)}


def ask(triples: list[tuple[str, str, str]]) -> dict[str, bool]:
    """The query over a graph of a few triples: entry -> found. Objects that begin with a quote are text."""
    store = ox.Store()
    for s, p, o in triples:
        term: ox.NamedNode | ox.Literal = ox.Literal(o[1:]) if o.startswith('"') else ox.NamedNode(o)
        store.add(ox.Quad(ox.NamedNode(s), ox.NamedNode(p), term))
    found = store.query(namedqueries.load(project().queries)[QUERY].text)
    assert isinstance(found, ox.QuerySolutions)
    return {row["item"].value.removeprefix(f"{ID}literature-item/"): row["found"].value == "true" for row in found}


def entry(name: str, path: str) -> list[tuple[str, str, str]]:
    item = f"{ID}literature-item/{name}"
    return [
        (item, "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", f"{ONTOLOGY}LiteratureItem"),
        (item, f"{ONTOLOGY}itemKind", '"principle'),
        (item, str(SKOS.prefLabel), f'"{name}'),
        (item, f"{ONTOLOGY}thingPath", f'"{path}'),
        (item, f"{ONTOLOGY}paper", '"a paper'),
        (item, f"{ONTOLOGY}paperLocator", '"a place'),
    ]


def test_everything_the_papers_name_is_found(engine: Engine) -> None:
    _, found = engine.run_query(QUERY, {})
    # An entry is one row, so that a count of rows is a count of entries.
    assert Counter(row["item"] for row in found) == Counter(row["id"] for row in rows("items"))
    assert [row["item"] for row in found if row["found"] != "true"] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_can_be_asked_for(engine: Engine, kind: str) -> None:
    _, found = engine.run_query(QUERY, {"kind": kind})
    assert {row["kind"] for row in found} == {kind}


def test_a_thing_removed_is_reported() -> None:
    there = (
        f"{ID}principle/protective",
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
        f"{ONTOLOGY}JurisdictionPrinciple",
    )
    listed = entry("one", "principle/protective") + entry("two", "principle/universality")
    assert ask([*listed, there]) == {"one": True, "two": False}
    assert ask(listed) == {"one": False, "two": False}


def test_a_thing_that_is_only_pointed_at_is_missing() -> None:
    """A record may name a thing that nothing describes; that does not make it one of the graph."""
    pointer = (f"{ID}record/x", f"{ONTOLOGY}principle", f"{ID}principle/protective")
    assert ask([*entry("one", "principle/protective"), pointer]) == {"one": False}


def test_the_list_has_every_kind_of_both_papers() -> None:
    listed = rows("items")
    assert {row["kind"] for row in listed} == KINDS
    papers = {row["paper"] for row in listed}
    assert len(papers) == 2
    for paper in papers:
        assert {"instrument", "organisation", "form", "obstacle", "case", "proposal", "claim"} <= {
            row["kind"] for row in listed if row["paper"] == paper
        }


def test_what_is_recorded_for_the_papers_is_listed() -> None:
    """Nor can the list lag behind: proposals, cases, claims and codes made for the papers are on it."""
    listed = {row["thing"] for row in rows("items")}
    proposals = csv.DictReader((project().data / "proposals" / "proposals.csv").open(encoding="utf-8"))
    wanted = {f"proposal/{row['id']}" for row in proposals}
    wanted |= {f"case/{row['id']}" for row in rows("cases")} | {f"claim/{row['id']}" for row in rows("claims")}
    wanted |= codes("jurisdiction-dimensions") | codes("cooperation-forms")
    assert wanted - listed == set()


@pytest.mark.parametrize("case", rows("cases"), ids=lambda row: row["id"])
def test_a_case_told_has_its_file(case: dict[str, str]) -> None:
    found = json.loads((project().data / "cases" / f"{case['id']}.json").read_text(encoding="utf-8"))
    assert (found["title"], str(found["year"])) == (case["title"], case["year"])


@pytest.mark.parametrize("claim", rows("claims"), ids=lambda row: row["id"])
def test_a_claim_stands_on_its_own_words(claim: dict[str, str]) -> None:
    assert claim["claim"] != claim["correct_fact"]
    if claim["evidence"] == "document":
        assert all(claim[name] for name in ("source_url", "locator", "checked_on"))
    else:
        # What was not read says where the fact comes from.
        assert claim["note"] or claim["stands"] == "unsupported"
