from __future__ import annotations

import pytest

from lexgraph.sparql.errors import QueryRefused, QuerySyntaxError
from lexgraph.sparql.guard import MAX_QUERY_BYTES, check
from lexgraph.sparql.results import QueryForm

KNOWN = frozenset({"http://g/a", "http://g/b#x"})
FAR = "<http://192.0.2.1/sparql>"


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("SELECT * { ?s ?p ?o }", QueryForm.SELECT),
        ("ask {}", QueryForm.ASK),
        ("CONSTRUCT WHERE { ?s ?p ?o }", QueryForm.CONSTRUCT),
        ("DESCRIBE <http://x/>", QueryForm.DESCRIBE),
        (
            "PREFIX a: <http://x/#> SELECT ?n { ?s a:load/^a:b* ?n . FILTER NOT EXISTS { ?s a:c 1 } }",
            QueryForm.SELECT,
        ),
        ('SELECT * { ?s ?p "SERVICE <x> { }" } # SERVICE <y> { }', QueryForm.SELECT),
        ("SELECT ?service { ?service <http://x/service> ?o }", QueryForm.SELECT),
        ("PREFIX e: <http://x/> ASK { ?s e:service e:a\\#b }", QueryForm.ASK),
        ("ASK { FILTER(?a<?b && ?c>?d) }", QueryForm.ASK),
    ],
)
def test_lets_through(query: str, form: QueryForm) -> None:
    assert check(query, KNOWN).form == form


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT * {{ SERVICE {FAR} {{ ?s ?p ?o }} }}",
        f"SELECT * {{ service silent {FAR} {{ ?s ?p ?o }} }}",
        "SELECT * { SERVICE ?endpoint { ?s ?p ?o } }",
        f"SELECT * {{ {{ SELECT * {{ {{ SELECT ?s {{ SERVICE {FAR} {{ ?s ?p ?o }} }} }} }} }} }}",
        f"SELECT * {{ ?s ?p ?o FILTER EXISTS {{ SERVICE {FAR} {{ ?s ?p ?o }} }} }}",
        f"SELECT * {{ ?s ?p ?o FILTER(1 = 1 && NOT EXISTS {{ {{ SERVICE {FAR} {{ ?s ?p ?o }} }} }}) }}",
        f"SELECT (EXISTS {{ SERVICE {FAR} {{ ?s ?p ?o }} }} AS ?x) {{ }}",
        f"SELECT * {{ ?s ?p ?o }} ORDER BY (EXISTS {{ SERVICE {FAR} {{ ?s ?p ?o }} }})",
        f"SELECT * {{ ?s ?p ?o }} GROUP BY ?s HAVING (EXISTS {{ SERVICE {FAR} {{ ?s ?p ?o }} }})",
        f"SELECT * {{ ?s ?p ?o MINUS {{ SERVICE {FAR} {{ ?s ?p ?o }} }} }}",
        f"SELECT * {{ OPTIONAL {{ GRAPH ?g {{ SERVICE {FAR} {{ ?s ?p ?o }} }} }} }}",
        f"SELECT * {{ {{ }} UNION {{ SERVICE {FAR} {{ ?s ?p ?o }} }} }}",
        f"SELECT * {{ BIND(IF(EXISTS {{ SERVICE {FAR} {{ }} }}, 1, 2) AS ?x) }}",
        f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ SERVICE {FAR} {{ ?s ?p ?o }} }}",
        f"DESCRIBE ?s {{ SERVICE {FAR} {{ ?s ?p ?o }} }}",
        f"ASK {{ SERVICE {FAR} {{ ?s ?p ?o }} }}",
        # Written with codepoint escapes.
        f"SELECT * {{ \\u0053ERVICE {FAR} {{ ?s ?p ?o }} }}",
        f"SELECT * {{ \\U00000053\\u0045RVICE {FAR} {{ ?s ?p ?o }} }}",
        # A comment ends at a carriage return for the engine; rdflib alone would go on to the line feed.
        f"SELECT * {{ ?s ?p ?o #\r SERVICE {FAR} {{ ?s ?p ?o }}\n }}",
        # Glued to its neighbours.
        f"SELECT * {{ ?s ?p 1SERVICE{FAR}{{ ?s ?p ?o }} }}",
        "PREFIX x: <http://192.0.2.1/> SELECT * { SERVICEx:y { ?s ?p ?o } }",
        # '#' inside an IRI begins no comment.
        f"SELECT * {{ ?s ?p <http://x/#> . SERVICE {FAR} {{ ?s ?p ?o }}\n }}",
        f"SELECT * {{ ?s ?p '#', '''\n#''' . SERVICE {FAR} {{ ?s ?p ?o }}\n }}",
    ],
)
def test_refuses_service(query: str) -> None:
    with pytest.raises(QueryRefused) as refusal:
        check(query, KNOWN)
    assert refusal.value.code == "service"


def test_refusal_by_the_tree_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # The lexer sees most of it first; the walk over the tree has to hold without it.
    monkeypatch.setattr("lexgraph.sparql.guard._lex", lambda text: (text, text))
    for query in (
        "SELECT * { ?s ?p ?o FILTER EXISTS { SERVICE SILENT <http://x/> { } } }",
        "SELECT (EXISTS { { SELECT * { SERVICE <http://x/> { } } } } AS ?x) { }",
    ):
        with pytest.raises(QueryRefused):
            check(query, KNOWN)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }",
        "SELECT * FROM NAMED <file:///etc/passwd> { GRAPH ?g { ?s ?p ?o } }",
        "SELECT * FROM <http://192.0.2.1/data.ttl> { ?s ?p ?o }",
        "PREFIX f: <file:///etc/> ASK FROM f:passwd { }",
        "BASE <file:///etc/> ASK FROM <passwd> { }",
        "ASK FROM <http://g/a> FROM NAMED <http://g/c> { }",
        "DESCRIBE <http://x/> FROM <file:///etc/passwd>",
        "CONSTRUCT { ?s ?p ?o } FROM <\\u0066ile:///etc/passwd> WHERE { ?s ?p ?o }",
        "ASK FROM <http://g/b\ue000x> { }",
    ],
)
def test_refuses_graphs_from_elsewhere(query: str) -> None:
    if "\ue000" in query:
        # The character that hides '#' from the parser reads as '#': the graph is known, and no other is read.
        assert check(query, KNOWN).default_graphs == ("http://g/b#x",)
        return
    with pytest.raises(QueryRefused) as refusal:
        check(query, KNOWN)
    assert refusal.value.code == "unknown-graph"


def test_resolves_the_dataset() -> None:
    checked = check("BASE <http://g/> PREFIX p: <b#> ASK FROM <a> FROM NAMED p:x { }", KNOWN)
    assert (checked.default_graphs, checked.named_graphs) == (("http://g/a",), ("http://g/b#x",))
    assert check("ASK FROM <a> { }", KNOWN, base_iri="http://g/").has_dataset
    assert not check("ASK { }", KNOWN).has_dataset


@pytest.mark.parametrize(
    "query",
    [
        "INSERT DATA { <http://x/> <http://x/> 1 }",
        "DELETE WHERE { ?s ?p ?o }",
        "LOAD <file:///etc/passwd>",
        "PREFIX x: <http://x/> LOAD SILENT x:y",
        "BASE <http://x/> DROP ALL",
        "# comment\nCLEAR DEFAULT",
        "\\u0044ROP ALL",
        "WITH <http://g/a> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
    ],
)
def test_refuses_updates(query: str) -> None:
    with pytest.raises(QueryRefused) as refusal:
        check(query, KNOWN)
    assert refusal.value.code == "update"


@pytest.mark.parametrize("query", ["ASK { } ; DROP ALL", "SELECT * { INSERT DATA { } }", "ASK { } INSERT DATA { }"])
def test_no_update_behind_a_query(query: str) -> None:
    with pytest.raises(QuerySyntaxError):
        check(query, KNOWN)


def test_length() -> None:
    padding = " " * (MAX_QUERY_BYTES - len("ASK { }"))
    check(f"ASK {{ }}{padding}", KNOWN)
    with pytest.raises(QueryRefused) as refusal:
        check(f"ASK {{ }}{padding} ", KNOWN)
    assert refusal.value.code == "query-too-long"
    with pytest.raises(QueryRefused):
        check('ASK { ?s ?p "' + "\u00e9" * (MAX_QUERY_BYTES // 2) + '" }', KNOWN)


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("ASK {", 1, 6),
        ("ASK {\n  ?s ?p 'open }", 2, 9),
        ('ASK { ?s ?p "\\q" }', 1, 13),
        ('ASK { ?s ?p "a\\u0022b" }', 1, 15),
        ("", 1, 1),
    ],
)
def test_syntax_errors_have_a_place(query: str, line: int, column: int) -> None:
    with pytest.raises(QuerySyntaxError) as error:
        check(query, KNOWN)
    assert (error.value.line, error.value.column) == (line, column)


@pytest.mark.parametrize(
    "query",
    [
        'ASK { ?s ?p "\\uD800" }',
        'ASK { ?s ?p "\\UFFFFFFFF" }',
        'ASK { ?s ?p "\ud800" }',
        # An escape that makes, or hides behind, another one would be read twice.
        "ASK { \\u005Cu0053ERVICE <http://x/> { } }",
        "ASK { \\\\u0075 0041 }",
        'ASK { ?s ?p "\\\\u0075" }',
        "ASK { ?x\\u0020?y ?p }",
        # Valid for the engine, but not SPARQL 1.1.
        "SELECT * { ?s ?p ?o . LATERAL { ?s ?q ?r } }",
    ],
)
def test_closed_where_in_doubt(query: str) -> None:
    with pytest.raises(QuerySyntaxError):
        check(query, KNOWN)


def test_gives_the_text_that_was_checked() -> None:
    checked = check('\\u0041SK { ?s ?p "#1 \\u00e9" } # and\r# more', KNOWN)
    assert checked.text == 'ASK { ?s ?p "#1 \u00e9" }      \r      '
