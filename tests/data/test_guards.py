"""Guards of the data: counts that documents give, the arithmetic of treaties, addresses, and misspellings.

What one query over the graph can see is checked by the build (``ontology/shapes/hygiene``); this is the rest. The
bounds and the rules are those of documents, so that a slip in the tables cannot move them.
"""

from __future__ import annotations

import calendar
import csv
import ipaddress
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rdflib import Graph, URIRef

from lexgraph import build, tables
from lexgraph.questions.context import END
from lexgraph.settings import Project, project
from lexgraph.tables import CANONICAL

HERE = Path(__file__).parent
Row = dict[str, str]

DEPOSITS = {"ratification", "accession", "acceptance", "approval"}
BINDING = DEPOSITS | {"succession", "bound", "in-force", "provisional-application"}
ENDING = {"withdrawal", "denunciation", "ceased"}


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def actions(instrument: str) -> list[Row]:
    return rows(project().data / "instruments" / instrument / "actions.csv")


def latest(day: str) -> str:
    """The last day that a year or a month may mean."""
    return day + "-12-31"[len(day) - 4 :] if len(day) < 10 else day


# --- counts


def counted(acts: list[Row], status: str, day: str) -> int:
    """States with a status on a day.

    signed: that had signed; deposited: that had deposited, less those whose departure had taken effect;
    signed-only: that had signed and not deposited; bound: for which it was in force; withdrawn: for which it had been
    in force, had ended and not begun again.
    """
    on = {state: [r for r in acts if r["state"] == state] for state in {r["state"] for r in acts}}

    def ended(found: list[Row]) -> bool:
        ends = [r["until"] for r in found if r["action"] in ENDING and latest(r["until"] or END) <= day]
        # A state may come back: a later start outweighs the end.
        starts = [r["entry_into_force"] for r in found if r["action"] in BINDING and r["entry_into_force"]]
        return bool(ends) and not any(max(ends) <= s <= day for s in starts)

    def signed(found: list[Row]) -> bool:
        return any(r["action"] == "signature" and (not r["date"] or latest(r["date"]) <= day) for r in found)

    def deposited(found: list[Row]) -> bool:
        kinds = DEPOSITS | {"succession"}
        return any(r["action"] in kinds and r["date"] and latest(r["date"]) <= day for r in found)

    def bound(found: list[Row]) -> bool:
        return any(r["action"] in BINDING and r["entry_into_force"] and r["entry_into_force"] <= day for r in found)

    has: dict[str, Callable[[list[Row]], bool]] = {
        "signed": signed,
        "deposited": lambda found: deposited(found) and not ended(found),
        "signed-only": lambda found: signed(found) and not deposited(found),
        "bound": lambda found: bound(found) and not ended(found),
        "withdrawn": lambda found: bound(found) and ended(found),
    }
    return sum(has[status](found) for found in on.values())


GUARDS = rows(HERE / "guards.csv")


@pytest.mark.parametrize("guard", GUARDS, ids=lambda g: f"{g['instrument']} {g['status']} {g['day']}")
def test_counts_stay_within_what_documents_say(guard: Row) -> None:
    found = counted(actions(guard["instrument"]), guard["status"], guard["day"])
    assert int(guard["min"]) <= found <= int(guard["max"]), guard["source"]


def test_every_guard_is_stated_once_with_its_source() -> None:
    assert Counter((g["instrument"], g["status"], g["day"]) for g in GUARDS).most_common(1)[0][1] == 1
    assert all(g["source"] and int(g["min"]) <= int(g["max"]) for g in GUARDS)
    assert {g["status"] for g in GUARDS} == {"signed", "deposited", "signed-only", "bound", "withdrawn"}


def test_a_lost_and_a_doubled_row_move_the_counts() -> None:
    """What the bounds are for: a row that goes missing, and a party that is entered under another code."""
    acts = actions("untoc")
    day = "2003-07-01"
    party = next(r for r in acts if r["action"] == "ratification" and r["date"] < day)
    assert counted([r for r in acts if r is not party], "deposited", day) == 39
    assert counted([*acts, {**party, "state": "ZZ"}], "deposited", day) == 41


def test_an_end_counts_until_the_state_comes_back() -> None:
    base = dict.fromkeys(("action", "date", "entry_into_force", "until"), "") | {"state": "AA"}
    acts = [
        base | {"action": "ratification", "date": "2000-01-01", "entry_into_force": "2000-02-01"},
        base | {"action": "withdrawal", "date": "2004-01-01", "until": "2005-01-01"},
        base | {"action": "accession", "date": "2006-01-01", "entry_into_force": "2006-02-01"},
    ]
    days = ("1999-12-31", "2000-02-01", "2005-01-01", "2006-02-01")
    assert [counted(acts, "bound", day) for day in days] == [0, 1, 0, 1]
    assert [counted(acts, "withdrawn", day) for day in days] == [0, 0, 1, 0]


# --- the arithmetic of entry into force

RULES = {r["instrument"]: r for r in rows(HERE / "arithmetic.csv")}
EXCEPTIONS = {(r["instrument"], r["id"]): r["reason"] for r in rows(HERE / "arithmetic_exceptions.csv")}
_RULE = re.compile(r"(days|months) (\d+)(?: (first-of-month|next-day))?")


def after(day: date, rule: str) -> date:
    """The day on which an instrument enters into force for a state that deposited on a day."""
    found = _RULE.fullmatch(rule)
    assert found, f"no rule: {rule}"
    unit, number, tail = found[1], int(found[2]), found[3]
    if unit == "days":
        end = day + timedelta(days=number)
    else:
        year, month = divmod(day.year * 12 + day.month - 1 + number, 12)
        end = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    if tail == "next-day":
        return end + timedelta(days=1)
    if tail == "first-of-month":
        year, month = divmod(end.year * 12 + end.month, 12)
        return date(year, month + 1, 1)
    return end


def expected(act: Row, rule: str, in_force: str) -> str:
    """Not before the instrument itself is in force."""
    return max(after(date.fromisoformat(act["date"]), rule).isoformat(), in_force)


def dated(instrument: str) -> list[Row]:
    """Deposits with both days to the day."""
    return [
        r
        for r in actions(instrument)
        if r["action"] in DEPOSITS and len(r["date"]) == len(r["entry_into_force"]) == len("2000-01-01")
    ]


def in_force(instrument: str) -> str:
    return rows(project().data / "instruments" / instrument / "instrument.csv")[0]["entry_into_force"]


@pytest.mark.parametrize(
    ("rule", "deposit", "start"),
    [
        ("days 30", "2005-11-14", "2005-12-14"),
        ("days 90", "2000-10-13", "2001-01-11"),
        ("days 0", "2005-04-28", "2005-04-28"),
        ("months 3 first-of-month", "2004-03-18", "2004-07-01"),
        ("months 3 first-of-month", "2006-09-29", "2007-01-01"),
        ("months 3 first-of-month", "2016-11-30", "2017-03-01"),
        ("days 60 first-of-month", "2002-04-11", "2002-07-01"),
        ("days 60 first-of-month", "2003-01-31", "2003-05-01"),
        ("months 3 next-day", "2004-11-29", "2005-03-01"),
        ("months 12", "2012-02-29", "2013-02-28"),
    ],
)
def test_rules_count_as_their_articles_do(rule: str, deposit: str, start: str) -> None:
    assert after(date.fromisoformat(deposit), rule).isoformat() == start


@pytest.mark.parametrize("instrument", sorted(RULES))
def test_entry_into_force_follows_the_article(instrument: str) -> None:
    rule, general = RULES[instrument]["rule"], in_force(instrument)
    wrong = {
        act["id"]: f"deposited {act['date']}, {rule}: {due}, not {act['entry_into_force']}"
        for act in dated(instrument)
        if (due := expected(act, rule, general)) != act["entry_into_force"]
    }
    excused = {name for one, name in EXCEPTIONS if one == instrument}
    assert {name: text for name, text in wrong.items() if name not in excused} == {}


@pytest.mark.parametrize("exception", sorted(EXCEPTIONS), ids=" ".join)
def test_an_exception_names_an_act_and_says_why(exception: tuple[str, str]) -> None:
    instrument, name = exception
    assert instrument in RULES
    assert name in {act["id"] for act in actions(instrument)}, "the act is gone; take the exception out"
    assert len(EXCEPTIONS[exception]) > len("because")


def test_every_treaty_with_deposits_has_a_rule() -> None:
    """A treaty of two parties comes into force for both at once, and no rule computes that day."""
    found = set()
    for path in sorted((project().data / "instruments").glob("*/actions.csv")):
        name = path.parent.name
        parties = {r["state"] for r in actions(name)}
        if len(parties) > 2 and dated(name):
            found.add(name)
    assert found - set(RULES) == set()
    for rule in RULES.values():
        assert all(rule.values())
        after(date(2000, 1, 1), rule["rule"])


def test_a_succession_does_not_precede_the_instrument() -> None:
    """It reaches back to the first day of the new state at most, and to that of the instrument."""
    wrong = []
    for path in sorted((project().data / "instruments").glob("*/actions.csv")):
        general = in_force(path.parent.name)
        for act in rows(path):
            start = act["entry_into_force"]
            if act["action"] == "succession" and start and general and start < general:
                wrong.append((path.parent.name, act["id"], start, general))
    assert wrong == []


# --- addresses

_FORBIDDEN = re.compile(r"[\s<>\"{}|\\^`]")
_INNER = (".local", ".localhost", ".internal", ".lan", ".home", ".corp", ".intranet", ".test", ".invalid", ".example")


def address_error(text: str) -> str | None:
    """What is wrong with a web address, or None. A source must be one that any reader can open."""
    if _FORBIDDEN.search(text):
        return "has a character that no address has"
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"}:
        return "does not begin with http:// or https://"
    if parts.username or parts.password:
        return "names a user"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if "." not in host.strip(".") or f".{host.strip('.')}".endswith(_INNER):
            return "is no public host"
        return None
    return "is a number, no name of a host"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://www.coe.int/en/web/cybercrime", True),
        ("http://www.unhcr.org/refworld/type,MULTILATERALTREATY,ARAB,,3ae6b38d8,0.html", True),
        ("https://alwatannews.net/article/588024/خارجية-النواب", True),
        ("https://example.org/a b", False),
        ("ftp://example.org/a", False),
        ("www.coe.int", False),
        ("http://localhost:8000/x", False),
        ("http://intranet/x", False),
        ("https://mirror.internal/x", False),
        ("http://10.0.0.7/x", False),
        ("http://[::1]/x", False),
        ("https://user:secret@example.org/", False),
    ],
)
def test_addresses_are_judged_rightly(text: str, good: bool) -> None:
    assert (address_error(text) is None) == good


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_every_address_is_well_formed_and_public() -> None:
    root = project().root
    wrong = []
    for path in sorted([*project().data.rglob("*.csv"), *project().ontology.rglob("*.csv")]):
        for number, row in enumerate(rows(path), start=2):
            for column, cell in row.items():
                if column.endswith("url") and cell and (why := address_error(cell)):
                    wrong.append((path.relative_to(root).as_posix(), number, column, cell, why))
    for path in sorted((project().data / "cases").glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        sources = list(strings(case.get("sources", []))) + [s for s in strings(case) if "://" in s[:9]]
        wrong += [(path.name, 0, "sources", s, why) for s in sources if (why := address_error(s))]
    assert wrong == []


# --- codes of states


def test_a_code_of_a_state_that_ended_is_no_party() -> None:
    """The table holds living codes alone, and names the ended ones as predecessors: an act after the end cannot be
    entered, and one before it stands under the code of the state that carries it on."""
    states = rows(project().data / "states.csv")
    codes = {r["code"] for r in states}
    ended = {r["predecessor"] for r in states if len(r["predecessor"]) == 4}
    assert ended
    # The first two letters of a four-letter code are those that the state had; some were given out anew.
    gone = {code[:2] for code in ended} - codes
    assert gone
    for path in sorted((project().data / "instruments").glob("*/actions.csv")):
        assert not {r["state"] for r in rows(path)} & gone


def test_predecessors_are_known_and_dated() -> None:
    states = rows(project().data / "states.csv")
    codes = {r["code"] for r in states}
    for row in states:
        if len(row["predecessor"]) == 2:
            assert row["predecessor"] in codes, row["code"]
            assert row["from"], f"{row['code']} has a predecessor that goes on, and no first day"


# --- misspellings stop the build


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A copy of a small part of the project: the whole ontology, one state's law and one instrument."""
    whole = project().root
    shutil.copytree(whole / "ontology", tmp_path / "ontology", ignore=shutil.ignore_patterns("examples"))
    shutil.copytree(whole / "queries", tmp_path / "queries")
    for part in ("schema", "custom", "national/DZ", "instruments/ets-189"):
        shutil.copytree(whole / "data" / part, tmp_path / "data" / part)
    (tmp_path / "data" / "cases").mkdir()
    for part in ("VERSION", "states.csv"):
        shutil.copy(whole / "data" / part, tmp_path / "data" / part)
    return Project(tmp_path)


@pytest.fixture(autouse=True)
def _only_the_project_decides(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build of a copy stays in the copy."""
    if "small" in request.fixturenames:
        monkeypatch.delenv("LEXGRAPH_HOME", raising=False)


def refused(found: Project) -> list[tables.Problem]:
    with pytest.raises(tables.SourceError) as caught:
        build.build(found)
    assert not (found.home / "current").exists()
    return caught.value.problems


def replace(path: Path, old: str, new: str) -> int:
    """Change the first occurrence; returns the number of its line, which is that of the row in a table."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


MISSPELT = [
    ("data/national/DZ/offences.csv", "offence", "illegal-access", "ilegal-access"),
    ("data/national/DZ/jurisdiction.csv", "principle", "active-nationality", "active-nationalty"),
    ("data/national/DZ/cooperation.csv", "topic", "central-authority", "central-authorty"),
    ("data/instruments/ets-189/actions.csv", "action", "accession", "acession"),
    ("data/instruments/ets-189/provisions.csv", "kind", "final-clause", "final-clauses"),
]


def test_each_misspelt_code_names_its_cell_and_the_nearest(small: Project) -> None:
    rows_of = {file: replace(small.root / file, f",{old},", f",{new},") for file, _, old, new in MISSPELT}
    found = {p.file: p for p in refused(small)}
    assert set(found) == set(rows_of)
    for file, column, old, new in MISSPELT:
        problem = found[file]
        assert (problem.row, problem.column, problem.value) == (rows_of[file], column, new)
        assert f"did you mean {old}?" in problem.expected


def test_a_code_of_no_living_state_and_a_misspelt_column_are_refused(small: Project) -> None:
    """A table whose header is wrong is not read further; the others are."""
    number = replace(small.root / "data/instruments/ets-189/actions.csv", ",RS,", ",YU,")
    replace(small.root / "data/national/DZ/offences.csv", "valid_until", "valid_untill")
    found = refused(small)
    header = {p.column: p.expected for p in found if p.row == 1}
    assert set(header) == {"valid_untill", "valid_until"}
    assert "did you mean valid_until?" in header["valid_untill"]
    codes = [p for p in found if p.row != 1]
    if codes:  # links are looked at when every table could be read
        assert [(p.file, p.row, p.column) for p in codes] == [("data/instruments/ets-189/actions.csv", number, "state")]
    replace(small.root / "data/national/DZ/offences.csv", "valid_untill", "valid_until")
    (problem,) = refused(small)
    assert (problem.file, problem.row, problem.column, problem.value) == (
        "data/instruments/ets-189/actions.csv",
        number,
        "state",
        "YU",
    )


def test_misspelt_terms_name_what_uses_them_and_the_nearest(small: Project) -> None:
    """A property and a class of a table, and a class in a module: each would match no rule and no shape."""
    schema = small.data / "schema" / "offences.json"
    replace(schema, f"{CANONICAL}ontology/newRule", f"{CANONICAL}ontology/newRul")
    replace(schema, f"{CANONICAL}ontology/NationalOffence", f"{CANONICAL}ontology/NationalOffense")
    scheme = small.ontology / "schemes" / "principles.ttl"
    replace(scheme, "lexo:JurisdictionPrinciple", "lexo:JurisdictionPrincple")
    found = sorted((p for p in refused(small) if "[undeclared-term]" in p.expected), key=lambda p: p.expected)
    named = [(p.expected.split("/ontology/")[1].split()[0], p.expected.split("did you mean ")[-1]) for p in found]
    for (written, near), right in zip(
        named,
        [
            ("JurisdictionPrincple", "JurisdictionPrinciple"),
            ("NationalOffense", "NationalOffence"),
            ("newRul", "newRule"),
        ],
        strict=True,
    ):
        assert (written, near.split("?")[0]) == right
    code, kind, rule = found
    assert code.file.startswith("id/principle/")
    for problem, column in ((kind, "type"), (rule, "new_rule")):
        assert (problem.file, problem.column) == ("data/national/DZ/offences.csv", column)
        assert problem.row is not None


# --- hygiene queries name what exists


def test_exceptions_in_hygiene_queries_name_records_that_exist() -> None:
    """A query may excuse a record by name; the record must be there, or the excuse is stale."""
    known = {
        f"{CANONICAL}id/record/action/{path.parent.name}/{row['id']}"
        for path in (project().data / "instruments").glob("*/actions.csv")
        for row in rows(path)
    }
    named = set()
    for path in sorted((project().ontology / "shapes" / "hygiene").glob("*.rq")):
        named |= set(re.findall(r"<(https://[^>\s]+/id/record/action/[^>\s]+)>", path.read_text(encoding="utf-8")))
    assert named - known == set()


def test_examples_of_hygiene_queries_use_declared_terms() -> None:
    """An example with a misspelt term would pass for the wrong reason."""
    declared = Graph()
    for path in sorted(project().ontology.rglob("*.ttl")):
        if "shapes" not in path.relative_to(project().ontology).parts:
            declared.parse(data=path.read_text(encoding="utf-8"), format="turtle")
    known = {str(s) for s in declared.subjects() if isinstance(s, URIRef)}
    folder = project().ontology / "shapes"
    wrong = set()
    for path in sorted((folder / "hygiene").glob("*.rq")):
        for kind in ("valid", "invalid"):
            example = folder / "examples" / f"{path.stem}-{kind}.ttl"
            graph = Graph().parse(data=example.read_text(encoding="utf-8"), format="turtle")
            used = {str(p) for p in graph.predicates() if str(p).startswith(f"{CANONICAL}ontology/")}
            wrong |= {(example.name, p) for p in used - known if path.stem != "undeclared-term"}
    assert wrong == set()
