"""Each shape and each hygiene query passes its valid example and finds what is wrong in its invalid one.

In an invalid example, whatever is wrong has a name that begins with ``wrong``; the check must find those things and no
other. A shape is tried together with all the others: its invalid example breaks it alone.
"""

import json
import re
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pyshacl
import pytest
from rdflib import DCTERMS, OWL, RDF, RDFS, SH, SKOS, BNode, Graph, URIRef

from lexgraph.settings import BASE, ONTOLOGY, project
from lexgraph.shapes import hygiene, load_shapes, validate
from lexgraph.tables import CANONICAL

FOLDER = project().ontology / "shapes"
EXAMPLES = FOLDER / "examples"
SHAPES = f"{ONTOLOGY}shapes/"
TARGETS = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf)
MODULES = sorted(FOLDER.glob("*.ttl"))
QUERIES = sorted((FOLDER / "hygiene").glob("*.rq"))
LANGUAGE_TERMS = (str(RDF), str(RDFS), str(OWL), str(SH))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace(CANONICAL, BASE)


def turtle(path: Path) -> Graph:
    return Graph().parse(data=read(path), format="turtle")


@cache
def shapes() -> Graph:
    return load_shapes(FOLDER)


def names_of_shapes() -> list[str]:
    return sorted(str(shape).removeprefix(SHAPES) for shape in shapes().subjects(RDF.type, SH.PropertyShape))


@cache
def ontology() -> Graph:
    graph = Graph()
    for path in sorted(project().ontology.rglob("*.ttl")):
        if "shapes" not in path.relative_to(project().ontology).parts:
            graph += turtle(path)
    return graph


@cache
def background() -> Graph:
    """The hierarchy of classes and the classes of the codes, by which an example is judged.

    Codes are not taken for concepts here: the shapes of codes are to find those of the example alone.
    """
    graph = Graph()
    for one, _, other in ontology().triples((None, RDFS.subClassOf, None)):
        if other != SKOS.Concept:
            graph.add((one, RDFS.subClassOf, other))
    for code in ontology().subjects(RDF.type, SKOS.Concept):
        for kind in ontology().objects(code, RDF.type):
            if kind != SKOS.Concept:
                graph.add((code, RDF.type, kind))
    return graph


def is_wrong(name: str) -> bool:
    return name.rsplit("/", 1)[-1].lower().startswith("wrong")


# --- shapes


@pytest.mark.parametrize("name", names_of_shapes())
def test_valid_example_conforms(name: str) -> None:
    assert validate(background() + turtle(EXAMPLES / f"{name}-valid.ttl"), shapes()) == []


@pytest.mark.parametrize("name", names_of_shapes())
def test_valid_example_is_looked_at(name: str) -> None:
    """A shape that targets nothing conforms whatever the data say."""
    example = turtle(EXAMPLES / f"{name}-valid.ttl")
    data, shape = background() + example, URIRef(SHAPES + name)
    seen = set(data.subjects(RDF.type, SH.PropertyShape))
    for wanted in shapes().objects(shape, SH.targetClass):
        below = {wanted, *data.transitive_subjects(RDFS.subClassOf, wanted)}
        seen |= {thing for kind in below for thing in data.subjects(RDF.type, kind)}
    for wanted in shapes().objects(shape, SH.targetSubjectsOf):
        seen |= set(data.subjects(wanted, None))
    assert seen & set(example.subjects())


@pytest.mark.parametrize("name", names_of_shapes())
def test_invalid_example_breaks_this_shape_alone(name: str) -> None:
    found = validate(background() + turtle(EXAMPLES / f"{name}-invalid.ttl"), shapes())
    assert [finding.check.removeprefix("ontology/shapes/") for finding in found] == [name]
    assert is_wrong(found[0].entity)
    assert found[0].severity == "error"
    path = shapes().value(URIRef(SHAPES + name), SH.path)
    assert found[0].path == str(path)


def test_shapes_are_shapes() -> None:
    """The shapes themselves conform to the shapes of SHACL."""
    conforms, _, text = pyshacl.validate(Graph(), shacl_graph=shapes(), meta_shacl=True)
    assert conforms, text


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_has_the_stem_of_a_module_and_a_header(path: Path) -> None:
    assert (project().ontology / path.name).exists()
    graph = turtle(path)
    header = URIRef(SHAPES + path.stem)
    assert set(graph.subjects(RDF.type, OWL.Ontology)) == {header}
    for term in (DCTERMS.title, DCTERMS.description, DCTERMS.license, DCTERMS.creator):
        assert graph.value(header, term), term


def test_every_shape_is_flat_and_says_what_is_wrong() -> None:
    graph = shapes()
    assert not any(isinstance(term, BNode) for triple in graph for term in triple)
    assert not set(graph.subjects(RDF.type, SH.NodeShape))
    for name in names_of_shapes():
        shape = URIRef(SHAPES + name)
        assert any(graph.value(shape, target) for target in TARGETS), f"{name} has no target"
        constraints = set(graph.predicates(shape)) - {RDF.type, SH.path, SH.message, SH.severity, *TARGETS}
        assert constraints, f"{name} asks for nothing"
        message = str(graph.value(shape, SH.message))
        # What is wrong, then how to mend it.
        assert len(re.findall(r"[.](?:\s|$)", message)) >= 2, message


def test_no_check_has_the_name_of_another() -> None:
    names = [*names_of_shapes(), *(path.stem for path in QUERIES)]
    assert len(names) == len(set(names))


def test_every_check_has_its_examples_and_every_example_its_check() -> None:
    names = {*names_of_shapes(), *(path.stem for path in QUERIES)}
    wanted = {f"{name}-{kind}.ttl" for name in names for kind in ("valid", "invalid")}
    assert {path.name for path in EXAMPLES.iterdir()} == wanted


# --- hygiene queries


def ask(query: Path, example: Path) -> tuple[list[str], set[str]]:
    """What a query finds in an example, and what it should find."""
    store = ox.Store()
    store.load(read(example).encode(), format=ox.RdfFormat.TURTLE)
    terms = (term for quad in store for term in (quad.subject, quad.predicate, quad.object))
    wrong = {term.value for term in terms if isinstance(term, ox.NamedNode) and is_wrong(term.value)}
    rows = store.query(read(query))
    assert isinstance(rows, ox.QuerySolutions)
    found = []
    for row in rows:
        message = row["message"]
        assert isinstance(message, ox.Literal), f"no message for {row['entity']}"
        found.append(row["entity"].value)
    return found, wrong


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_query_finds_nothing_in_its_valid_example(path: Path) -> None:
    example = EXAMPLES / f"{path.stem}-valid.ttl"
    assert ask(path, example) == ([], set())


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_query_finds_each_wrong_thing_once(path: Path) -> None:
    found, wrong = ask(path, EXAMPLES / f"{path.stem}-invalid.ttl")
    assert sorted(found) == sorted(wrong)
    assert wrong


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_query_keeps_the_form(path: Path) -> None:
    text = read(path)
    comment = [line for line in text.splitlines() if line.startswith("#")]
    assert len(comment) >= 2, "a header says what the query checks, and how severe it is"
    assert comment[-1] in {"# severity: error", "# severity: warning"}
    # One query for all nodes is quick only as long as no pattern is tried for each of them again.
    assert not re.search(r"\bEXISTS\s*\{", text, re.IGNORECASE)
    selected = re.search(r"^SELECT (.*)$", text, re.MULTILINE)
    assert selected
    assert selected[1].split() in (["?entity", "?message"], ["?entity", "?message", "?path"])


def test_the_build_reads_the_severity(tmp_path: Path) -> None:
    select = 'SELECT ?entity ?message WHERE { ?entity a ?class BIND("wrong" AS ?message) }'
    for severity in ("error", "warning"):
        (tmp_path / f"{severity}-one.rq").write_text(
            f"# A check.\n# severity: {severity}\n{select}\n", encoding="utf-8"
        )
    store = ox.Store()
    store.add(ox.Quad(ox.NamedNode("urn:x"), ox.NamedNode(str(RDF.type)), ox.NamedNode("urn:c")))
    assert [(f.check, f.severity, f.entity) for f in hygiene(store, tmp_path)] == [
        ("error-one", "error", "urn:x"),
        ("warning-one", "warning", "urn:x"),
    ]


# --- what all of them name exists


def declared() -> set[str]:
    kinds = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
    return {str(term) for kind in kinds for term in ontology().subjects(RDF.type, kind)}


def named_by_shapes(graph: Graph) -> set[str]:
    """Classes and properties that shapes name."""
    links = (*TARGETS, SH.path, SH["class"], SH.disjoint, SH.equals, SH.lessThan)
    named = {str(term) for link in links for term in graph.objects(None, link)}
    return {term for term in named if not term.startswith(LANGUAGE_TERMS)}


def test_shapes_name_declared_terms_only() -> None:
    assert named_by_shapes(shapes()) - declared() == set()


def test_a_misspelt_class_in_a_shape_is_found() -> None:
    """It would target nothing, and so conform."""
    graph = Graph()
    graph.add((URIRef(f"{SHAPES}x"), SH.targetClass, URIRef(f"{ONTOLOGY}Membreship")))
    assert named_by_shapes(graph) - declared() == {f"{ONTOLOGY}Membreship"}


def test_every_class_of_records_has_a_shape() -> None:
    """Of the classes that tables give to their rows, none goes without a shape."""
    given = set()
    for path in sorted(project().schemas.glob("*.json")):
        columns = json.loads(path.read_text(encoding="utf-8"))["columns"]
        given |= {c["valueUrl"].replace(CANONICAL, BASE) for c in columns if c.get("propertyUrl") == str(RDF.type)}
    targeted = {str(term) for term in shapes().objects(None, SH.targetClass)}
    above = {n for n in given if targeted & set(map(str, ontology().transitive_objects(URIRef(n), RDFS.subClassOf)))}
    by_query = {name for path in QUERIES for name in given if name.rsplit("/", 1)[-1] in read(path)}
    assert given - above - by_query <= {f"{ONTOLOGY}Instrument"}  # its shapes target whatever has a kind of instrument
