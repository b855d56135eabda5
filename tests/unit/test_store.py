"""The store: terms go where UNDEF stands and nowhere else; named graphs merge; descriptions are whole."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from lexgraph import store
from lexgraph.engine import Engine
from lexgraph.store import EmbeddedStore, UnknownParameterError, bind, day, iris

QUADS = b"""<https://example.org/a> <https://example.org/says> "one" <https://w3id.org/lexgraph/graph/asserted/x> .
<https://example.org/a> <https://example.org/says> "one" <https://w3id.org/lexgraph/graph/derived/y> .
<https://example.org/a> <https://example.org/says> "two <https://w3id.org/lexgraph/graph/z> ." <https://w3id.org/lexgraph/graph/asserted/x> .
<https://example.org/a> <https://example.org/on> "2001-02-03"^^<http://www.w3.org/2001/XMLSchema#date> <https://w3id.org/lexgraph/graph/asserted/x> .
<https://example.org/b> <https://example.org/ns#of> <https://w3id.org/lexgraph/graph/asserted/x> <https://w3id.org/lexgraph/graph/asserted/x> .
"""  # noqa: E501

SELECT = "SELECT ?s ?o WHERE { VALUES ?o { UNDEF } ?s <https://example.org/says> ?o } ORDER BY ?o"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedStore:
    path = tmp_path_factory.mktemp("store") / "graph.nq.zst"
    path.write_bytes(zstandard.ZstdCompressor().compress(QUADS))
    return EmbeddedStore.open(path)


def test_named_graphs_merge_and_a_triple_counts_once(small: EmbeddedStore) -> None:
    assert len(small) == 4


def test_what_looks_like_a_graph_inside_a_value_stays(small: EmbeddedStore) -> None:
    assert [row["o"] for row in small.select(SELECT)] == ["one", "two <https://w3id.org/lexgraph/graph/z> ."]
    assert small.describe(["https://example.org/b"])["https://example.org/b"] == {
        "of": ["https://w3id.org/lexgraph/graph/asserted/x"]
    }


def test_a_parameter_left_out_means_anything_and_a_bound_one_decides(small: EmbeddedStore) -> None:
    assert len(small.select(SELECT)) == 2
    assert [row["o"] for row in small.select(SELECT, {"o": [ox.Literal("one")]})] == ["one"]
    assert small.select(SELECT, {"o": []}) == []


def test_unbound_variables_are_absent_from_a_row(small: EmbeddedStore) -> None:
    (row,) = small.select("SELECT ?a ?b WHERE { BIND(1 AS ?a) OPTIONAL { ?b <https://example.org/never> ?a } }")
    assert row == {"a": "1"}


def test_describe_gives_every_property_sorted_and_nothing_for_the_unknown(small: EmbeddedStore) -> None:
    found = small.describe(["https://example.org/a", "https://example.org/none"])
    assert found["https://example.org/a"] == {
        "says": ["one", "two <https://w3id.org/lexgraph/graph/z> ."],
        "on": ["2001-02-03"],
    }
    assert found["https://example.org/none"] == {}
    assert small.describe(["https://example.org/a"])["https://example.org/a"] is found["https://example.org/a"]


def test_construct_gives_triples_and_select_refuses_it(small: EmbeddedStore) -> None:
    text = "CONSTRUCT { ?s a ?o } WHERE { ?s <https://example.org/ns#of> ?o }"
    assert small.construct(text).count(b"\n") == 1
    with pytest.raises(TypeError):
        small.select(text)
    with pytest.raises(TypeError):
        small.construct(SELECT)


# --- binding


def test_binding_several_rows_and_several_variables() -> None:
    text = "VALUES ?x { UNDEF } VALUES (?a ?b) { (UNDEF UNDEF) } VALUES (?c) { (UNDEF) }"
    bound = bind(
        text,
        {
            "x": iris(["1", "2"], "https://example.org/"),
            "a b": [(ox.Literal("l"), day("2001-02-03")), (ox.Literal("m"), day("2001-02-04"))],
            "c": [ox.Literal("n")],
        },
    )
    date = "<http://www.w3.org/2001/XMLSchema#date>"
    assert "VALUES ?x { <https://example.org/1> <https://example.org/2> }" in bound
    assert f'VALUES (?a ?b) {{ ("l" "2001-02-03"^^{date}) ("m" "2001-02-04"^^{date}) }}' in bound
    assert "UNDEF" not in bound


def test_a_parameter_that_stands_twice_is_bound_twice() -> None:
    bound = bind("{ VALUES ?x { UNDEF } } UNION { VALUES ?x { UNDEF } }", {"x": [ox.Literal("l")]})
    assert bound.count('VALUES ?x { "l" }') == 2


def test_values_that_are_no_parameters_are_left_alone() -> None:
    text = 'VALUES ?x { "a" } VALUES (?a ?b) { (UNDEF "c") }'
    assert bind(text, {}) == text
    with pytest.raises(UnknownParameterError, match="no parameter x"):
        bind(text, {"x": [ox.Literal("l")]})


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(UnknownParameterError, match="state, when"):
        bind("VALUES ?x { UNDEF }", {"when": [], "state": [], "x": []})


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
@example(value='" } DELETE WHERE { ?s ?p ?o } #')
@example(value="\\")
@example(value="\\1 \\g<0>")
@example(value="VALUES ?o { UNDEF }")
def test_no_value_breaks_out_of_its_place(value: str) -> None:
    inner = EmbeddedStore(ox.Store())
    rows = inner.select("SELECT ?o WHERE { VALUES ?o { UNDEF } }", {"o": [ox.Literal(value)]})
    assert rows == [{"o": value}]


def test_the_index_answers_as_the_graph_does(tmp_path: Path) -> None:
    inner = ox.Store(tmp_path / "index")
    inner.bulk_load(store._QUAD.sub(rb" .\n", QUADS), format=ox.RdfFormat.N_TRIPLES)
    inner.flush()
    del inner
    attached = EmbeddedStore.attach(tmp_path / "index")
    assert [row["o"] for row in attached.select(SELECT)] == ["one", "two <https://w3id.org/lexgraph/graph/z> ."]


def test_the_real_graph_has_no_triple_twice_and_every_fact_a_record(engine: Engine) -> None:
    inner = engine.store
    rows = inner.select(
        "PREFIX lexo: <https://w3id.org/lexgraph/ontology/> SELECT ?f WHERE {"
        " VALUES ?c { lexo:Participation lexo:CooperationLink lexo:JurisdictionGround } ?f a ?c"
        " MINUS { ?f lexo:derivedFrom ?r } } LIMIT 5"
    )
    assert rows == []
