"""A small project: the real schemas, ontology and queries over a few of the real tables, with a graph made of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from lexgraph import snapshot
from lexgraph.settings import GRAPH, ID, ONTOLOGY, Project, project
from lexgraph.tables import load_schemas, read_table, table_files

TABLES = ("states.csv", "custom/rules.csv", "instruments/ets-185/instrument.csv", "instruments/ets-185/actions.csv")
VERSION = "2026.1.1+small"

# One fact of each class. `a/b` is a thing, a day is a day, a number is a decimal, "..." is text.
FACTS = """
participation/ets-185/FR/2006-05-01 a Participation
participation/ets-185/FR/2006-05-01 party state/FR
participation/ets-185/FR/2006-05-01 instrument instrument/ets-185
participation/ets-185/FR/2006-05-01 from 2006-05-01
participation/ets-185/FR/2006-05-01 until 9999-12-31
participation/ets-185/FR/2006-05-01 side side/any
participation/ets-185/FR/2006-05-01 recordCertainty certainty/shown
participation/ets-185/FR/2006-05-01 derivedFrom record/action/ets-185/fr-ratification
criminalisation/offence/one a Criminalisation
criminalisation/offence/one criminalisedIn state/FR
criminalisation/offence/one offence offence/illegal-access
criminalisation/offence/one status status/criminalised
criminalisation/offence/one from 0001-01-01
criminalisation/offence/one until 2015-07-27
criminalisation/offence/one basisKind basis-kind/national
criminalisation/offence/one instrument instrument/fr-penal-code
criminalisation/offence/one provision instrument/fr-penal-code/art/323-1
criminalisation/offence/one citation "Penal Code, art. 323-1"
criminalisation/offence/one penaltyYears 2.50
criminalisation/offence/one recordCertainty certainty/shown
criminalisation/offence/one derivedFrom record/offence/one
ground/two a JurisdictionGround
ground/two a CourtJurisdiction
ground/two legalOrder state/ICC
ground/two place state/FR
ground/two principle principle/court-territory
ground/two factor factor/conduct_in
ground/two coversOffence offence/war-crimes
ground/two coversOffence offence/genocide
ground/two condition condition/gravity
ground/two condition condition/complementarity
ground/two from 2002-07-01
ground/two until 9999-12-31
ground/two basisKind basis-kind/court-statute
ground/two instrument instrument/rome-statute
ground/two recordCertainty certainty/computed
ground/two derivedFrom record/provision/rome-statute/5
ground/one a JurisdictionGround
ground/one legalOrder state/FR
ground/one place state/FR
ground/one principle principle/territoriality-conduct
ground/one factor factor/conduct_in
ground/one coversOffence offence/illegal-access
ground/one minPenalty 1
ground/one from 1994-03-01
ground/one until 9999-12-31
ground/one basisKind basis-kind/national
ground/one instrument instrument/fr-penal-code
ground/one recordCertainty certainty/shown
ground/one derivedFrom record/jurisdiction/one
link/ets-185/FR/24 a CooperationLink
link/ets-185/FR/24 requested state/FR
link/ets-185/FR/24 measure measure/extradition
link/ets-185/FR/24 instrument instrument/ets-185
link/ets-185/FR/24 openTo side/any
link/ets-185/FR/24 scope scope/instrument-offences
link/ets-185/FR/24 basisKind basis-kind/treaty
link/ets-185/FR/24 basisMode basis-mode/self-standing
link/ets-185/FR/24 dualCriminality dual-criminality-rule/required
link/ets-185/FR/24 penaltyThreshold 1
link/ets-185/FR/24 thresholdSide threshold-side/both
link/ets-185/FR/24 from 2006-05-01
link/ets-185/FR/24 until 9999-12-31
link/ets-185/FR/24 recordCertainty certainty/shown
link/ets-185/FR/24 derivedFrom participation/ets-185/FR/2006-05-01
"""

_XSD = "http://www.w3.org/2001/XMLSchema#"
_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


@dataclass(frozen=True)
class SmallProject(Project):
    """The project with its built things beside its sources, whatever the environment says."""

    @property
    def home(self) -> Path:
        return self.root / "build"


def small_project(root: Path) -> Project:
    """Copy what is needed of the project."""
    source = project()
    for folder in ("ontology", "queries", "data/schema"):
        shutil.copytree(source.root / folder, root / folder)
    for name in ("VERSION", *TABLES):
        target = root / "data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.data / name, target)
    shutil.copytree(source.data / "cases", root / "data" / "cases")
    return SmallProject(root)


def publish(here: Project) -> snapshot.Snapshot:
    """A snapshot of the tables and the facts above, without a build."""
    lines = [line for entry in table_files(here.root, load_schemas(here.schemas)) for line in read_table(*entry).lines]
    data = sorted({line.encode() for line in lines}) + list(_facts())
    work = snapshot.workplace(here.home)
    index = ox.Store(str(work / "index"))
    index.bulk_extend(
        ox.Quad(quad.subject, quad.predicate, quad.object)
        for quad in ox.parse(b"".join(data), format=ox.RdfFormat.N_QUADS)
    )
    index.flush()
    del index
    manifest = {"data_version": VERSION, "counts": {}, "name": "small"}
    return snapshot.publish(here.home, "small", work, data, manifest)


def _facts() -> Iterable[bytes]:
    graph = ox.NamedNode(f"{GRAPH}derived/facts")
    for line in FACTS.strip().splitlines():
        subject, predicate, value = line.split(" ", 2)
        about = ox.NamedNode(f"{ID}{subject}")
        if predicate == "a":
            quad = ox.Quad(about, _TYPE, ox.NamedNode(f"{ONTOLOGY}{value}"), graph)
        else:
            quad = ox.Quad(about, ox.NamedNode(f"{ONTOLOGY}{predicate}"), _term(value), graph)
        yield f"{quad} .\n".encode()


def _term(value: str) -> ox.NamedNode | ox.Literal:
    if value.startswith('"'):
        return ox.Literal(value.strip('"'))
    if "/" in value:
        return ox.NamedNode(f"{ID}{value}")
    kind = "date" if "-" in value else "decimal"
    return ox.Literal(value, datatype=ox.NamedNode(f"{_XSD}{kind}"))
