"""Traps: what a reader of treaties gets wrong first, and what must not change an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexgraph.engine import Engine
from lexgraph.settings import ID, ONTOLOGY

Answer = dict[str, Any]
Prosecute = Callable[..., dict[str, Answer]]
Cooperate = Callable[..., Answer]

GROUND_ORDER = ["established", "conditional", "treaty-based", "presumed", "unknown", "excluded"]


def instruments(answer: Answer, *statuses: str) -> set[str]:
    return {b["instrument"] for b in answer["bases"] if not statuses or b["status"] in statuses}


def codes(found: list[dict[str, Any]]) -> set[str]:
    return {entry["code"] for entry in found}


def party(engine: Engine, instrument: str, state: str, day: str) -> bool:
    return state in {p["code"] for p in engine.instrument(instrument, day)["parties"]}


def member(engine: Engine, organisation: str, state: str, day: str) -> bool:
    rows = engine.store.select(
        f"PREFIX lexo: <{ONTOLOGY}> SELECT ?from ?until WHERE {{ ?m a lexo:Membership ; "
        f"lexo:organisation <{ID}organisation/{organisation}> ; lexo:party <{ID}state/{state}> ; "
        "lexo:from ?from ; lexo:until ?until }"
    )
    return any(row["from"] <= day < row["until"] for row in rows)


# --- signed, ratified, in force, denounced


@pytest.mark.parametrize("state", ["ZA", "IE"])
def test_a_signature_does_not_bind(engine: Engine, cooperate: Cooperate, state: str) -> None:
    assert not party(engine, "ets-185", state, "2015-01-01")
    assert "ets-185" not in instruments(cooperate("US", state, "mutual-assistance-general", "2015-01-01"))
    assert "ets-185" not in instruments(cooperate("US", state, "expedited-preservation", "2015-01-01"))


def test_a_bilateral_treaty_that_is_only_signed_is_no_basis(cooperate: Cooperate) -> None:
    # Signed in 2017, never ratified by France.
    answer = cooperate("FR", "HK", "extradition", "2019-06-01")
    assert "bilateral:FR-HK:extradition:2017" not in instruments(answer)


@pytest.mark.parametrize("day", ["2010-03-15", "2010-06-30"])
def test_a_ratification_binds_only_from_its_entry_into_force(engine: Engine, day: str) -> None:
    assert not party(engine, "ets-185", "AZ", day)


@pytest.mark.parametrize("state", ["RS", "JP", "HU"])
def test_an_instrument_that_is_not_in_force_binds_nobody_who_ratified_it(engine: Engine, state: str) -> None:
    # The second protocol wants five ratifications.
    assert not party(engine, "cets-224", state, "2026-03-01")


@pytest.mark.parametrize(
    ("state", "last", "first_free"), [("BI", "2017-10-26", "2017-10-27"), ("PH", "2019-03-16", "2019-03-17")]
)
def test_the_court_keeps_the_conduct_before_a_withdrawal_took_effect(
    engine: Engine, prosecute: Prosecute, state: str, last: str, first_free: str
) -> None:
    facts = {
        "offences": ["crimes-against-humanity"],
        "conduct_in": [state],
        "features": ["widespread-or-systematic"],
        "as_of": "2026-01-01",
    }
    assert party(engine, "rome-statute", state, last)
    assert not party(engine, "rome-statute", state, first_free)
    # The day of the conduct counts, not that of the question (art. 127(2)).
    assert prosecute(**facts, conduct_date=last)["ICC"]["status"] == "conditional"
    after = prosecute(**facts, conduct_date=first_free)["ICC"]
    assert after["status"] == "excluded"
    assert "too-late" in {(g["excluded_by"] or {}).get("code") for g in after["grounds"]}


@pytest.mark.parametrize(("day", "bound"), [("2024-05-18", True), ("2024-05-19", False)])
def test_cooperation_ends_with_the_denunciation_whenever_the_act_was_done(
    engine: Engine, cooperate: Cooperate, day: str, bound: bool
) -> None:
    # For a request it is the day of the request that counts.
    assert party(engine, "minsk-1993", "UA", day) is bound
    answer = cooperate("UA", "KZ", "extradition", day, conduct_date="2015-01-01")
    assert ("minsk-1993" in instruments(answer)) is bound
    assert party(engine, "minsk-1993", "KZ", day)


def test_a_treaty_replaced_by_a_younger_one_ends_with_it(cooperate: Cooperate) -> None:
    before = instruments(cooperate("FR", "US", "extradition", "2002-01-31"))
    after = instruments(cooperate("FR", "US", "extradition", "2002-02-01"))
    assert "bilateral:FR-US:extradition:1909" in before - after
    assert "bilateral:FR-US:extradition:1996" in after - before


# --- reservations, protocols, national law


def test_a_reservation_on_jurisdiction_over_nationals_touches_nothing_else(
    prosecute: Prosecute, cooperate: Cooperate
) -> None:
    facts = {"offences": ["illegal-access"], "conduct_date": "2020-01-01", "as_of": "2020-06-01"}
    abroad = prosecute(**facts, conduct_in=["RU"], suspects=[{"nationality": ["CA"]}])["CA"]
    assert not [g for g in abroad["grounds"] if g["status"] == "treaty-based"]
    home = prosecute(**facts, conduct_in=["CA"])["CA"]
    assert "ets-185" in {g["basis"]["instrument"] for g in home["grounds"] if g["status"] == "treaty-based"}
    assert "ets-185" in instruments(cooperate("FR", "CA", "mutual-assistance-general", "2020-06-01"), "available")
    # Without the reservation the treaty obliges.
    other = prosecute(**facts, conduct_in=["RU"], suspects=[{"nationality": ["DE"]}])["DE"]
    assert [g for g in other["grounds"] if g["basis"]["instrument"] == "ets-185" and g["status"] == "treaty-based"]


def test_a_ground_that_a_reservation_removes_is_shown_as_excluded(prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "conduct_date": "2020-01-01", "as_of": "2020-06-01"}
    answer = prosecute(**facts, conduct_in=["RU"], suspects=[{"nationality": ["CA"]}])["CA"]
    assert answer["status"] == "excluded"
    (ground,) = [g for g in answer["grounds"] if g["basis"]["instrument"] == "ets-185"]
    assert (ground["principle"], ground["status"]) == ("active-nationality", "excluded")
    assert "reserv" in ground["excluded_by"]["why"]


def test_a_protocol_binds_its_parties_only_and_lends_them_the_convention(cooperate: Cooperate) -> None:
    def covered(requesting: str, requested: str, day: str) -> set[str]:
        # A convention that adds its offences to an extradition treaty covers them without being the basis.
        answer = cooperate(requesting, requested, "extradition", day, offences=["racist-xenophobic-material"])
        return instruments(answer, "available", "conditional", "refusable", "barred", "superseded")

    # Switzerland and the United States are parties to the convention without the protocol.
    assert not covered("CH", "FR", "2012-11-01") & {"ets-185", "ets-189"}
    assert not covered("FR", "US", "2012-11-01") & {"ets-185", "ets-189"}
    assert "ets-189" in covered("UA", "FR", "2012-11-01")
    # Germany: from 2011-10-01.
    assert "ets-189" not in covered("DE", "FR", "2011-09-30")
    assert "ets-189" in covered("DE", "FR", "2011-10-01")


@pytest.mark.parametrize(
    ("state", "day", "status", "criminal"),
    [
        ("HR", "2004-06-30", "presumed", "unknown"),
        ("HR", "2004-07-01", "treaty-based", "treaty-implied"),
        ("HR", "2004-09-30", "treaty-based", "treaty-implied"),
        ("HR", "2004-10-01", "established", "criminalised"),
        ("LT", "2004-07-26", "treaty-based", "treaty-implied"),
        # Its article asks for a breach of security, an element that the convention allows (art. 2).
        ("LT", "2004-07-27", "established", "criminalised"),
    ],
)
def test_national_law_later_than_the_treaty(
    prosecute: Prosecute, state: str, day: str, status: str, criminal: str
) -> None:
    answer = prosecute(offences=["illegal-access"], conduct_in=[state], conduct_date=day, as_of="2010-01-01")[state]
    assert answer["status"] == status
    assert [c["status"] for c in answer["criminalisation"]] == [criminal]


# --- no data is not "no"


def test_a_state_without_records_is_unknown_not_excluded(prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "conduct_date": "2010-01-01", "as_of": "2010-06-01"}
    answers = prosecute(**facts, effects_in=["TV"], suspects=[{"nationality": ["SO"]}])
    assert answers["SO"]["status"] == "unknown"
    assert [c["status"] for c in answers["SO"]["criminalisation"]] == ["unknown"]
    # Territory: custom speaks where no law is recorded.
    assert answers["TV"]["status"] == "presumed"


def test_no_record_of_a_treaty_is_unknown_and_a_recorded_absence_is_no_basis(cooperate: Cooperate) -> None:
    # The list of treaties of the United States was read in June 2013; their law requires a treaty.
    assert cooperate("AF", "US", "extradition", "2013-06-01")["status"] == "no-basis"
    assert cooperate("AF", "US", "extradition", "2016-01-01")["status"] == "unknown"
    nothing = cooperate("KI", "SO", "extradition", "2013-06-01")
    assert nothing["status"] == "unknown"
    assert nothing["certainty"] is None


def test_a_fact_not_given_is_unknown_and_never_false(prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "interests": ["DZ"], "conduct_date": "2010-03-01", "as_of": "2010-06-01"}
    # Nobody said who did it: that he is a foreigner stays open.
    assert prosecute(**facts)["DZ"]["status"] == "conditional"


# --- nationals


def test_russia_keeps_its_nationals_and_is_to_try_them_at_home(cooperate: Cooperate) -> None:
    answer = cooperate("FR", "RU", "extradition", "2008-06-01", person={"nationality": ["RU"]})
    assert answer["status"] == "barred"
    assert answer["fallback"]["code"] == "extradite-or-prosecute"
    assert answer["fallback"]["basis"]["provision"] == "ets-024/6/2"


def test_a_second_nationality_of_the_requested_state_is_enough(cooperate: Cooperate) -> None:
    answer = cooperate("FR", "RU", "extradition", "2008-06-01", person={"nationality": ["IL", "RU"]})
    assert answer["status"] == "barred"


def test_a_bar_on_nationals_stops_no_assistance(cooperate: Cooperate) -> None:
    answer = cooperate("FR", "RU", "mutual-assistance-general", "2008-06-01", person={"nationality": ["RU"]})
    assert answer["status"] == "available"
    assert "ets-030" in instruments(answer, "available")
    assert answer["bars"] == []


# --- memberships and unions


@pytest.mark.parametrize(
    ("day", "here", "gone"),
    [("2020-12-31", "eu-fd-2002-584", "eu-uk-tca"), ("2021-01-01", "eu-uk-tca", "eu-fd-2002-584")],
)
@pytest.mark.parametrize(("requesting", "requested"), [("FR", "GB"), ("GB", "FR")])
def test_the_warrant_ends_for_the_united_kingdom_with_the_transition(
    engine: Engine, cooperate: Cooperate, requesting: str, requested: str, day: str, here: str, gone: str
) -> None:
    answer = cooperate(requesting, requested, "extradition", day)
    assert answer["status"] == "available"
    assert here in instruments(answer, "available")
    assert gone not in instruments(answer)
    assert {b["status"] for b in answer["bases"] if b["instrument"] == "ets-024"} == {"superseded"}
    assert party(engine, "eu-directive-2013-40", "GB", day) is (day == "2020-12-31")


def test_the_agreement_with_the_union_binds_no_two_members_to_each_other(cooperate: Cooperate) -> None:
    assert "eu-uk-tca" not in instruments(cooperate("FR", "DE", "extradition", "2022-01-01"))


@pytest.mark.parametrize(("day", "member"), [("2013-06-30", False), ("2013-07-01", True)])
def test_a_treaty_of_the_union_expands_over_the_members_of_the_day(
    cooperate: Cooperate, day: str, member: bool
) -> None:
    for asking, treaty in (("JP", "bilateral:EU-JP:mla:2009"), ("US", "bilateral:EU-US:mla:2003")):
        assert (treaty in instruments(cooperate(asking, "HR", "mutual-assistance-general", day))) is member
        assert treaty in instruments(cooperate(asking, "AT", "mutual-assistance-general", day))


@pytest.mark.parametrize(("day", "member"), [("2020-01-31", True), ("2021-01-01", False)])
def test_a_treaty_of_the_union_leaves_a_member_that_left(cooperate: Cooperate, day: str, member: bool) -> None:
    answer = cooperate("JP", "GB", "mutual-assistance-general", day)
    assert ("bilateral:EU-JP:mla:2009" in instruments(answer)) is member


@pytest.mark.parametrize(("day", "warrant"), [("2003-06-01", False), ("2010-06-01", True)])
@pytest.mark.parametrize(("requesting", "requested"), [("DE", "FR"), ("FR", "DE")])
def test_union_law_takes_the_place_of_the_convention_between_members(
    cooperate: Cooperate, requesting: str, requested: str, day: str, warrant: bool
) -> None:
    # German law of 2003 covered access in part only; damage to data is a crime in both, then and later.
    answer = cooperate(requesting, requested, "extradition", day, offences=["data-interference"])
    assert answer["status"] == "available"
    assert ("eu-fd-2002-584" in instruments(answer, "available")) is warrant
    convention = [b for b in answer["bases"] if b["instrument"] == "ets-024"]
    assert {b["status"] for b in convention} == {"superseded" if warrant else "available"}
    # With a state outside the Union the convention stays.
    outside = cooperate("CH", requested, "extradition", day, offences=["data-interference"])
    assert "ets-024" in instruments(outside, "available")
    assert "eu-fd-2002-584" not in instruments(outside)


# --- suspension


@pytest.mark.parametrize(("day", "suspended"), [("2020-08-18", False), ("2020-08-19", True)])
def test_a_suspended_treaty_is_no_basis_and_says_so(cooperate: Cooperate, day: str, suspended: bool) -> None:
    answer = cooperate("US", "HK", "extradition", day, offences=["data-interference"])
    assert ("bilateral:HK-US:extradition:1996" in instruments(answer)) is not suspended
    assert ("relations-suspended" in codes(answer["obstacles"])) is suspended
    assert (answer["status"] == "available") is not suspended


def test_a_suspension_towards_one_state_leaves_the_others(cooperate: Cooperate) -> None:
    answer = cooperate("US", "SG", "extradition", "2021-01-01", offences=["data-interference"])
    assert "relations-suspended" not in codes(answer["obstacles"])


# --- the first day, and the day before it


@pytest.mark.parametrize(
    ("state", "signed", "day_before", "first_day"),
    [
        # Poland and Sweden signed in 2001; Ecuador, Rwanda and New Zealand acceded.
        ("PL", "2001-11-23", "2015-05-31", "2015-06-01"),
        ("SE", "2001-11-23", "2021-07-31", "2021-08-01"),
        ("EC", None, "2025-03-31", "2025-04-01"),
        ("RW", None, "2025-04-30", "2025-05-01"),
        ("NZ", None, "2025-11-30", "2025-12-01"),
    ],
)
def test_only_the_entry_into_force_opens_a_treaty(
    engine: Engine, cooperate: Cooperate, state: str, signed: str | None, day_before: str, first_day: str
) -> None:
    for day in [d for d in (signed, day_before) if d]:
        assert not party(engine, "ets-185", state, day)
        assert "ets-185" not in instruments(cooperate("CH", state, "expedited-preservation", day))
    assert party(engine, "ets-185", state, first_day)
    assert "ets-185" in instruments(cooperate("CH", state, "expedited-preservation", first_day), "available")
    # It opens for requests of that day, whenever the act was done.
    old = cooperate("CH", state, "expedited-preservation", first_day, conduct_date="2014-01-01")
    assert "ets-185" in instruments(old)


@pytest.mark.parametrize(("day", "bound"), [("2025-01-28", True), ("2025-01-29", False)])
def test_leaving_the_organisation_ends_its_convention(cooperate: Cooperate, day: str, bound: bool) -> None:
    # Burkina Faso, Mali and the Niger left ECOWAS; Senegal stayed.
    for state in ("BF", "ML", "NE"):
        answer = cooperate("NG", state, "extradition", day, conduct_date="2020-01-01")
        assert ("ecowas-extradition-1994" in instruments(answer)) is bound
        assert ("ecowas-extradition-1994" in instruments(cooperate(state, "NG", "extradition", day))) is bound
    assert "ecowas-extradition-1994" in instruments(cooperate("NG", "SN", "extradition", day))


# --- reservations on jurisdiction


def test_a_reservation_within_the_limits_of_own_law_leaves_jurisdiction_open_and_assistance_whole(
    prosecute: Prosecute, cooperate: Cooperate
) -> None:
    # The United States reserved art. 22(1)(b)-(d); Germany did not.
    facts = {"offences": ["illegal-access"], "conduct_in": ["FR"], "conduct_date": "2019-01-01", "as_of": "2020-01-01"}

    def duty(state: str) -> str:
        answer = prosecute(**facts, suspects=[{"nationality": [state]}])[state]
        (ground,) = [g for g in answer["grounds"] if g["basis"]["provision"] == "ets-185/22/1/d"]
        return str(ground["status"])

    assert duty("US") == "unknown"
    assert duty("DE") == "treaty-based"
    for measure in ("expedited-preservation", "mutual-assistance-general"):
        assert "ets-185" in instruments(cooperate("FR", "US", measure, "2020-01-01"), "available")


# --- territories


@pytest.mark.parametrize(
    ("state", "territories"),
    [
        ("DK", ["FO", "GL"]),  # excluded by declaration
        ("NL", ["AW", "CW", "SX", "BQ"]),  # accepted for the Kingdom in Europe
        ("GB", ["GG", "JE", "IM", "GI", "BM"]),
        ("FR", ["NC", "PF"]),
    ],
)
def test_a_territory_is_not_reached_by_what_binds_its_state(
    engine: Engine, cooperate: Cooperate, state: str, territories: list[str]
) -> None:
    day = "2020-01-01"
    assert party(engine, "ets-185", state, day)
    assert cooperate("US", state, "expedited-preservation", day)["status"] == "available"
    for territory in territories:
        assert not party(engine, "ets-185", territory, day)
        answer = cooperate("US", territory, "expedited-preservation", day)
        assert "ets-185" not in instruments(answer)
        # Not reached is not refused: nothing is known of its own law.
        assert answer["status"] == "unknown"
        assert "eu-fd-2002-584" not in instruments(cooperate("DE", territory, "extradition", day))


@pytest.mark.parametrize(
    ("territory", "day_before", "first_day"), [("MO", "2003-10-22", "2003-10-23"), ("HK", "2006-09-26", "2006-09-27")]
)
def test_a_recorded_extension_reaches_a_territory_from_its_day(
    engine: Engine, cooperate: Cooperate, territory: str, day_before: str, first_day: str
) -> None:
    for day, bound in ((day_before, False), (first_day, True)):
        assert party(engine, "untoc", territory, day) is bound
        answer = cooperate("FR", territory, "mutual-assistance-general", day)
        assert ("untoc" in instruments(answer)) is bound


def test_a_treaty_of_a_territory_is_none_of_its_state(cooperate: Cooperate) -> None:
    day = "2019-01-01"
    hong_kong = "bilateral:HK-US:extradition:1996"
    assert hong_kong in instruments(cooperate("US", "HK", "extradition", day))
    assert hong_kong not in instruments(cooperate("US", "CN", "extradition", day))
    cayman = "bilateral:KY-US:mla:1986"
    assert cayman in instruments(cooperate("US", "KY", "mutual-assistance-general", day))
    assert cayman not in instruments(cooperate("US", "GB", "mutual-assistance-general", day))


def test_an_act_in_a_territory_is_judged_by_its_own_law(prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "conduct_date": "2020-01-01", "as_of": "2020-06-01"}
    hong_kong = prosecute(**facts, conduct_in=["HK"])
    assert set(hong_kong) == {"HK"}
    assert all(g["basis"]["instrument"].startswith(("hk-", "custom")) for g in hong_kong["HK"]["grounds"])
    # Nothing is recorded of Greenland: custom alone speaks, and not Danish law.
    assert prosecute(**facts, conduct_in=["DK"])["DK"]["status"] == "established"
    greenland = prosecute(**facts, conduct_in=["GL"])
    assert set(greenland) == {"GL"}
    assert greenland["GL"]["status"] == "presumed"


# --- states that not all recognise, and that are no member of the United Nations


@pytest.mark.parametrize(
    ("state", "counterpart", "measure", "treaty", "day_before", "first_day"),
    [
        ("XK", "US", "extradition", "bilateral:US-XK:extradition:2016", "2019-06-12", "2019-06-13"),
        ("XK", "CH", "mutual-assistance-general", "bilateral:CH-XK:mla:2022", "2023-08-12", "2023-08-13"),
        ("TW", "US", "mutual-assistance-general", "bilateral:TW-US:mla:2002", "2002-03-25", "2002-03-26"),
        ("PS", "JO", "mutual-assistance-general", "arab-2010", "2014-02-05", "2014-02-06"),
    ],
)
def test_what_they_concluded_binds_them_like_others(
    cooperate: Cooperate, state: str, counterpart: str, measure: str, treaty: str, day_before: str, first_day: str
) -> None:
    assert treaty not in instruments(cooperate(counterpart, state, measure, day_before))
    assert treaty in instruments(cooperate(counterpart, state, measure, first_day), "available")
    assert treaty in instruments(cooperate(state, counterpart, measure, first_day))


@pytest.mark.parametrize("state", ["XK", "TW", "PS", "HK"])
def test_none_of_them_is_reached_by_a_convention_that_it_did_not_join(
    engine: Engine, cooperate: Cooperate, state: str
) -> None:
    for instrument in ("ets-185", "ets-024", "ets-030"):
        assert not party(engine, instrument, state, "2025-01-01")
    assert not {"ets-185", "ets-030"} & instruments(cooperate("FR", state, "mutual-assistance-general", "2025-01-01"))


def test_between_states_that_do_not_recognise_each_other_nothing_is_invented(cooperate: Cooperate) -> None:
    for requesting, requested in (("RS", "XK"), ("CN", "XK"), ("XK", "RS")):
        answer = cooperate(requesting, requested, "extradition", "2020-08-01")
        # Not `no-basis`: that nothing exists is not documented.
        assert answer["status"] in {"unknown", "reciprocity"}
        assert not [b for b in answer["bases"] if b["kind"] in {"treaty", "union-law"}]
    assert cooperate("RS", "XK", "extradition", "2020-08-01")["status"] == "unknown"


def test_their_criminal_law_is_read_like_any_other(prosecute: Prosecute) -> None:
    facts = {"offences": ["illegal-access"], "conduct_date": "2020-01-01", "as_of": "2020-06-01"}
    for state in ("XK", "TW", "PS", "HK"):
        answer = prosecute(**facts, conduct_in=[state])[state]
        assert answer["status"] == "established"
        assert "national" in {g["basis"]["kind"] for g in answer["grounds"] if g["status"] == "established"}


# --- the same name, other elements


@pytest.mark.parametrize(
    ("state", "fraud", "status", "extradition"),
    [
        # A general fraud article deceives a person; art. 263a of Germany and 18 U.S.C. § 1030(a)(4) need none.
        ("FR", "partly", "conditional", "conditional"),
        ("NL", "partly", "conditional", "conditional"),
        ("DE", "criminalised", "established", "available"),
        ("US", "criminalised", "established", "available"),
    ],
)
def test_fraud_on_a_person_is_computer_fraud_only_in_part(
    prosecute: Prosecute, cooperate: Cooperate, state: str, fraud: str, status: str, extradition: str
) -> None:
    facts = {"conduct_in": [state], "conduct_date": "2020-01-01", "as_of": "2020-01-01"}
    answer = prosecute(offences=["computer-related-fraud"], **facts)[state]
    assert (answer["criminalisation"][0]["status"], answer["status"]) == (fraud, status)
    asked = cooperate("CH", state, "extradition", "2020-01-01", offences=["computer-related-fraud"])
    assert asked["status"] == extradition
    # Access is a crime of its own in all four.
    assert prosecute(offences=["illegal-access"], **facts)[state]["status"] == "established"


# --- nationals who are not handed over


@pytest.mark.parametrize(("nationality", "there", "fallback"), [(["RU"], "barred", True), (["IL"], "available", False)])
def test_who_is_not_handed_over_for_his_nationality_is_to_be_tried_there(
    prosecute: Prosecute, cooperate: Cooperate, nationality: list[str], there: str, fallback: bool
) -> None:
    offence = {"offences": ["data-interference"], "conduct_date": "2018-01-01"}
    answer = cooperate("CH", "RU", "extradition", "2019-01-01", **offence, person={"nationality": nationality})
    assert (answer["fallback"] is not None) is fallback
    assert (answer["status"] == "barred") is (there == "barred")
    # And its own law gives it the jurisdiction that the duty needs.
    suspects = [{"nationality": nationality, "present_in": ["RU"]}]
    refused = {"extradition_refused_by": ["RU"]} if fallback else {}
    home = prosecute(**offence, as_of="2019-01-01", conduct_in=["CH"], suspects=suspects, **refused)["RU"]
    own = [g for g in home["grounds"] if g["principle"] == "active-nationality" and g["status"] != "excluded"]
    assert bool(own) is fallback


@pytest.mark.parametrize(
    ("refused_by", "status"), [([], "conditional"), (["FR"], "conditional"), (["AT"], "established")]
)
def test_representation_waits_for_the_refusal_of_its_own_state(
    prosecute: Prosecute, refused_by: list[str], status: str
) -> None:
    # Austrian Criminal Code s. 65(1) no. 2.
    answer = prosecute(
        offences=["illegal-access"],
        conduct_in=["FR"],
        suspects=[{"nationality": ["RU"], "present_in": ["AT"]}],
        extradition_refused_by=refused_by,
        conduct_date="2019-01-01",
        as_of="2020-01-01",
    )["AT"]
    assert answer["status"] == status
    (own,) = [g for g in answer["grounds"] if g["basis"]["instrument"].startswith("at-")]
    assert (own["principle"], own["status"]) == ("representation", status)


def test_the_treaty_duty_to_try_nationals_is_no_duty_towards_foreigners(prosecute: Prosecute) -> None:
    # ETS 185 arts 22(3) and 24(6): only where nationality is the reason.
    facts = {"offences": ["illegal-access"], "conduct_in": ["FR"], "conduct_date": "2019-01-01", "as_of": "2020-01-01"}

    def duty(nationality: str) -> set[str]:
        suspects = [{"nationality": [nationality], "present_in": ["US"]}]
        answer = prosecute(**facts, suspects=suspects, extradition_refused_by=["US"])["US"]
        return {g["status"] for g in answer["grounds"] if g["basis"]["provision"] in {"ets-185/22/3", "ets-185/24/6"}}

    assert duty("US") == {"treaty-based"}
    assert duty("RU") == {"excluded"}


# --- succession of states


@pytest.mark.parametrize(
    ("state", "instrument", "day_before", "first_day"),
    [
        # Czechia and Slovakia go on with what bound Czechoslovakia from their first day.
        ("CZ", "ets-024", "1992-12-31", "1993-01-01"),
        ("SK", "ets-024", "1992-12-31", "1993-01-01"),
        ("CZ", "ets-030", "1992-12-31", "1993-01-01"),
        # Serbia goes on with Serbia and Montenegro; Montenegro succeeds to it on its own day.
        ("RS", "ets-024", "2002-12-28", "2002-12-29"),
        ("ME", "ets-024", "2006-06-05", "2006-06-06"),
        ("ME", "untoc", "2006-06-02", "2006-06-03"),
        # What followed the Soviet Union acceded anew.
        ("RU", "ets-024", "2000-03-08", "2000-03-09"),
        ("UA", "ets-024", "1998-06-08", "1998-06-09"),
        ("HR", "ets-024", "1995-04-24", "1995-04-25"),
    ],
)
def test_a_successor_is_bound_from_its_own_day(
    engine: Engine, cooperate: Cooperate, state: str, instrument: str, day_before: str, first_day: str
) -> None:
    measure = "mutual-assistance-general" if instrument == "ets-030" else "extradition"
    for day, bound in ((day_before, False), (first_day, True)):
        assert party(engine, instrument, state, day) is bound
        answer = cooperate("FR", state, measure, day, offences=["computer-related-fraud"])
        assert (instrument in instruments(answer)) is bound


def test_a_successor_takes_the_status_of_a_party_at_independence_not_before(engine: Engine) -> None:
    # The federation that Montenegro left was a party to the Rome Statute from 2002.
    assert party(engine, "rome-statute", "RS", "2002-07-01")
    assert not party(engine, "rome-statute", "ME", "2006-06-02")
    assert party(engine, "rome-statute", "ME", "2006-06-03")
    assert party(engine, "rome-statute", "RS", "2006-06-03")


@pytest.mark.parametrize(
    ("state", "treaty"),
    [
        ("CZ", "bilateral:CZ-US:extradition:1925"),
        ("SK", "bilateral:SK-US:extradition:1925"),
        ("RS", "bilateral:RS-US:extradition:1901"),
        ("HR", "bilateral:HR-US:extradition:1901"),
        ("ME", "bilateral:ME-US:extradition:1901"),
    ],
)
def test_a_bilateral_treaty_of_the_predecessor_goes_on(cooperate: Cooperate, state: str, treaty: str) -> None:
    answer = cooperate("US", state, "extradition", "2008-01-01", offences=["computer-related-fraud"])
    assert treaty in instruments(answer)
    # The Soviet Union had none with the United States: its successors inherit none.
    for other in ("RU", "UA", "KZ"):
        found = cooperate("US", other, "extradition", "2008-01-01", offences=["computer-related-fraud"])
        assert not [i for i in instruments(found) if i.startswith("bilateral:")]


# --- a membership that ended before what came with it


@pytest.mark.parametrize("day", ["2020-01-31", "2020-02-01", "2020-12-31"])
@pytest.mark.parametrize(("requesting", "requested"), [("PL", "GB"), ("GB", "PL")])
def test_the_warrant_outlives_the_membership_until_the_transition_ends(
    engine: Engine, cooperate: Cooperate, requesting: str, requested: str, day: str
) -> None:
    assert member(engine, "eu", "GB", day) is (day == "2020-01-31")
    assert party(engine, "eu-fd-2002-584", "GB", day)
    found = instruments(cooperate(requesting, requested, "extradition", day))
    assert "eu-fd-2002-584" in found
    assert "eu-uk-tca" not in found


@pytest.mark.parametrize(("day", "status"), [("2020-12-31", "available"), ("2021-01-01", "barred")])
def test_with_the_warrant_went_the_surrender_of_german_nationals(cooperate: Cooperate, day: str, status: str) -> None:
    # The agreement lets a member notify that it keeps its nationals (art. 603): Germany did, Ireland did not.
    german = cooperate("GB", "DE", "extradition", day, person={"nationality": ["DE"]})
    assert german["status"] == status
    assert ("nationality-bar" in codes(german["bars"])) is (status == "barred")
    assert (german["fallback"] is not None) is (status == "barred")
    assert cooperate("GB", "IE", "extradition", day, person={"nationality": ["IE"]})["status"] == "available"
    assert cooperate("GB", "DE", "extradition", day, person={"nationality": ["GB"]})["status"] == "available"


# --- what must not change an answer

STATES = ["FR", "DE", "DZ", "US", "RU", "GB", "CA", "TV", "JP", "BR"]
OFFENCES = ["illegal-access", "data-interference", "computer-related-fraud", "racist-xenophobic-material"]
several = st.lists(st.sampled_from(STATES), unique=True, max_size=3)
FACTS = st.fixed_dictionaries(
    {
        "offences": st.lists(st.sampled_from(OFFENCES), unique=True, min_size=1, max_size=3),
        "conduct_date": st.sampled_from(["1999-01-01", "2004-07-01", "2010-03-01", "2021-01-01"]),
        "conduct_in": several,
        "effects_in": several,
        "systems_in": several,
        "interests": several,
        "judged_in": several,
        "features": st.lists(st.sampled_from(["organised-group", "state-directed", "in-armed-conflict"]), unique=True),
        "suspects": st.lists(
            st.fixed_dictionaries({"nationality": several, "present_in": several}), min_size=0, max_size=2
        ),
        "victims": st.lists(st.fixed_dictionaries({"nationality": several}), min_size=0, max_size=2),
    }
)


def turned(value: Any) -> Any:
    """The same facts with every list the other way round."""
    if isinstance(value, list):
        return [turned(v) for v in reversed(value)]
    return {k: turned(v) for k, v in value.items()} if isinstance(value, dict) else value


def content(value: Any) -> Any:
    """An answer without the order of its lists."""
    if isinstance(value, list):
        return sorted((content(v) for v in value), key=repr)
    return {k: content(v) for k, v in value.items()} if isinstance(value, dict) else value


def said(answer: Answer) -> Any:
    """What an answer decides, free of the order in which facts are told in sentences."""
    grounds = [
        (
            *(g["principle"], g["factor"], g["place"], g["offence"], g["status"], g["certainty"]),
            *(g["basis"]["citation"], *sorted((c["code"], c["status"]) for c in g["conditions"])),
        )
        for g in answer["grounds"]
    ]
    crimes = sorted((c["offence"], c["status"]) for c in answer["criminalisation"])
    return answer["status"], answer["certainty"], crimes, sorted(grounds, key=repr)


@settings(max_examples=15)
@given(facts=FACTS)
def test_the_order_of_facts_does_not_matter(engine: Engine, facts: dict[str, Any]) -> None:
    one = engine.prosecute({**facts, "as_of": "2022-01-01"})
    other = engine.prosecute({**turned(facts), "as_of": "2022-01-01"})
    assert {a["jurisdiction"]: said(a) for a in one["answers"]} == {
        a["jurisdiction"]: said(a) for a in other["answers"]
    }
    assert content(one["concurrence"]) == content(other["concurrence"])
    assert sorted((o["code"], sorted(o["states"])) for o in one["obstacles"]) == sorted(
        (o["code"], sorted(o["states"])) for o in other["obstacles"]
    )


@settings(max_examples=15)
@given(
    facts=FACTS, where=st.sampled_from(["effects_in", "systems_in"]), state=st.sampled_from(["SO", "NZ", "AT", "PH"])
)
def test_a_tie_to_one_more_state_never_worsens_another(
    engine: Engine, facts: dict[str, Any], where: str, state: str
) -> None:
    before = {a["jurisdiction"]: a["status"] for a in engine.prosecute({**facts, "as_of": "2022-01-01"})["answers"]}
    more = {**facts, where: [*facts[where], state], "as_of": "2022-01-01"}
    after = {a["jurisdiction"]: a["status"] for a in engine.prosecute(more)["answers"]}
    assert set(before) <= set(after)
    worse = {o for o, s in before.items() if GROUND_ORDER.index(after[o]) > GROUND_ORDER.index(s)}
    assert worse == set()


@settings(max_examples=15)
@given(facts=FACTS, offence=st.sampled_from(OFFENCES))
def test_one_more_offence_never_worsens_a_state(engine: Engine, facts: dict[str, Any], offence: str) -> None:
    before = {a["jurisdiction"]: a["status"] for a in engine.prosecute({**facts, "as_of": "2022-01-01"})["answers"]}
    more = {**facts, "offences": [*facts["offences"], offence], "as_of": "2022-01-01"}
    after = {a["jurisdiction"]: a["status"] for a in engine.prosecute(more)["answers"]}
    assert not {o for o, s in before.items() if GROUND_ORDER.index(after[o]) > GROUND_ORDER.index(s)}


@settings(max_examples=10)
@given(facts=FACTS, later=st.sampled_from(["2022-06-01", "2026-11-21"]))
def test_the_day_of_the_question_decides_no_jurisdiction(engine: Engine, facts: dict[str, Any], later: str) -> None:
    one = engine.prosecute({**facts, "as_of": "2021-12-31"})["answers"]
    other = engine.prosecute({**facts, "as_of": later})["answers"]
    assert one == other


REQUESTS = st.fixed_dictionaries(
    {
        "requesting": st.sampled_from(STATES),
        "requested": st.lists(st.sampled_from(STATES), unique=True, min_size=2, max_size=4),
        "offences": st.lists(st.sampled_from(OFFENCES), unique=True, min_size=1, max_size=2),
        "measures": st.just(["extradition", "mutual-assistance-general", "expedited-preservation"]),
        "as_of": st.sampled_from(["2000-11-10", "2008-06-01", "2021-06-01"]),
        "person": st.fixed_dictionaries({"nationality": several}),
        "pleas": st.lists(st.sampled_from(["health", "political-offence"]), unique=True),
        "conduct_in": several,
        "proceedings_in": several,
    }
)


@settings(max_examples=12)
@given(question=REQUESTS)
def test_asking_more_states_gives_each_the_answer_that_it_has_alone(engine: Engine, question: dict[str, Any]) -> None:
    together = engine.cooperate(question)["answers"]
    alone = [
        answer
        for state in question["requested"]
        if state != question["requesting"]
        for answer in engine.cooperate({**question, "requested": [state]})["answers"]
    ]
    assert together == alone


@settings(max_examples=12)
@given(question=REQUESTS)
def test_asking_in_another_order_gives_the_same_answers(engine: Engine, question: dict[str, Any]) -> None:
    def decided(asked: dict[str, Any]) -> dict[Any, Any]:
        return {
            (a["requesting"], a["requested"], a["measure"]): (
                a["status"],
                a["certainty"],
                sorted((b["instrument"], b["provision"] or "", b["status"]) for b in a["bases"]),
                sorted(codes(a["bars"])),
                sorted(codes(a["obstacles"])),
            )
            for a in engine.cooperate(asked)["answers"]
        }

    assert decided(question) == decided({**turned(question), "requesting": question["requesting"]})
