"""Rules: run the SPARQL rules of ``ontology/rules`` in the order of their numbers.

Each rule is a CONSTRUCT whose result goes into a named graph of its own and is visible to the rules after it.
The first digit of the number is the stratum: 1 intervals, 2 participation, 3 criminalisation, 4 jurisdiction
grounds, 5 court jurisdiction, 6 cooperation links.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from lexgraph.settings import BASE, GRAPH, ID, ONTOLOGY
from lexgraph.tables import CANONICAL

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_DERIVED = f" <{ONTOLOGY}derivedFrom> ".encode()
_MADE_BY = f" <{ONTOLOGY}derivedByRule> <".encode()


@dataclass(frozen=True)
class Rule:
    """One rule: its name (the file's stem), what it says, and its text."""

    name: str
    comment: str
    text: str

    @property
    def graph(self) -> str:
        return f"{GRAPH}derived/{self.name}"

    @property
    def iri(self) -> str:
        return f"{ID}rule/{self.name}"

    def described(self) -> list[str]:
        """What the graph says of the rule itself: predicate and object of each statement."""
        comment = str(ox.Literal(self.comment, language="en"))
        return [
            f"<{RDF}type> <{ONTOLOGY}DerivationRule>",
            f'<{RDFS}label> "{self.name}"',
            f"<{RDFS}comment> {comment}",
        ]


def load_rules(folder: Path) -> list[Rule]:
    """Read the rules of a folder in order."""
    rules = []
    for path in sorted(folder.glob("*.rq")):
        text = path.read_text(encoding="utf-8").replace(CANONICAL, BASE)
        comment = " ".join(line[1:].strip() for line in text.splitlines() if line.startswith("#"))
        rules.append(Rule(path.stem, comment, text))
    return rules


def run(rule: Rule, store: ox.Store) -> list[bytes]:
    """Evaluate a rule over the default graph of the store: sorted, distinct N-Triples lines.

    Each fact that a rule makes (what it derives from records) names the rule, so that an answer can be explained.
    """
    triples = store.query(rule.text)
    assert isinstance(triples, ox.QueryTriples)
    data = triples.serialize(format=ox.RdfFormat.N_TRIPLES)
    assert data is not None
    lines = set(data.splitlines(keepends=True))
    made = {line.split(b" ", 1)[0] for line in lines if _DERIVED in line}
    if made:
        lines |= {subject + _MADE_BY + rule.iri.encode() + b"> .\n" for subject in made}
        lines |= {f"<{rule.iri}> {said} .\n".encode() for said in rule.described()}
    return sorted(lines)
