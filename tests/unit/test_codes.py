"""Codes: names, everyday words and dates as users write them, and the nearest when they err."""

from __future__ import annotations

import pytest

from lexgraph.codes import Codes, InputError, fold
from lexgraph.engine import Engine


@pytest.fixture(scope="module")
def codes(engine: Engine) -> Codes:
    return engine.codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DZ", "DZ"),
        ("dz", "DZ"),
        ("DZA", "DZ"),
        ("Algeria", "DZ"),
        ("Algérie", "DZ"),
        ("algerie", "DZ"),
        ("الجزائر", "DZ"),
        ("United States", "US"),
        ("USA", "US"),
        ("Etats-Unis", "US"),
        ("united  kingdom", "GB"),
        ("Royaume-Uni", "GB"),
        ("Hong Kong", "HK"),
        ("European Union", "EU"),
        ("ICC", "ICC"),
        ("XK", "XK"),
        ("Côte d'Ivoire", "CI"),
    ],
)
def test_a_state_is_found_by_code_and_by_name_in_three_languages(codes: Codes, text: str, code: str) -> None:
    assert codes.state(text, "requesting") == code


def test_every_order_is_found_by_each_of_its_names(codes: Codes) -> None:
    shared: dict[str, set[str]] = {}
    for code, entry in codes.states.items():
        for name in entry["names"].values():
            shared.setdefault(fold(name), set()).add(code)
    lost = [
        (code, name)
        for code, entry in codes.states.items()
        for name in (code, entry["alpha3"], *entry["names"].values())
        if name and len(shared.get(fold(name), ())) < 2 and codes.state(name, "x") != code
    ]
    assert lost == []
    assert {name for name, found in shared.items() if len(found) > 1} == set()


def test_every_order_is_named_in_three_languages(codes: Codes) -> None:
    assert [c for c, entry in codes.states.items() if set(entry["names"]) != {"en", "fr", "ar"}] == []


@pytest.mark.parametrize(
    ("text", "hint"), [("Algeri", "DZ (Algeria)"), ("Germny", "DE (Germany)"), ("Untied States", "US (United States)")]
)
def test_a_misspelt_state_is_refused_with_the_nearest(codes: Codes, text: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        codes.state(text, "requested[1]")
    assert caught.value.field == "requested[1]"
    assert caught.value.value == text
    assert hint in caught.value.suggestions
    assert hint in str(caught.value)


@pytest.mark.parametrize("text", ["", " ", "??", "Q"])
def test_what_is_no_state_at_all_is_refused(codes: Codes, text: str) -> None:
    with pytest.raises(InputError):
        codes.state(text, "flag")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("hacking", {"illegal-access"}),
        ("phishing", {"computer-related-fraud", "identity-theft"}),
        ("ransomware", {"data-interference", "cyber-extortion"}),
        ("ddos", {"system-interference"}),
        ("DDoS", {"system-interference"}),
    ],
)
def test_everyday_words_resolve_with_a_note(codes: Codes, word: str, found: set[str]) -> None:
    offences, note = codes.offences(word, "offences")
    assert set(offences) == found
    assert note is not None
    assert word in note


@pytest.mark.parametrize("word", ["malware", "botnet", "data-breach", "online-fraud", "ip-theft"])
def test_more_everyday_words_are_known(codes: Codes, word: str) -> None:
    offences, note = codes.offences(word, "offences")
    assert offences
    assert note


def test_a_code_needs_no_note(codes: Codes) -> None:
    assert codes.offences("illegal-access", "offences") == (["illegal-access"], None)


def test_a_group_is_no_answerable_offence(codes: Codes) -> None:
    for group in codes.offence_groups:
        try:
            found, _ = codes.offences(group, "offences")
        except InputError:
            continue
        assert group not in found


CONTRACT = {
    *("illegal-access", "illegal-interception", "data-interference", "system-interference", "misuse-of-devices"),
    *("computer-related-forgery", "computer-related-fraud", "child-sexual-abuse-material", "solicitation-of-children"),
    *("copyright-infringement", "non-consensual-intimate-images", "racist-xenophobic-material"),
    *("racist-xenophobic-threat", "racist-xenophobic-insult", "denial-of-genocide", "cyber-terrorism"),
    *("cyber-extortion", "identity-theft", "cyber-harassment", "money-laundering", "attempt-aiding-abetting"),
    *("corporate-liability", "genocide", "crimes-against-humanity", "war-crimes", "aggression", "piracy"),
}


def test_the_offences_of_the_contract_are_all_there(codes: Codes) -> None:
    assert set(codes.kinds["offence"]) - codes.offence_groups == CONTRACT


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "principle",
            "territoriality-conduct territoriality-effects flag active-nationality passive-personality protective "
            "universality residence representation special-cyber court-territory court-nationality court-referral "
            "court-declaration",
        ),
        (
            "measure",
            "expedited-preservation partial-disclosure-traffic-data production-subscriber-info production-stored-data "
            "search-and-seizure realtime-traffic-data content-interception transborder-access extradition "
            "mutual-assistance-general spontaneous-information criminal-records-exchange joint-investigation-team "
            "direct-provider-cooperation emergency-assistance contact-24-7 video-hearing domain-registration-request "
            "police-cooperation transfer-of-proceedings",
        ),
        (
            "obstacle",
            "legal-system-difference dual-criminality-lacking treaty-gap slow-procedure sovereignty-or-public-order "
            "nationality-bar concurrent-requests no-communication-channel inadequate-law evidence-volatility "
            "jurisdictional-conflict court-out-of-reach relations-suspended",
        ),
        ("plea", "political-offence persecution health forum human-rights sovereignty-or-public-order"),
        (
            "feature",
            "leadership-role state-directed widespread-or-systematic in-armed-conflict organised-group serious-crime "
            "critical-infrastructure terrorist-purpose corporate-suspect",
        ),
    ],
)
def test_the_codes_of_the_contract_are_all_there(codes: Codes, kind: str, expected: str) -> None:
    assert set(expected.split()) <= set(codes.kinds[kind])


def test_every_code_has_a_label_in_english(codes: Codes) -> None:
    bare = [f"{kind}/{c}" for kind, found in codes.kinds.items() for c, e in found.items() if not e["labels"].get("en")]
    assert bare == []


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("measure", "Extradition", "extradition"),
        ("plea", "human rights", "human-rights"),
        ("instrument", "ets-185", "ets-185"),
    ],
)
def test_a_code_is_found_however_it_is_spelt(codes: Codes, kind: str, text: str, code: str) -> None:
    assert codes.code(kind, text, "x") == code


def test_a_misspelt_code_names_the_nearest(codes: Codes) -> None:
    with pytest.raises(InputError) as caught:
        codes.code("measure", "extraditon", "measures[0]")
    assert (caught.value.field, caught.value.suggestions[0]) == ("measures[0]", "extradition")


@pytest.mark.parametrize(
    ("text", "day", "noted"),
    [
        ("2010-07-01", "2010-07-01", False),
        ("2010-07", "2010-07-01", True),
        ("2010", "2010-01-01", True),
        (" 2010 ", "2010-01-01", True),
    ],
)
def test_a_year_or_a_month_alone_means_its_first_day(codes: Codes, text: str, day: str, noted: bool) -> None:
    found, note = codes.day(text, "as_of")
    assert found == day
    assert bool(note) is noted


@pytest.mark.parametrize(
    "text", ["2020-02-31", "2020-13", "31.12.2020", "yesterday", "", "20200101", "0000", "2020-1-1"]
)
def test_what_is_no_day_is_refused(codes: Codes, text: str) -> None:
    with pytest.raises(InputError) as caught:
        codes.day(text, "as_of")
    assert caught.value.field == "as_of"
