"""What a submission is answered: one outcome for each act, a number, a deadline, what happens next; nothing twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fse.encounter import IdentifiedPatient
from fse.errors import FseError
from fse.routing import Outcome
from fse.seals import verify_sheet
from fse.situation import ChannelPolicy
from fse.tables import package_tables
from gateway.errors import GatewayError
from gateway.readers import CardsAtHand
from tests.gateway.bench import (
    ANONYMOUS_IVG,
    ARTOIS,
    TUESDAY,
    Bench,
    patient,
    professional,
    visit,
)

if TYPE_CHECKING:
    from pathlib import Path

BOTH_DATABASES = True

WINDOW_END = date(2025, 3, 14)
"""8 jours ouvrés after Tuesday 4 March 2025 (CSS R161-47)."""
MONTH_END = date(2025, 3, 31)


VACCINE = {"acts": [{"code": "VACCIN", "cip": "3400935137340"}]}
INVOICE = {
    "finess": "629990037",
    "rpps": "99700000021",
    "family_name": "EXEMPLAIRE",
    "first_name": "Dominique",
    "rate_percent": 70,
    "cents": 2100,
}
DELEGATED = {"acts": [{"code": "COD", "by": "delegated", "invoice": INVOICE}]}
MOTHER = {"patient": patient("lexemple", child=None), "professional": professional("sage_femme")}
IVG = {"acts": ANONYMOUS_IVG["acts"]}
CASES: list[tuple[str, dict[str, Any], str | None, str, tuple[Outcome, str, bool, date | None, str]]] = [
    ("both cards", {}, "dutest", "medecin", (Outcome.SECURED, "secured-usable", True, WINDOW_END, "put_in_lot")),
    (
        "no card",
        {"vitale": "absent"},
        None,
        "medecin",
        (Outcome.DEGRADED, "degraded-absent", True, WINDOW_END, "put_in_lot"),
    ),
    (
        "no card in the reader, whatever the file says",
        {},
        None,
        "medecin",
        (Outcome.DEGRADED, "degraded-absent", True, WINDOW_END, "put_in_lot"),
    ),
    (
        "reader out of order",
        {"vitale": "unreadable"},
        "dutest",
        "medecin",
        (Outcome.DEGRADED, "degraded-hardware", True, WINDOW_END, "put_in_lot"),
    ),
    (
        "software out of order",
        {"vitale": "software-failure"},
        "dutest",
        "medecin",
        (Outcome.DEGRADED, "degraded-software", True, WINDOW_END, "put_in_lot"),
    ),
    (
        "card on the opposition list",
        {"patient": patient("opposee")},
        "opposee",
        "medecin",
        (Outcome.DEGRADED, "degraded-opposed", True, WINDOW_END, "put_in_lot"),
    ),
    (
        "CPS unusable",
        {"cps": "unusable"},
        "dutest",
        "medecin",
        (Outcome.PLAIN_PAPER, "cps-unusable", False, MONTH_END, "print"),
    ),
    ("vaccine", VACCINE, "dutest", "medecin", (Outcome.FORM_708, "vaccine", False, MONTH_END, "print")),
    ("delegated act", DELEGATED, "dutest", "medecin", (Outcome.RECAP, "delegated", False, MONTH_END, "print")),
    (
        "IVG of somebody who gives her name",
        {**MOTHER, **IVG},
        "lexemple",
        "sage_femme",
        (Outcome.SECURED, "secured-usable", True, WINDOW_END, "put_in_lot"),
    ),
    (
        "anonymous IVG",
        ANONYMOUS_IVG,
        None,
        "medecin",
        (Outcome.PLAIN_PAPER, "ivg-anonymous", False, MONTH_END, "print"),
    ),
]


@pytest.mark.parametrize(
    ("changes", "family", "name", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_each_outcome_of_the_routing(
    bench: Bench,
    changes: dict[str, Any],
    family: str | None,
    name: str,
    expected: tuple[Outcome, str, bool, date | None, str],
) -> None:
    """Each encounter gets its channel, with a number exactly when it is electronic, a deadline, and what comes next."""
    (reply,) = bench.submit(visit(**changes), family, name)
    found = (reply.outcome, reply.reason, reply.sheet is not None, reply.deadline, reply.next_action)
    assert found == expected
    assert reply.what_next("fr") != reply.what_next("en")
    assert bench.rows("SELECT number FROM sheets") == [(1,)] * (reply.sheet is not None)


REFUSALS = [
    ("unknown act", {"acts": [{"code": "K12"}]}, "dutest", "ROUTE-ACT"),
    ("other caisse", {"patient": patient("dailleurs")}, "dailleurs", "ROUTE-AFFILIATION"),
    ("anonymity not provided", {"patient": {"kind": "anonymous", "minor": True}}, None, "ROUTE-ANONYMOUS"),
    ("not for this age", {"acts": [{"code": "COE"}]}, "dutest", "PRICING-AGE"),
]


@pytest.mark.parametrize(
    ("changes", "family", "rule"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_a_refusal_says_its_rule_and_takes_no_number(
    bench: Bench, changes: dict[str, Any], family: str | None, rule: str
) -> None:
    """What cannot be billed is refused with its rule, in both languages, and uses no number."""
    (reply,) = bench.submit(visit(**changes), family)
    assert (reply.outcome, reply.rule, reply.sheet, reply.next_action) == (Outcome.REFUSED, rule, None, "")
    assert set(reply.messages) == set(reply.to_do) == {"fr", "en"}
    assert reply.what_next("en") == reply.to_do["en"]
    assert bench.counter("sheet") == 0


def test_a_held_sheet_waits_without_a_number(bench: Bench) -> None:
    """A service that holds the sheets of opposed cards gets told to wait: no number, no paper, nothing asked."""
    object.__setattr__(bench.profile, "channels", ChannelPolicy(hold_opposed=True))
    (reply,) = bench.submit(visit(patient=patient("opposee")), "opposee")
    assert (reply.outcome, reply.reason, reply.sheet) == (Outcome.HELD, "held-opposed-hold", None)
    assert "patient" in reply.what_next("en")
    assert bench.counter("sheet") == bench.counter("paper") == 0


def test_an_encounter_may_become_several_documents(bench: Bench) -> None:
    """A consultation and a vaccine: a sheet and a form 708, in the order of the acts, each with its own next step."""
    acts = [{"code": "VACCIN", "cip": "3400935137340"}, {"code": "COD"}]
    form, sheet = bench.submit(visit(acts=acts))
    assert (form.part, form.outcome, form.acts) == (0, Outcome.FORM_708, ("VACCIN",))
    assert (sheet.part, sheet.outcome, sheet.acts, sheet.sheet) == (1, Outcome.SECURED, ("COD",), 1)
    assert bench.rows("SELECT kind, part, sheet FROM papers") == [("form_708", 0, None)]


def test_the_sheet_is_sealed_by_both_cards_and_verifies(bench: Bench) -> None:
    """What is stored is a whole sheet: number and rank in the XML, both seals hold, the amounts are the reply's."""
    (reply,) = bench.submit(visit())
    ((sealed,),) = bench.rows("SELECT sealed FROM sheets")
    found = verify_sheet(sealed, bench.trust, bench.clock.now())
    assert (found.sheet.number, found.sheet.order, found.sheet.organism) == (1, 1, ARTOIS)
    assert (found.professional.rpps, found.patient is not None) == ("99700000013", True)
    assert (reply.total_cents, reply.amo_cents) == (found.sheet.total_cents, found.sheet.advance_cents) == (3500, 3500)


def test_a_degraded_sheet_has_its_twin(bench: Bench) -> None:
    """Protocol art. 6: in parallel with a degraded sheet goes the same on paper, to be posted within 8 plain days."""
    bench.submit(visit(vitale="absent"), None)
    ((kind, sheet, document, record),) = bench.rows("SELECT kind, sheet, document, record FROM papers")
    assert (kind, sheet, json.loads(record)["post_by"]) == ("twin", 1, "2025-03-12")
    twin = json.loads(document)
    assert (twin["number"], twin["reason"], twin["organism"]) == ("000000001", "sans-carte", ARTOIS)
    assert twin["beneficiary"]["first_name"] == "Emma"


def test_numbers_and_ranks_follow_each_other(bench: Bench) -> None:
    """FSE numbers go on from day to day; the rank begins anew with each day (arrêté of 9 April 1998, 1°, 2°)."""
    for reference in ("A", "B"):
        bench.submit(visit(reference))
    bench.clock.move_to(datetime(2025, 3, 5, 8, tzinfo=UTC))
    bench.submit(visit("C"))
    stored = [data for (data,) in bench.rows("SELECT sealed FROM sheets ORDER BY number")]
    sheets = [verify_sheet(data, bench.trust, bench.clock.now()).sheet for data in stored]
    assert [(sheet.number, sheet.order) for sheet in sheets] == [(1, 1), (2, 2), (3, 1)]


def test_the_same_encounter_gets_the_same_answer(bench: Bench) -> None:
    """Submitting again, even days later and after a restart, gives the same replies and makes nothing new."""
    acts = [{"code": "COD"}, {"code": "VACCIN", "cip": "3400935137340"}]
    first = bench.submit(visit(acts=acts))
    tables = ("counters", "events", "sheets", "papers", "submissions")
    before = [bench.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - names of ours
    bench.reopen()
    bench.clock.move_to(datetime(2025, 3, 6, 8, tzinfo=UTC))
    assert list(bench.gateway.submit(visit(acts=acts), CardsAtHand())) == first
    assert [bench.rows(f"SELECT * FROM {table}") for table in tables] == before  # noqa: S608 - names of our tables


def test_other_facts_under_a_used_reference_are_refused(bench: Bench) -> None:
    """SUBMIT-REFERENCE: a reference stands for one encounter for ever."""
    bench.submit(visit())
    with pytest.raises(GatewayError) as refusal:
        bench.submit(visit(acts=[{"code": "K12"}]))
    assert refusal.value.rule.id == "SUBMIT-REFERENCE"
    assert bench.counter("sheet") == 1


def test_a_site_outside_the_list_is_refused(bench: Bench) -> None:
    """SUBMIT-SITE: only the sites of the convention's annexe bill (SITE-01)."""
    with pytest.raises(GatewayError) as refusal:
        bench.submit(visit(site="629990011"))
    assert refusal.value.rule.id == "SUBMIT-SITE"
    assert bench.rows("SELECT * FROM events") == []


LATE = datetime(2025, 3, 14, 23, 0, tzinfo=UTC)
"""Midnight in Paris: Friday 14 March, the last day, is over."""


def test_the_last_evening_is_still_in_time(bench: Bench) -> None:
    """The window ends with the day in Paris, not in UTC: at 23.59 the sheet is still electronic."""
    bench.clock.move_to(LATE.replace(hour=22, minute=59))
    (reply,) = bench.submit(visit())
    assert (reply.outcome, reply.deadline) == (Outcome.SECURED, WINDOW_END)


def test_too_late_for_a_first_emission_becomes_plain_paper(bench: Bench) -> None:
    """After the 8th jour ouvré no first emission may start: plain paper, with its reason, and no number is lost."""
    bench.clock.move_to(LATE)
    (reply,) = bench.submit(visit())
    assert (reply.outcome, reply.reason, reply.sheet) == (Outcome.PLAIN_PAPER, "too-late", None)
    assert (reply.deadline, reply.next_action, reply.total_cents) == (MONTH_END, "print", 3500)
    assert (bench.counter("sheet"), bench.rows("SELECT kind, part FROM papers")) == (0, [("plain", 0)])


def test_the_window_counts_from_the_last_act(bench: Bench) -> None:
    """CSS R161-42 10°: an act done the day before the encounter does not shorten the delay of the encounter's own."""
    acts = [{"code": "COD", "on": "2025-02-28"}]
    (earlier,) = bench.submit(visit("EARLIER", acts=acts))
    (both,) = bench.submit(visit("BOTH", acts=[*acts, {"code": "COD"}]))
    assert (earlier.deadline, both.deadline) == (date(2025, 3, 12), WINDOW_END)


def test_unknown_numbers_are_said_so(bench: Bench) -> None:
    """SHEET-UNKNOWN: asking for a sheet that is not there names the number."""
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.next_action(12)
    assert (refusal.value.rule.id, refusal.value.facts) == ("SHEET-UNKNOWN", {"number": 12})


def test_one_can_ask_where_a_sheet_is(bench: Bench) -> None:
    """At any moment the gateway says what the law expects next of a sheet, and by when."""
    bench.submit(visit())
    action = bench.gateway.next_action(1)
    assert (action.code, action.by) == ("put_in_lot", WINDOW_END)


def test_the_log_and_the_errors_hold_no_identity(tmp_path: Path) -> None:
    """A refusal for a card does not repeat the number of anybody."""
    bench = Bench(tmp_path, TUESDAY)
    encounter = visit(patient=patient("essai"))
    assert isinstance(encounter.patient, IdentifiedPatient)
    with pytest.raises(FseError) as refusal:
        bench.submit(encounter, "dutest")
    bench.journal.close()
    assert encounter.patient.insured.nir not in f"{refusal.value} {refusal.value.facts}"


def test_a_vaccine_outside_the_market_waits_and_is_judged_anew(bench: Bench) -> None:
    """Protects VACC-06: held with what frees it, no paper; once the market holds it, the same facts have their 708."""
    unknown = visit(acts=[{"code": "VACCIN", "cip": "3400930056202"}])
    (reply,) = bench.submit(unknown)
    assert (reply.outcome, reply.rule, reply.next_action) == (Outcome.HELD, "VACCINE-MARKET", "")
    assert "vaccine_market.csv" in reply.what_next("fr")
    assert bench.rows("SELECT count(*) FROM papers") == [(0,)]
    tables = package_tables()
    line = tables.vaccines.lines[0].model_copy(update={"cip": "3400930056202", "valid_to": None})
    market = replace(tables.vaccines, lines=(*tables.vaccines.lines, line))
    bench.gateway.use_tables(replace(tables, vaccines=market))
    (reply,) = bench.submit(unknown)
    assert (reply.outcome, reply.total_cents) == (Outcome.FORM_708, 1150)


def test_a_secret_contraception_is_a_degraded_sheet_with_a_twin_that_names_nobody(bench: Bench) -> None:
    """Protects the minor (law R4): signed by the CPS alone, no card read, neither sheet nor twin names her."""
    object.__setattr__(bench.profile, "channels", ChannelPolicy(minor_contraception=True))
    secret = visit(patient={"kind": "secret", "birth_date": "2008-10-10"}, acts=[{"code": "CCP"}])
    (reply,) = bench.submit(secret)  # a Vitale lies in the reader: it is nobody's business
    assert (reply.outcome, reply.reason) == (Outcome.DEGRADED, "secret")
    ((sealed, twin),) = bench.rows("SELECT s.sealed, p.document FROM sheets s JOIN papers p ON p.sheet = s.number")
    found = verify_sheet(sealed, bench.trust, bench.clock.now())
    assert (found.patient, found.sheet.insured.full) == (None, "255555599904253")
    assert "255555599904253"[:13] in twin
    for text in (sealed.decode("latin-1"), twin):
        assert "DUTEST" not in text
        assert "185036204" not in text
