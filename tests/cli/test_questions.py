"""prosecute and cooperate: options to questions, answers to tables, CSV and JSON, errors to exit statuses."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import COOPERATE, PROSECUTE, Listener, run, unknown
from lexgraph import render
from lexgraph.snapshot import NoSnapshotError

# The options of the contract, to the name.
PROSECUTE_OPTIONS = [
    "--scenario",
    "--offence",
    "--conduct-date",
    "--as-of",
    "--conduct-in",
    "--effects-in",
    "--systems-in",
    "--suspect-nationality",
    "--suspect-residence",
    "--suspect-in",
    "--victim-nationality",
    "--victim-residence",
    "--victim-seat",
    "--interest",
    "--flag",
    "--feature",
    "--judged-in",
    "--complaint-by",
    "--authorised-by",
    "--extradition-refused-by",
    "--proceedings-in",
    # beyond the contract, which changes by adding
    "--suspect-seat",
    "--explain",
    "--format",
]
COOPERATE_OPTIONS = [
    "--offence",
    "--measure",
    "--as-of",
    "--conduct-date",
    "--person-nationality",
    "--feature",
    "--conduct-in",
    "--effects-in",
    "--systems-in",
    "--proceedings-in",
    "--judged-in",
    "--plea",
    # beyond the contract, which changes by adding
    "--interest",
    "--request-date",
    "--explain",
    "--format",
]


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("prosecute", PROSECUTE_OPTIONS),
        ("cooperate", COOPERATE_OPTIONS),
        (
            "routes",
            ["--measure", "--offence", "--as-of", "--conduct-date", "--person-nationality", "--format"],
        ),
        ("havens", ["--offence", "--requesting", "--as-of", "--conduct-date", "--format"]),
        ("query", ["--param", "--format"]),
        ("export", ["--what", "--as", "--out"]),
        ("build", ["--out"]),
        ("serve", ["--host", "--port"]),
        ("cases", ["--check", "--format"]),
        ("validate", []),
        ("version", []),
    ],
)
def test_options_are_those_of_the_contract(command: str, options: list[str]) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    found = set(re.findall(r"^\s+(?:-\w, )?(--[a-z-]+)", result.stdout, re.MULTILINE))
    assert found == {*options, "--help"}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from lexgraph.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pyoxigraph', 'rdflib', 'pyshacl', 'owlrl', 'fastapi', 'pyarrow', 'pydantic', 'csvw', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "prosecute" in done.stdout


# ----------------------------------------------------------------------------------------- options to questions


def test_every_option_reaches_its_field(engine: Listener) -> None:
    result = run(
        *("prosecute", "--offence", "hacking", "--offence", "ddos", "--conduct-date", "2000", "--as-of", "2001-02-03"),
        *("--conduct-in", "RU", "--effects-in", "US", "--effects-in", "CA", "--systems-in", "US"),
        *("--suspect-nationality", "RU", "--suspect-nationality", "IL", "--suspect-residence", "KZ"),
        *("--suspect-in", "GR", "--victim-nationality", "FR", "--victim-residence", "BE", "--victim-seat", "US"),
        *("--interest", "DZ", "--flag", "PA", "--feature", "organised-group", "--judged-in", "IT"),
        *("--complaint-by", "ES", "--authorised-by", "PT", "--extradition-refused-by", "GR", "--proceedings-in", "CY"),
    )
    assert result.exit_code == 0
    assert engine.asked == [
        {
            "offences": ["hacking", "ddos"],
            "conduct_date": "2000",
            "as_of": "2001-02-03",
            "conduct_in": ["RU"],
            "effects_in": ["US", "CA"],
            "systems_in": ["US"],
            "suspects": [{"nationality": ["RU", "IL"], "residence": ["KZ"], "present_in": ["GR"]}],
            "victims": [{"nationality": ["FR"], "residence": ["BE"], "established_in": ["US"]}],
            "interests": ["DZ"],
            "flag": ["PA"],
            "features": ["organised-group"],
            "judged_in": ["IT"],
            "complaint_by": ["ES"],
            "authorised_by": ["PT"],
            "extradition_refused_by": ["GR"],
            "proceedings_in": ["CY"],
        }
    ]
    assert engine.in_memory is False


def test_what_is_not_given_is_not_in_the_question(engine: Listener) -> None:
    assert run("prosecute", "--offence", "hacking").exit_code == 0
    assert engine.asked == [{"offences": ["hacking"]}]


def test_cooperate_options_reach_their_fields(engine: Listener) -> None:
    result = run(
        *("cooperate", "France", "RU,KZ", "--offence", "hacking", "--measure", "extradition", "--as-of", "2020"),
        *("--conduct-date", "2019-05", "--person-nationality", "RU", "--feature", "organised-group"),
        *("--conduct-in", "RU", "--effects-in", "FR", "--systems-in", "DE", "--proceedings-in", "KZ"),
        *("--judged-in", "BY", "--plea", "health"),
    )
    assert result.exit_code == 0
    assert engine.asked == [
        {
            "requesting": ["France"],
            "requested": ["RU", "KZ"],
            "offences": ["hacking"],
            "measures": ["extradition"],
            "as_of": "2020",
            "conduct_date": "2019-05",
            "person": {"nationality": ["RU"]},
            "features": ["organised-group"],
            "conduct_in": ["RU"],
            "effects_in": ["FR"],
            "systems_in": ["DE"],
            "proceedings_in": ["KZ"],
            "judged_in": ["BY"],
            "pleas": ["health"],
        }
    ]


def test_a_name_with_a_comma_is_one_state(engine: Listener) -> None:
    assert run("cooperate", "Korea, Republic of", "US").exit_code == 0
    assert engine.asked[0]["requesting"] == ["Korea, Republic of"]


# -------------------------------------------------------------------------------------------------- scenarios


def test_options_add_to_a_scenario(engine: Listener, tmp_path: Path) -> None:
    scenario = {
        "offences": "hacking",
        "as_of": "2000-01-01",
        "conduct_in": ["RU"],
        "suspects": [{"nationality": ["RU"], "present_in": "RU"}],
    }
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(scenario), encoding="utf-8")
    options = ["--offence", "ddos", "--conduct-in", "RU", "--conduct-in", "KZ", "--as-of", "2001", "--suspect-in", "US"]
    assert run("prosecute", "--scenario", path, *options, "--victim-seat", "US").exit_code == 0
    assert engine.asked == [
        {
            "offences": ["hacking", "ddos"],
            "as_of": "2001",
            "conduct_in": ["RU", "KZ"],
            "suspects": [{"nationality": ["RU"], "present_in": ["RU", "US"]}],
            "victims": [{"established_in": ["US"]}],
        }
    ]


def test_a_scenario_comes_from_the_standard_input(engine: Listener) -> None:
    assert run("prosecute", "--scenario", "-", stdin='\n{"offences": ["hacking"]}\n').exit_code == 0
    assert engine.asked == [{"offences": ["hacking"]}]


def test_a_case_file_is_read_for_its_scenario(engine: Listener, small: Any) -> None:
    path = sorted((small.data / "cases").glob("*.json"))[0]
    assert run("prosecute", "--scenario", path).exit_code == 0
    assert engine.asked == [json.loads(path.read_text(encoding="utf-8"))["scenario"]]


def test_a_byte_order_mark_is_no_part_of_a_scenario(engine: Listener, tmp_path: Path) -> None:
    path = tmp_path / "scenario.json"
    path.write_text('{"offences": ["hacking"]}', encoding="utf-8-sig")
    assert run("prosecute", "--scenario", path).exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("", "is not JSON"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"offences": 3}', "offences is no list"),
        ('{"offences": ["x"], "suspects": {"nationality": ["RU"]}}', "suspects is no list of objects"),
        ('{"offences": ["x"], "suspects": ["RU"]}', "suspects is no list of objects"),
        ('{"offences": ["x"], "suspects": [{}, {}]}', "has 2 suspects"),
    ],
)
def test_a_broken_scenario_is_bad_input(engine: Listener, text: str, said: str) -> None:
    result = run("prosecute", "--scenario", "-", "--offence", "ddos", "--suspect-in", "US", stdin=text)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert engine.asked == []


def test_a_scenario_that_is_not_there_is_bad_input(engine: Listener, tmp_path: Path) -> None:
    result = run("prosecute", "--scenario", tmp_path / "none.json")
    assert result.exit_code == 2
    assert "No such file" in result.stderr


# ------------------------------------------------------------------------------------------------------ errors


def test_a_question_without_offence_is_bad_input(engine: Listener) -> None:
    result = run("prosecute", "--conduct-in", "RU")
    assert result.exit_code == 2
    assert "--offence" in result.stderr


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("conduct_in", "--conduct-in"),
        ("conduct_in[1]", "--conduct-in"),
        ("offences[0]", "--offence"),
        ("suspects[0].present_in", "--suspect-in"),
        ("suspects[0].present_in[1]", "--suspect-in"),
        ("victims[0].established_in", "--victim-seat"),
        ("interests", "--interest"),
    ],
)
def test_bad_input_names_the_option_and_the_nearest(engine: Listener, field: str, shown: str) -> None:
    engine.error = unknown(field)
    result = run("prosecute", "--offence", "hacking", "--conduct-in", "Atlantis")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"lexgraph: {shown}: no state or territory is called 'Atlantis'; did you mean AT (Austria)?\n"
    )


def test_bad_input_of_a_scenario_names_the_field(engine: Listener) -> None:
    engine.error = unknown("suspects[1].present_in")
    result = run("prosecute", "--scenario", "-", stdin='{"offences": ["hacking"]}')
    assert result.exit_code == 2
    assert result.stderr.startswith("lexgraph: suspects[1].present_in: ")


def test_bad_input_of_cooperate_names_the_argument(engine: Listener) -> None:
    engine.error = unknown("requested")
    result = run("cooperate", "FR", "Atlantis")
    assert result.exit_code == 2
    assert result.stderr.startswith("lexgraph: REQUESTED: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prosecut"], "prosecute"),
        (["prosecute", "--offense", "x"], "--offence"),
        (["prosecute", "--offence", "x", "--format", "xml"], "xml"),
        (["cooperate", "FR"], "REQUESTED"),
        (["serve", "--port", "high"], "port"),
        (["serve", "--port", "70000"], "port"),
        (["export"], "--out"),
    ],
)
def test_usage_errors_are_bad_input(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("error", [NoSnapshotError("no graph is built"), OSError(5, "Input/output error", "graph")])
def test_what_is_no_fault_of_the_input_is_a_failure(engine: Listener, error: Exception) -> None:
    engine.error = error
    result = run("prosecute", "--offence", "hacking")
    assert result.exit_code == 1
    assert result.stderr.startswith("lexgraph: ")
    assert "Traceback" not in result.stderr


def test_a_bug_shows_itself(engine: Listener) -> None:
    engine.error = KeyError("a bug")
    with pytest.raises(KeyError):
        run("prosecute", "--offence", "hacking")


def test_nothing_built_is_a_failure(small: Any) -> None:
    result = run("prosecute", "--offence", "hacking")
    assert result.exit_code == 1
    assert "lexgraph build" in result.stderr


# ----------------------------------------------------------------------------------------------------- answers


def test_json_stands_alone_on_the_standard_output(engine: Listener) -> None:
    for arguments in (["prosecute", "--offence", "x"], ["cooperate", "FR", "DE"]):
        for more in ([], ["--format", "json"]):
            result = run(*arguments, *more)
            assert json.loads(result.stdout) == (PROSECUTE if arguments[0] == "prosecute" else COOPERATE)
            assert result.stdout.endswith("}\n")
            assert result.stderr == ""


def test_prosecute_csv_has_a_row_for_each_ground(engine: Listener) -> None:
    result = run("prosecute", "--offence", "x", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["jurisdiction"], row["factor"]) for row in rows] == [
        ("US", "effects_in"),
        ("US", "systems_in"),
        ("RU", ""),
    ]
    assert rows[0]["citation"] == "18 U.S.C. § 1030(e)(2)(B)"
    assert rows[0]["conditions"] == "presence-in-territory=unknown"
    assert (rows[0]["until"], rows[2]["certainty"]) == ("", "")


def test_cooperate_csv_has_a_row_for_each_basis(engine: Listener) -> None:
    rows = list(csv.DictReader(io.StringIO(run("cooperate", "FR", "DE", "--format", "csv").stdout)))
    assert [(row["measure"], row["provision"]) for row in rows] == [
        ("extradition", "ets-185/24/1"),
        ("extradition", "ets-185/24/3"),
        ("realtime-traffic-data", ""),
    ]
    assert rows[0]["live_refusal_grounds"] == "political-offence"
    assert rows[0]["possible_refusal_grounds"] == "own-national"
    assert (rows[0]["penalty_threshold_years"], rows[0]["fallback"]) == ("1", "extradite-or-prosecute")
    assert (rows[2]["status"], rows[2]["obstacles"]) == ("no-basis", "treaty-gap")


def test_prosecute_table(engine: Listener) -> None:
    text = run("prosecute", "--offence", "x", "--format", "table").stdout
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= render.WIDTH
    for part in (
        "illegal-access, cyber-extortion; conduct 2000-06-01; as of 2000-11-10",
        "note: 'hacking' is read as illegal-access",
        "United States",
        "established",
        "presence-in-",
        "unknown",
        "Duty to consult: untoc/15/5 (US, RU)",
        "Factor suspect-present: RU",
        "treaty-gap (US, RU): nothing binds both",
        "2026.1.1+test",
    ):
        assert part in text
    # Two grounds that differ in the factor alone are one row; what looks like markup is text.
    assert text.count("18 U.S.C.") == 1
    assert "[bold]" in text


def test_cooperate_table(engine: Listener) -> None:
    text = run("cooperate", "FR", "DE", "--format", "table").stdout
    assert max(map(len, text.splitlines())) <= render.WIDTH
    for part in (
        "FR asks DE",
        "refusable",
        "art. 24(3)",
        "weeks",
        "dual criminality:",
        "1 year or more:",
        "political-",
        "no-basis",
        "nationality-bar: Germany does not extradite its nationals [extradition]",
        "extradition: extradite-or-prosecute, Budapest Convention, art. 24(6)",
        "treaty-gap: nothing binds both [realtime-traffic-data]",
        "INTERPOL",
    ):
        assert part in text
    assert "own-national" not in text
    assert "Live refusals" in text
    assert text.count("Budapest") == 2


def test_a_column_of_nothing_is_left_out(engine: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = {**COOPERATE, "answers": COOPERATE["answers"][1:]}
    monkeypatch.setattr(engine, "cooperate", lambda _: calm)
    text = run("cooperate", "FR", "DE", "--format", "table").stdout
    assert "Live refusals" not in text
    assert "no-basis" in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_and_not_against_the_users_will(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = render.prosecute_table(PROSECUTE)
    terminal, pipe, plain = Terminal(), io.StringIO(), Terminal()
    render.console(terminal).print(shown)
    render.console(pipe).print(shown)
    monkeypatch.setenv("NO_COLOR", "1")
    render.console(plain).print(shown)
    assert "\x1b[32m" in terminal.getvalue()
    assert "\x1b" not in pipe.getvalue()
    assert "\x1b" not in plain.getvalue()


def test_an_answer_with_nobody_in_it_is_an_answer(engine: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = {**PROSECUTE, "answers": [], "concurrence": {"states": [], "duties": [], "factors": []}, "obstacles": []}
    monkeypatch.setattr(engine, "prosecute", lambda _: empty)
    assert "nobody" in run("prosecute", "--offence", "x", "--format", "table").stdout
    result = run("prosecute", "--offence", "x", "--format", "csv")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    code = "import sys\nfrom lexgraph.cli import main\nsys.argv = ['lexgraph', 'cases', '--format', 'json']\nmain()\n"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read().decode()
    process.wait()
    process.stderr.close()
    assert "Traceback" not in said


def test_a_poor_locale_does_not_stop_an_answer() -> None:
    """JSON is UTF-8 whatever the locale; what a table cannot show is a question mark."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    for name, encoding in (("json", "utf-8"), ("table", "ascii")):
        code = (
            f"import sys\nfrom lexgraph.cli import main\nsys.argv = ['lexgraph', 'cases', '--format', '{name}']\nmain()"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
        assert done.stdout.decode(encoding)


# ---------------------------------------------------------------------------------------------------- progress


def test_steps_tell_slow_steps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("lexgraph.render.time.monotonic", lambda: clock[0])
    out = io.StringIO()
    with render.Steps(out) as steps:
        steps("quick", 0.0, "")
        steps("quick", 1.0, "")
        steps("slow", 0.0, "")
        clock[0] += 1.5
        steps("slow", 0.5, "half")
        steps("slow", 0.7, "more")
        clock[0] += 1.0
        steps("slow", 1.0, "")
    assert out.getvalue() == "slow ...\nslow: 2.5 s\n"


def test_steps_are_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with render.Steps(out) as steps:
        steps("tables", 0.0, "")
        steps("tables", 0.5, "[red]data/x.csv")
        steps("tables", 1.0, "")
    assert "tables" in out.getvalue()
