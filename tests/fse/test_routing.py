"""The routing table against the decision table of the law, row by row and situation by situation."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import schemas
from fse.encounter import Encounter, read_encounter
from fse.routing import ROWS, Outcome, route
from fse.rules import catalogue
from fse.sheet import Cause, Mode
from fse.situation import (
    ChannelPolicy,
    CpsState,
    Identity,
    Payer,
    Performer,
    Situation,
    Subject,
    VitaleState,
    situation_of,
)

EXAMPLE = json.loads((Path(__file__).parents[2] / "examples" / "encounter.json").read_bytes())


class Reading(NamedTuple):
    """One line of the law's table: where it applies («*»: whatever), what follows, the rule or cause, the source."""

    subject: str
    identity: str
    payer: str
    vitale: str
    cps: str
    performer: str
    outcome: str
    told: str
    source: str


# Read from top to bottom, the first line that fits counts; written from the texts, not from the product.
LAW = [
    Reading("unknown", "*", "*", "*", "*", "*", "refused", "ROUTE-ACT", "C62 art. 4, 8: only acts of the table"),
    Reading("*", "*", "financed", "*", "*", "*", "refused", "ROUTE-FINANCED", "C62 art. 1: paid by somebody else"),
    Reading("*", "anonymous", "*", "*", "*", "delegated", "recap", "", "C62 10.3.3: invoice and recap, pseudonym"),
    Reading("*", "on-request", "*", "*", "*", "delegated", "recap", "", "C62 10.3.3: invoice and recap, pseudonym"),
    Reading("*", "secret", "*", "*", "*", "delegated", "recap", "", "C62 10.3.3: invoice and recap, pseudonym"),
    Reading("ivg", "anonymous", "*", "*", "*", "*", "plain-paper", "", "C62 10.3.1: paper only, NIR …030"),
    Reading("ivg", "on-request", "*", "*", "*", "*", "plain-paper", "", "C62 10.3.1: adult on request (A17)"),
    Reading("ist", "anonymous", "*", "*", "*", "*", "form-709", "", "C62 10.3.2, CSP L2311-5: form 709"),
    Reading("ist", "on-request", "*", "*", "*", "*", "refused", "ROUTE-IST-PUBLIC", "C62 10.3.2: minors, no rights"),
    Reading("contraception", "secret", "*", "*", "usable", "*", "degraded", "secret", "law R4: degraded, NIR …042"),
    Reading("contraception", "secret", "*", "*", "unusable", "*", "plain-paper", "", "law R4: or paper"),
    Reading("*", "secret", "*", "*", "*", "*", "refused", "ROUTE-SECRET", "law R4: contraception only"),
    Reading("*", "anonymous", "*", "*", "*", "*", "refused", "ROUTE-ANONYMOUS", "C62 10.3: no other anonymity"),
    Reading("*", "on-request", "*", "*", "*", "*", "refused", "ROUTE-ANONYMOUS", "C62 10.3: no other anonymity"),
    Reading("*", "*", "elsewhere", "*", "*", "*", "refused", "ROUTE-AFFILIATION", "C62 art. 3, 7: two CPAM"),
    Reading("*", "*", "*", "*", "*", "delegated", "recap", "", "C62 6.3: invoice and recap"),
    Reading("vaccine", "*", "*", "*", "*", "*", "form-708", "", "C62 6.2, annexe 1.3: form 708 exclusively"),
    Reading("ist", "*", "*", "*", "*", "*", "refused", "ROUTE-IST-NAMED", "C62 10.3.2: others by the ordinary rules"),
    Reading("*", "*", "*", "*", "unusable", "*", "plain-paper", "", "C62 6.2: CPS unusable, no degraded sheet"),
    Reading("*", "*", "*", "usable", "*", "*", "secured", "", "protocol art. 5, CSS R161-43: both cards"),
    Reading("*", "*", "*", "absent", "*", "*", "degraded", "sans-carte", "protocol art. 6: no card"),
    Reading("*", "*", "*", "hardware", "*", "*", "degraded", "materiel", "protocol art. 6: hardware"),
    Reading("*", "*", "*", "software", "*", "*", "degraded", "logiciel", "protocol art. 6: software"),
    Reading("*", "*", "*", "opposed", "*", "*", "degraded", "carte-opposee", "protocol art. 7: no secured sheet"),
    Reading("*", "*", "*", "opposed-hold", "*", "*", "held", "", "protocol art. 7: the service holds them"),
]

# How many of the 6 x 4 x 3 x 6 x 2 x 2 situations end where, worked out by hand from the lines above; what the Vitale
# and the CPS allow makes 6 x 2 = 12.
COUNTS = {
    ("refused", "ROUTE-ACT"): 288,  # 1 subject x 4 x 3 x 12 x 2
    ("refused", "ROUTE-FINANCED"): 480,  # 5 known subjects x 4 x 12 x 2
    ("recap", ""): 360 + 60,  # unnamed: 5 x 3 identities x 2 payers x 12; named, party to the convention: 5 x 12
    ("plain-paper", ""): 48 + 12 + 18,  # IVG: 2 identities x 2 x 12; secret: 2 x 6; CPS unusable: 3 subjects x 6
    ("form-709", ""): 24,  # 2 payers x 12
    ("refused", "ROUTE-IST-PUBLIC"): 24,
    ("refused", "ROUTE-ANONYMOUS"): 144,  # ordinary, vaccine, contraception: 3 x 2 x 2 x 12
    ("degraded", "secret"): 12,  # 2 payers x 6
    ("refused", "ROUTE-SECRET"): 96,  # 4 other subjects x 2 x 12
    ("refused", "ROUTE-AFFILIATION"): 120,  # 5 subjects x 12 x 2
    ("refused", "ROUTE-IST-NAMED"): 12,
    ("form-708", ""): 12,
    ("secured", ""): 3,
    ("degraded", "sans-carte"): 3,
    ("degraded", "materiel"): 3,
    ("degraded", "logiciel"): 3,
    ("degraded", "carte-opposee"): 3,
    ("held", ""): 3,
}

SITUATIONS = [Situation(*values) for values in product(Subject, Identity, Payer, VitaleState, CpsState, Performer)]


def reading(situation: Situation) -> Reading:
    """Return the first line of the law's table that fits."""
    values = (
        situation.subject,
        situation.identity,
        situation.payer,
        situation.vitale,
        situation.cps,
        situation.performer,
    )
    return next(line for line in LAW if all(asked in {"*", value} for asked, value in zip(line, values, strict=False)))


def test_every_situation_has_the_outcome_of_the_law() -> None:
    """All 1 728 situations, with the rule of a refusal and the cause of a degraded sheet."""
    for situation in SITUATIONS:
        line, row = reading(situation), route(situation)
        assert (row.outcome, row.rule or row.cause) == (line.outcome, line.told), (situation, line.source)


def test_outcomes_are_as_many_as_counted_by_hand() -> None:
    """The table of this test is itself held against a count."""
    found = Counter((line.outcome, line.told) for line in map(reading, SITUATIONS))
    assert len(SITUATIONS) == 1728
    assert found == COUNTS


def test_rows_exclude_each_other_and_none_is_idle() -> None:
    """Exactly one row for each situation, whatever their order; every row is reached."""
    reached = Counter[int]()
    for situation in SITUATIONS:
        matching = [index for index, row in enumerate(ROWS) if row.matches(situation)]
        assert len(matching) == 1, situation
        reached.update(matching)
    assert reached.keys() == set(range(len(ROWS)))


def test_each_row_says_why_in_both_languages() -> None:
    """A reason, a source, the words for both; a refusal has a rule, a degraded sheet a cause of the signed XML."""
    wording = schemas.read_toml("wording.toml")
    for row in ROWS:
        assert row.source
        assert wording["reason"][row.reason].keys() == wording["outcome"][row.outcome].keys() == {"fr", "en"}
        assert (row.outcome is Outcome.REFUSED) == (row.rule in catalogue())
        assert (row.outcome is Outcome.DEGRADED) == (row.cause in set(Cause))
    assert {Mode(Cause(row.cause)).kind for row in ROWS if row.cause} == {"degrade"}


def encounter(**changes: Any) -> Encounter:  # noqa: ANN401 - JSON
    """Return the example with changes."""
    return read_encounter(json.dumps(EXAMPLE | changes).encode())


def situation(
    subject: str | None = "child-exam",
    *,
    opposed: bool = False,
    policy: ChannelPolicy | None = None,
    **changes: Any,  # noqa: ANN401 - JSON
) -> Situation:
    """Return the situation of the first act of the example with changes."""
    facts = encounter(**changes)
    return situation_of(
        facts, facts.acts[0], subject, in_convention=True, opposed=opposed, policy=policy or ChannelPolicy()
    )


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (None, "unknown"),
        ("vaccine", "vaccine"),
        ("ivg", "ivg"),
        ("ist", "ist"),
        ("child-exam", "ordinary"),
        ("consultation", "ordinary"),
        ("contraception", "contraception"),
    ],
)
def test_subjects_of_the_table(subject: str | None, expected: str) -> None:
    """Four subjects have a channel of their own; an act outside the table has none."""
    assert situation(subject).subject == expected


@pytest.mark.parametrize(
    ("vitale", "opposed", "hold", "expected"),
    [
        ("present", False, False, "usable"),
        ("present", False, True, "usable"),
        ("present", True, False, "opposed"),
        ("present", True, True, "opposed-hold"),
        ("absent", False, False, "absent"),
        ("absent", True, True, "absent"),
        ("unreadable", True, False, "hardware"),
        ("software-failure", False, False, "software"),
    ],
)
def test_states_of_the_vitale(vitale: str, expected: str, *, opposed: bool, hold: bool) -> None:
    """Only a card that is read can be opposed; what the service chose decides between held and degraded."""
    policy = ChannelPolicy(hold_opposed=hold)
    assert situation(vitale=vitale, opposed=opposed, policy=policy).vitale == expected


def test_who_pays_who_signs_and_who_did_it() -> None:
    """The remaining facts of an encounter that the channel depends on."""
    facts = encounter(
        patient={"kind": "anonymous", "minor": False}, cps="unusable", acts=[{"code": "IC", "by": "delegated"}]
    )
    found = situation_of(facts, facts.acts[0], "ivg", in_convention=False, opposed=False, policy=ChannelPolicy())
    assert found == Situation(
        Subject.IVG, Identity.ON_REQUEST, Payer.ELSEWHERE, VitaleState.USABLE, CpsState.UNUSABLE, Performer.DELEGATED
    )
    assert situation() == Situation(
        Subject.ORDINARY, Identity.IDENTIFIED, Payer.CONVENTION, VitaleState.USABLE, CpsState.USABLE, Performer.SERVICE
    )


@pytest.mark.parametrize(
    ("patient", "subject", "policy", "identity", "about"),
    [
        ({"kind": "anonymous", "minor": True}, "ist", {}, "anonymous", "ist"),
        ({"kind": "anonymous", "minor": False, "without_rights": True}, "ist", {}, "anonymous", "ist"),
        ({"kind": "anonymous", "minor": False}, "ist", {}, "on-request", "ist"),
        ({"kind": "anonymous", "minor": False}, "ist", {"adult_screening": True}, "anonymous", "ist"),
        ({"kind": "anonymous", "minor": False}, "ivg", {"adult_screening": True}, "on-request", "ivg"),
        ({"kind": "secret", "birth_date": "2009-01-02"}, "contraception", {}, "secret", "ordinary"),
        (
            {"kind": "secret", "birth_date": "2009-01-02"},
            "contraception",
            {"minor_contraception": True},
            "secret",
            "contraception",
        ),
        (EXAMPLE["patient"], "child-exam", {"excluded_acts": frozenset({"COD"})}, "identified", "unknown"),
    ],
)
def test_what_the_service_has_chosen(
    patient: dict[str, Any], subject: str, policy: dict[str, Any], identity: str, about: str
) -> None:
    """What the conventions leave open is a choice of the profile: public of the 709 (A22), secrecy (R4), acts."""
    found = situation(subject, policy=ChannelPolicy(**policy), patient=patient)
    assert (found.identity, found.subject) == (identity, about)


def test_an_act_paid_by_somebody_else_is_nobodys_here() -> None:
    """PEGASE: the flag of the act decides, whoever the patient is."""
    assert situation(acts=[{"code": "COD", "financed_by": "PEGASE"}]).payer is Payer.FINANCED
