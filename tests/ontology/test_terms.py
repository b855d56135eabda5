"""Terms and codes: what is used is declared, once, and what is declared is complete."""

import json
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from rdflib import DCTERMS, OWL, RDF, RDFS, SKOS, Graph, Literal, URIRef
from rdflib.paths import Path as PropertyPath
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import BNode

from lexgraph.namedqueries import parse
from lexgraph.settings import BASE, ID, ONTOLOGY, project
from lexgraph.tables import CANONICAL

FOLDER = project().ontology
MODULES = [*sorted(FOLDER.glob("*.ttl")), *sorted((FOLDER / "alignments").glob("*.ttl"))]
SCHEMES = sorted((FOLDER / "schemes").glob("*.ttl"))
RULES = sorted((FOLDER / "rules").glob("*.rq"))
HYGIENE = sorted((FOLDER / "shapes" / "hygiene").glob("*.rq"))
QUERIES = sorted(project().queries.rglob("*.rq"))
TERM_KINDS = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
LANGUAGES = {"en", "fr", "ar"}
# The vocabularies whose terms must be declared here: ours, and those that a module of alignments takes up.
VOCABULARIES = (
    ONTOLOGY,
    str(SKOS),
    str(DCTERMS),
    "http://www.w3.org/ns/prov#",
    "http://data.europa.eu/eli/ontology#",
    "http://purl.org/vocab/vann/",
)
# Things that tables name by the same pattern as codes.
RECORDED = {"state", "instrument", "organisation", "record", "custom"}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace(CANONICAL, BASE)


@cache
def graph_of(path: Path) -> Graph:
    return Graph().parse(data=read(path), format="turtle")


def name_of(path: Path) -> str:
    return path.relative_to(project().root).as_posix()


@cache
def ontology() -> Graph:
    graph = Graph()
    for path in sorted(FOLDER.rglob("*.ttl")):
        if "shapes" not in path.relative_to(FOLDER).parts:
            graph += graph_of(path)
    return graph


def declarations() -> dict[str, list[str]]:
    """Each declared class and property, with the modules that declare it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(FOLDER.rglob("*.ttl")):
        if "shapes" in path.relative_to(FOLDER).parts:
            continue
        for term in {s for kind in TERM_KINDS for s in graph_of(path).subjects(RDF.type, kind)}:
            found[str(term)].append(name_of(path))
    return found


def own_terms() -> list[URIRef]:
    return sorted(URIRef(term) for term in declarations() if term.startswith(ONTOLOGY))


def concepts() -> list[URIRef]:
    return sorted({s for s in ontology().subjects(RDF.type, SKOS.Concept) if isinstance(s, URIRef)})


# --- what is used


def iris_of_query(text: str) -> set[str]:
    """Every IRI that a query names, wherever it stands."""
    algebra = translateQuery(parseQuery(text)).algebra
    found: set[str] = set()
    seen: set[int] = set()

    def walk(part: Any) -> None:
        if isinstance(part, URIRef):
            found.add(str(part))
            return
        if isinstance(part, str) or part is None or id(part) in seen:
            return
        seen.add(id(part))
        if isinstance(part, CompValue | dict):
            for value in part.values():
                walk(value)
        elif isinstance(part, list | tuple | set | frozenset):
            for value in part:
                walk(value)
        elif isinstance(part, PropertyPath):
            for value in vars(part).values():
                walk(value)

    walk(algebra)
    return found


def iris_of_schema(schema: dict[str, Any]) -> set[str]:
    """The properties of the columns of a table and the classes of its rows."""
    found = set()
    for column in schema["columns"]:
        found |= {str(column[key]) for key in ("propertyUrl",) if key in column}
        if column.get("propertyUrl") == str(RDF.type):
            found.add(column["valueUrl"])
    return {iri.replace(CANONICAL, BASE) for iri in found}


def iris_of_graph(graph: Graph) -> set[str]:
    """The properties of a graph and the classes of its subjects."""
    return {str(p) for p in graph.predicates()} | {str(o) for o in graph.objects(None, RDF.type)}


def terms_among(iris: set[str]) -> set[str]:
    return {iri for iri in iris if iri.startswith(VOCABULARIES)}


def undeclared(iris: set[str]) -> set[str]:
    return terms_among(iris) - set(declarations())


def unknown_codes(iris: set[str]) -> set[str]:
    """Codes that no scheme has; names that only begin the IRI of a fact are none."""
    kinds = {str(code).removeprefix(ID).split("/")[0] for code in concepts()} - RECORDED
    named = {iri for iri in iris if iri.startswith(ID) and iri.removeprefix(ID).split("/")[0] in kinds}
    known = {str(subject) for subject in ontology().subjects()}
    return {iri for iri in named if not iri.endswith("/")} - known


def users() -> list[Path]:
    """Everything that uses terms: tables, rules, queries, checks, and the ontology itself."""
    turtle = [p for p in sorted(FOLDER.rglob("*.ttl")) if "shapes" not in p.relative_to(FOLDER).parts]
    return [*sorted(project().schemas.glob("*.json")), *RULES, *HYGIENE, *QUERIES, *turtle]


@cache
def iris_of(path: Path) -> set[str]:
    if path.suffix == ".json":
        return iris_of_schema(json.loads(path.read_text(encoding="utf-8")))
    return iris_of_query(read(path)) if path.suffix == ".rq" else iris_of_graph(graph_of(path))


@pytest.mark.parametrize("path", users(), ids=name_of)
def test_terms_in_use_are_declared(path: Path) -> None:
    assert undeclared(iris_of(path)) == set()


@pytest.mark.parametrize("path", users(), ids=name_of)
def test_codes_in_use_are_in_a_scheme(path: Path) -> None:
    assert unknown_codes(iris_of(path)) == set()


def test_every_term_is_declared_once() -> None:
    assert {term: files for term, files in declarations().items() if len(files) != 1} == {}


def test_a_term_is_of_one_kind() -> None:
    """A property that is both a data and an object property leaves OWL 2."""
    for term in own_terms():
        kinds = [kind for kind in TERM_KINDS if (term, RDF.type, kind) in ontology()]
        assert len(kinds) == 1, term


def test_every_term_is_used() -> None:
    """A term that nothing uses is a promise that nothing keeps."""
    graph = ontology()
    used = {iri for path in users() for iri in iris_of(path)}
    # Meant by what is used: what it is below, what it leads from and to, and what a kind of record is equivalent to.
    for link in (
        RDFS.subClassOf,
        RDFS.subPropertyOf,
        RDFS.domain,
        RDFS.range,
        OWL.onProperty,
        OWL.someValuesFrom,
        RDF.first,
    ):
        used |= {str(term) for term in graph.objects(None, link)}
    used |= {str(term) for term in graph.subjects(OWL.equivalentClass, None)}
    # Or asked for by a shape.
    for path in sorted((FOLDER / "shapes").glob("*.ttl")):
        used |= {str(term) for term in graph_of(path).objects()}
    assert [str(term) for term in own_terms() if str(term) not in used] == []


# --- a misspelt term fails


def test_a_misspelt_property_of_a_table_is_found() -> None:
    schema = {"columns": [{"name": "x", "propertyUrl": f"{CANONICAL}ontology/offnece"}]}
    assert undeclared(iris_of_schema(schema)) == {f"{ONTOLOGY}offnece"}


def test_a_misspelt_class_of_a_table_is_found() -> None:
    column = {
        "name": "type",
        "virtual": True,
        "propertyUrl": str(RDF.type),
        "valueUrl": f"{CANONICAL}ontology/Membreship",
    }
    assert undeclared(iris_of_schema({"columns": [column]})) == {f"{ONTOLOGY}Membreship"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ?x WHERE {{ ?x <{o}form> ?y . MINUS {{ ?x a <{o}Particpation> }} }}",
        "SELECT ?x WHERE {{ ?x <{o}form>/<{o}Particpation> ?y }}",
        "SELECT ?x WHERE {{ OPTIONAL {{ ?x ?p ?y FILTER(?y = <{o}Particpation>) }} }}",
        "SELECT ?x WHERE {{ VALUES (?x ?y) {{ (<{o}Particpation> 1) }} }}",
        "SELECT ?x WHERE {{ {{ SELECT ?x WHERE {{ ?x a <{o}Particpation> }} }} }}",
        "CONSTRUCT {{ ?x a <{o}Particpation> }} WHERE {{ ?x a <{o}Participation> }}",
        "ASK {{ {{ ?x a <{o}Participation> }} UNION {{ ?x a ?y BIND(<{o}Particpation> AS ?y) }} }}",
    ],
)
def test_a_misspelt_class_in_a_query_is_found(text: str) -> None:
    assert undeclared(iris_of_query(text.format(o=ONTOLOGY))) == {f"{ONTOLOGY}Particpation"}


def test_a_misspelt_class_in_a_scheme_is_found() -> None:
    graph = Graph().parse(data=f"<{ID}match/x> a <{ONTOLOGY}Macth> .", format="turtle")
    assert undeclared(iris_of_graph(graph)) == {f"{ONTOLOGY}Macth"}


def test_a_misspelt_code_in_a_query_is_found() -> None:
    made = f"BIND(IRI(CONCAT(STR(<{ID}match/>), 'x')) AS ?y)"
    text = f"SELECT ?x WHERE {{ ?x ?p <{ID}match/exect>, <{ID}match/exact> {made} }}"
    assert unknown_codes(iris_of_query(text)) == {f"{ID}match/exect"}


# --- what is declared is complete


@pytest.mark.parametrize("term", own_terms(), ids=lambda term: term.removeprefix(ONTOLOGY))
def test_term_is_complete(term: URIRef) -> None:
    graph = ontology()
    labels = Counter(label.language for label in graph.objects(term, RDFS.label) if isinstance(label, Literal))
    assert labels == dict.fromkeys(LANGUAGES, 1)
    definitions = {d.language: str(d) for d in graph.objects(term, SKOS.definition) if isinstance(d, Literal)}
    assert definitions.get("en", "").endswith(".")
    (file,) = declarations()[str(term)]
    header = graph_of(project().root / file).value(None, RDF.type, OWL.Ontology)
    assert list(graph.objects(term, RDFS.isDefinedBy)) == [header]
    # Classes begin with a capital, properties do not.
    first = str(term).removeprefix(ONTOLOGY)[0]
    assert first.isupper() == ((term, RDF.type, OWL.Class) in graph)


def test_no_two_terms_share_a_label() -> None:
    """Of one kind: a class may share its name with the property that leads to it."""
    seen: dict[tuple[bool, Literal], list[str]] = defaultdict(list)
    for term in own_terms():
        for label in ontology().objects(term, RDFS.label):
            assert isinstance(label, Literal)
            seen[((term, RDF.type, OWL.Class) in ontology(), label)].append(str(term))
    assert {str(label): terms for (_, label), terms in seen.items() if len(terms) > 1} == {}


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.ttl")), ids=name_of)
def test_file_has_no_blank_node(path: Path) -> None:
    assert [t for triple in graph_of(path) for t in triple if isinstance(t, BNode)] == []


@pytest.mark.parametrize("code", concepts(), ids=lambda code: code.removeprefix(ID))
def test_concept_is_complete(code: URIRef) -> None:
    graph = ontology()
    labels = Counter(label.language for label in graph.objects(code, SKOS.prefLabel) if isinstance(label, Literal))
    assert labels == dict.fromkeys(LANGUAGES, 1)
    definitions = {d.language: str(d) for d in graph.objects(code, SKOS.definition) if isinstance(d, Literal)}
    assert definitions.get("en", "").endswith(".")
    assert [str(n) for n in graph.objects(code, SKOS.notation)] == [str(code).rsplit("/", 1)[-1]]
    (scheme,) = graph.objects(code, SKOS.inScheme)
    assert (scheme, RDF.type, SKOS.ConceptScheme) in graph
    assert scheme in set(graph.objects(code, RDFS.isDefinedBy))
    kinds = {kind for kind in graph.objects(code, RDF.type) if kind != SKOS.Concept}
    assert any(SKOS.Concept in set(graph.transitive_objects(kind, RDFS.subClassOf)) for kind in kinds)


@pytest.mark.parametrize("path", SCHEMES, ids=lambda path: path.stem)
def test_scheme_is_complete(path: Path) -> None:
    graph = graph_of(path)
    schemes = set(graph.subjects(RDF.type, SKOS.ConceptScheme))
    assert schemes
    for scheme in schemes:
        titles = {title.language for title in graph.objects(scheme, DCTERMS.title) if isinstance(title, Literal)}
        assert titles == LANGUAGES
        assert graph.value(scheme, DCTERMS.description)
        assert graph.value(scheme, DCTERMS.license)
        assert set(graph.subjects(SKOS.inScheme, scheme))
    for scheme, _, top in graph.triples((None, SKOS.hasTopConcept, None)):
        assert (top, SKOS.topConceptOf, scheme) in graph
    for top, _, scheme in graph.triples((None, SKOS.topConceptOf, None)):
        assert (scheme, SKOS.hasTopConcept, top) in graph


# --- headers


HEADED = [path for path in MODULES if path.name != "mappings.ttl"]


@pytest.mark.parametrize("path", HEADED, ids=name_of)
def test_header_is_complete(path: Path) -> None:
    graph = graph_of(path)
    (header,) = graph.subjects(RDF.type, OWL.Ontology)
    titles = {title.language for title in graph.objects(header, DCTERMS.title) if isinstance(title, Literal)}
    assert titles == LANGUAGES
    assert graph.value(header, DCTERMS.description) or graph.value(header, DCTERMS.abstract)
    for term in (DCTERMS.license, DCTERMS.creator, OWL.versionIRI, OWL.versionInfo):
        assert graph.value(header, term), term
    version = str(graph.value(header, OWL.versionInfo))
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert f"/{version}" in str(graph.value(header, OWL.versionIRI))


def test_all_modules_have_one_version() -> None:
    versions = {str(v) for path in HEADED for v in graph_of(path).objects(None, OWL.versionInfo)}
    assert len(versions) == 1


def test_main_header_names_all_that_a_user_needs() -> None:
    graph = graph_of(FOLDER / "lexgraph.ttl")
    header = URIRef(ONTOLOGY)
    vann = "http://purl.org/vocab/vann/"
    for term in (DCTERMS.created, DCTERMS.bibliographicCitation, URIRef(f"{vann}preferredNamespacePrefix")):
        assert graph.value(header, term), term
    assert str(graph.value(header, URIRef(f"{vann}preferredNamespaceUri"))) == ONTOLOGY


def test_main_module_imports_every_other() -> None:
    imported = set(graph_of(FOLDER / "lexgraph.ttl").objects(URIRef(ONTOLOGY), OWL.imports))
    others = {
        header
        for path in HEADED
        if path.name != "lexgraph.ttl"
        for header in graph_of(path).subjects(RDF.type, OWL.Ontology)
    }
    assert imported == others


# --- queries and rules


@pytest.mark.parametrize("path", [*RULES, *QUERIES, *HYGIENE], ids=name_of)
def test_query_parses_in_the_engine(path: Path) -> None:
    ox.Store().query(read(path))


@pytest.mark.parametrize("path", QUERIES, ids=name_of)
def test_named_query_says_what_it_answers(path: Path) -> None:
    query = parse(path.stem, read(path))
    assert query.title != path.stem
    assert query.question.endswith("?") or query.question.endswith(".")
    in_text = set(re.findall(r"\?(\w+)", query.text))
    assert {parameter.name for parameter in query.parameters} <= in_text


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rule_has_a_number_and_a_comment(path: Path) -> None:
    assert re.fullmatch(r"\d\d-[a-z-]+", path.stem)
    assert read(path).startswith("# ")
    assert "CONSTRUCT" in read(path)
