"""The closure of the build equals that of owlrl, on the ontology and a sample of the data.

The build closes the vocabulary with owlrl and the data with rules in SPARQL. Here owlrl closes both at once. What owlrl
has besides must fall into one of the kinds that say nothing (``lexgraph.closure.says_something``).
"""

from collections import Counter
from collections.abc import Iterable

import owlrl
import pyoxigraph as ox
import pytest
from rdflib import OWL, RDF, RDFS, XSD, Graph, Literal, URIRef
from rdflib.term import Node

from lexgraph.closure import InconsistencyError, close_data, close_vocabulary, says_something
from lexgraph.settings import BASE, ID, ONTOLOGY, project
from lexgraph.tables import CANONICAL, load_schemas, read_table, table_files

RECORDS_PER_KIND = 200
# A class of owlrl's own: the data types as data ranges.
OWL1_DATA_RANGE = OWL.DataRange

Triple = tuple[Node, Node, Node]


def kind_of_nothing(subject: Node, predicate: Node, obj: Node) -> str | None:
    """Why the build leaves a triple of owlrl out; None where there is no reason."""
    if isinstance(subject, Literal):
        return "a literal as subject: no RDF"
    if subject == obj:
        return "reflexive: everything is itself"
    if predicate == RDF.type and isinstance(obj, Literal):
        return "a literal as class: no RDF"
    if obj == OWL.Thing or (predicate == RDF.type and obj == RDFS.Resource):
        return "everything is a thing"
    if predicate == RDF.type and obj in {RDFS.Datatype, OWL1_DATA_RANGE}:
        return "axioms of the data types"
    if subject == OWL.Nothing:
        return "nothing is a subclass of everything"
    if str(subject).startswith((str(OWL), str(RDF), str(RDFS), str(XSD))):
        return "about the terms of OWL and RDF themselves"
    return None


def ontology_graph() -> Graph:
    folder = project().ontology
    graph = Graph()
    for path in sorted(folder.rglob("*.ttl")):
        if "shapes" not in path.relative_to(folder).parts:
            graph.parse(data=path.read_text(encoding="utf-8").replace(CANONICAL, BASE), format="turtle")
    return graph


def sample_of_records() -> tuple[str, Counter[str]]:
    """Records of every kind as N-Triples, spread over the files of the kind, and how many of each."""
    root = project().root
    lines: list[str] = []
    taken: Counter[str] = Counter()
    files: dict[str, list] = {}
    for path, file, schema in table_files(root, load_schemas(project().schemas)):
        files.setdefault(schema.name, []).append((path, file, schema))
    for kind, tables in files.items():
        # States and organisations are few, and other records name them: all are taken.
        step = max(1, len(tables) // 12)
        for path, file, schema in tables[::step]:
            wanted = len(tables) if kind in {"states", "organisations"} else RECORDS_PER_KIND - taken[kind]
            table = read_table(path, file, schema)
            assert not table.problems, table.problems[:3]
            subjects = [subject for subject, _ in table.subjects]
            if kind not in {"states", "organisations"}:
                share = -(-RECORDS_PER_KIND // len(tables[::step]))
                subjects = subjects[:: max(1, len(subjects) // share)][: min(share, wanted)]
            chosen = {f"<{subject}>" for subject in subjects}
            tail = f" <{table.graph}> .\n"
            lines += [line[: -len(tail)] + " .\n" for line in table.lines if line.split(" ", 1)[0] in chosen]
            taken[kind] += len(chosen)
    return "".join(lines), taken


def as_graph(lines: bytes | str) -> Graph:
    return Graph().parse(data=lines, format="nt")


def triples_of(store: ox.Store) -> Graph:
    data = store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    assert data is not None
    return as_graph(data)


def close_as_the_build_does(ontology: Graph, vocabulary: Graph, records: str) -> Graph:
    store = ox.Store()
    for part in (ontology.serialize(format="nt"), vocabulary.serialize(format="nt"), records):
        store.bulk_load(part.encode(), format=ox.RdfFormat.N_TRIPLES)
    close_data(store)
    return triples_of(store)


def close_with_owlrl(ontology: Graph, records: str) -> Graph:
    work = as_graph(records)
    for triple in ontology:
        work.add(triple)
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(work)
    return work


def shown(triples: Iterable[Triple]) -> list[str]:
    return sorted(" ".join(term.n3() for term in triple) for triple in triples)[:20]


@pytest.fixture(scope="module")
def ontology() -> Graph:
    return ontology_graph()


@pytest.fixture(scope="module")
def vocabulary(ontology: Graph) -> Graph:
    return close_vocabulary(ontology)


@pytest.fixture(scope="module")
def closures(ontology: Graph, vocabulary: Graph) -> tuple[set[Triple], set[Triple]]:
    """The closure of the build and that of owlrl."""
    records, _ = sample_of_records()
    ours = close_as_the_build_does(ontology, vocabulary, records)
    return set(ours), set(close_with_owlrl(ontology, records))


def test_the_sample_has_every_kind_of_record() -> None:
    _, taken = sample_of_records()
    kinds = {schema.name for schema in load_schemas(project().schemas)}
    assert kinds == set(taken)
    assert taken["states"] > 200
    for kind in (
        "actions",
        "offences",
        "jurisdiction",
        "cooperation",
        "provisions",
        "bilateral-treaties",
        "memberships",
    ):
        assert 0.4 * RECORDS_PER_KIND <= taken[kind] <= RECORDS_PER_KIND, (kind, taken[kind])


@pytest.mark.slow
def test_the_build_finds_what_owlrl_finds(closures: tuple[set[Triple], set[Triple]]) -> None:
    ours, theirs = closures
    assert shown(triple for triple in theirs - ours if says_something(*triple)) == []


@pytest.mark.slow
def test_the_build_finds_nothing_that_owlrl_does_not(closures: tuple[set[Triple], set[Triple]]) -> None:
    ours, theirs = closures
    assert shown(ours - theirs) == []


@pytest.mark.slow
def test_every_difference_has_a_reason(closures: tuple[set[Triple], set[Triple]]) -> None:
    ours, theirs = closures
    reasons = Counter(kind_of_nothing(*triple) for triple in theirs - ours)
    assert shown(triple for triple in theirs - ours if kind_of_nothing(*triple) is None) == []
    # The comparison is no comparison of a thing with itself: owlrl does have more.
    assert reasons["a literal as subject: no RDF"] > 100
    assert reasons["reflexive: everything is itself"] > 1000
    assert reasons["everything is a thing"] > 100


@pytest.mark.slow
def test_the_closure_adds_what_the_rules_need(closures: tuple[set[Triple], set[Triple]]) -> None:
    ours, _ = closures
    of_a_state = {s for s, p, o in ours if p == URIRef(f"{ONTOLOGY}orderKind") and o == URIRef(f"{ID}order-kind/state")}
    assert len(of_a_state) > 150
    assert of_a_state == {s for s, p, o in ours if p == RDF.type and o == URIRef(f"{ONTOLOGY}State")}
    narrower = URIRef("http://www.w3.org/2004/02/skos/core#narrowerTransitive")
    assert (URIRef(f"{ID}offence/any-offence"), narrower, URIRef(f"{ID}offence/illegal-access")) in ours
    for name in ("Record", "BindingAct", "EndingAct"):
        assert any(predicate == RDF.type and obj == URIRef(f"{ONTOLOGY}{name}") for _, predicate, obj in ours), name


@pytest.mark.parametrize(
    ("subject", "predicate", "obj"),
    [
        (Literal("x"), RDF.type, XSD.string),
        (URIRef("urn:x"), OWL.sameAs, URIRef("urn:x")),
        (URIRef("urn:x"), RDF.type, OWL.Thing),
        (XSD.integer, RDFS.subClassOf, XSD.decimal),
    ],
)
def test_the_reasons_agree_with_the_filter(subject: Node, predicate: Node, obj: Node) -> None:
    assert kind_of_nothing(subject, predicate, obj) is not None
    assert not says_something(subject, predicate, obj)


def test_a_statement_about_a_record_has_no_reason_to_be_left_out() -> None:
    triple = (URIRef(f"{ID}state/QQ"), RDF.type, URIRef(f"{ONTOLOGY}State"))
    assert kind_of_nothing(*triple) is None
    assert says_something(*triple)


@pytest.mark.slow
def test_a_contradiction_stops_the_closure(ontology: Graph, vocabulary: Graph) -> None:
    wrong = f"<{ID}state/QQ> <{ONTOLOGY}orderKind> <{ID}order-kind/state>, <{ID}order-kind/territory> ."
    with pytest.raises(InconsistencyError, match="state/QQ"):
        close_as_the_build_does(ontology, vocabulary, Graph().parse(data=wrong, format="turtle").serialize(format="nt"))
