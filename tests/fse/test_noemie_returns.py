"""A payment return: what each sheet got, to the cent of the transfer, and signed by the caisse that it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from fse.errors import FseError
from fse.noemie import (
    ActReturn,
    ActState,
    DebtOperation,
    NoemieError,
    OtherPayment,
    Outcome,
    Reason,
    Return,
    SheetKind,
    SheetReturn,
    check_return,
    read_return,
    verify_return,
    write_return,
)
from tests.fse.noemie_builders import BY_HAND, MEANT, act, debt, returned, sheet
from tests.fse.sheet_builders import (
    trust,
)

REJECTED = act(state=ActState.REJECTED, paid_cents=0, reasons=(Reason("9301"),))
DEFERRED = act(state=ActState.DEFERRED, paid_cents=0, reasons=(Reason("9501"),))
PARTLY = act(paid_cents=2000, reasons=(Reason("9306"),))

# ------------------------------------------------------------------------------------------------- the return by hand


def test_the_return_written_by_hand_says_what_was_meant() -> None:
    """Paid, partly paid, rejected with its place, deferred, another payment, a recall, a recovery."""
    assert read_return(BY_HAND) == MEANT


def test_the_values_are_written_as_by_hand() -> None:
    """Not one character differs."""
    assert write_return(MEANT) == BY_HAND


def test_the_outcome_of_each_sheet_and_the_sums() -> None:
    """As the head of the file written by hand tells them."""
    assert [(one.number, one.outcome, one.requested_cents, one.paid_cents) for one in MEANT.sheets] == [
        (7, Outcome.PAID, 3500, 3500),
        (8, Outcome.PARTLY_PAID, 6000, 2500),
        (9, Outcome.DEFERRED, 2500, 0),
        (6, Outcome.PAID, 500, 500),
    ]
    assert (MEANT.recovered_cents, MEANT.total_cents) == (1000, 6750)


@pytest.mark.parametrize(
    ("acts", "outcome", "letter"),
    [
        ((act(), act(line=2)), Outcome.PAID, "P"),
        ((act(requested_cents=0, paid_cents=0),), Outcome.PAID, "P"),
        ((PARTLY,), Outcome.PARTLY_PAID, "P"),
        ((act(), replace(REJECTED, line=2)), Outcome.PARTLY_PAID, "P"),
        ((act(), replace(DEFERRED, line=2)), Outcome.PARTLY_PAID, "P"),
        ((REJECTED, replace(REJECTED, line=2)), Outcome.REJECTED, "R"),
        ((REJECTED, replace(DEFERRED, line=2)), Outcome.DEFERRED, "D"),
    ],
)
def test_the_outcome_of_a_sheet_follows_from_its_acts(
    acts: tuple[ActReturn, ...], outcome: Outcome, letter: str
) -> None:
    """In one word, and in the letter of entity 198."""
    one = sheet(*acts)
    assert (one.outcome, one.state) == (outcome, ActState(letter))
    found = returned(sheets=(one,), transfer_cents=one.paid_cents, reference="VIR-1" if one.paid_cents else "")
    assert read_return(write_return(found)) == found


def test_a_sheet_that_could_not_be_believed_is_rejected_without_a_word_of_its_content() -> None:
    """No acts, no day, no nature, nobody: a code and the rule that it broke."""
    one = sheet(drawn_up_on=None, nature="", reasons=(Reason("9004", "TRUST-REVOKED"),))
    one = replace(one, acts=())
    found = returned(sheets=(one,), transfer_cents=0, reference="")
    assert one.outcome is Outcome.REJECTED
    assert read_return(write_return(found)) == found
    assert b"9004UN CERTIFICAT ETAIT REVOQUE A LA SIGNATURE." in write_return(found)


def test_a_return_is_written_in_one_order() -> None:
    """Sheets by type of return, lot, number; acts by line; debts by sheet and operation: whatever the order given."""
    two = sheet(act(line=2), act(line=1), number=8)
    debts = (debt(operation=DebtOperation.RECOVERED, balance_cents=0), debt())
    found = returned(sheets=(*MEANT.sheets[3:], two, sheet()), transfer_cents=7000, debts=debts)
    again = read_return(write_return(found))
    assert [one.number for one in again.sheets] == [7, 8, 6]
    assert [one.line for one in again.sheets[1].acts] == [1, 2]
    assert again.debts == debts[::-1]
    assert write_return(again) == write_return(found)


def test_a_debt_lives_through_returns() -> None:
    """Notified, recovered in part, cancelled: only the recovery takes money."""
    notified = debt()
    recovered = debt(operation=DebtOperation.RECOVERED, amount_cents=600, balance_cents=400)
    cancelled = debt(operation=DebtOperation.CANCELLED, amount_cents=400, balance_cents=0)
    for debts, transfer in (
        ((notified,), 2500),
        ((recovered,), 1900),
        ((notified, recovered, cancelled), 1900),
    ):
        found = returned(debts=debts, transfer_cents=transfer)
        assert read_return(write_return(found)) == found
    assert b"NOT00001000N00001000@" in write_return(returned(debts=(notified,)))


# --------------------------------------------------------------------------------------------------- what is refused


def paid_nothing(*sheets: SheetReturn) -> Return:
    """Return a return without transfer."""
    return returned(sheets=sheets, transfer_cents=0, reference="")


@pytest.mark.parametrize(
    ("found", "rule", "facts"),
    [
        (returned(transfer_cents=2501), "RETURN-TRANSFER", {"stated": 2501, "found": 2500}),
        (returned(reference=""), "RETURN-TRANSFER", {"stated": 2500, "found": 2500}),
        (replace(paid_nothing(sheet(REJECTED)), reference="VIR-1"), "RETURN-TRANSFER", {"stated": 0, "found": 0}),
        (
            returned(debts=(debt(operation=DebtOperation.RECOVERED, amount_cents=3000),), transfer_cents=-500),
            "RETURN-TRANSFER",
            {"stated": -500, "found": -500},
        ),
        (returned(sheets=(sheet(act(paid_cents=2501)),)), "RETURN-AMOUNT", {"paid": 2501, "requested": 2500}),
        (returned(sheets=(sheet(act(paid_cents=0)),)), "RETURN-AMOUNT", {"paid": 0, "requested": 2500}),
        (returned(sheets=(sheet(act(paid_cents=-1)),)), "RETURN-AMOUNT", {"paid": -1}),
        (returned(sheets=(sheet(replace(REJECTED, paid_cents=1)),)), "RETURN-AMOUNT", {"paid": 1}),
        (returned(sheets=(sheet(replace(DEFERRED, paid_cents=1)),)), "RETURN-AMOUNT", {"paid": 1}),
        (paid_nothing(sheet(replace(REJECTED, reasons=()))), "RETURN-REASON", {"place": "feuille 7, ligne 1"}),
        (returned(sheets=(sheet(act(paid_cents=2000)),)), "RETURN-REASON", {"state": "partly_paid"}),
        (returned(sheets=(sheet(act(reasons=(Reason("9301"),))),)), "RETURN-REASON", {"state": "paid"}),
        (returned(sheets=(sheet(reasons=(Reason("9001"),)),)), "RETURN-REASON", {"place": "feuille 7"}),
        (paid_nothing(replace(sheet(), acts=())), "RETURN-REASON", {"place": "feuille 7"}),
        (paid_nothing(sheet(REJECTED, replace(DEFERRED, line=2, reasons=()))), "RETURN-REASON", {"state": "deferred"}),
        (paid_nothing(sheet(replace(REJECTED, reasons=(Reason("0032"),)))), "RETURN-CODE", {"code": "0032"}),
        (paid_nothing(sheet(replace(REJECTED, reasons=(Reason("9306"),)))), "RETURN-CODE", {"code": "9306"}),
        (paid_nothing(sheet(replace(REJECTED, reasons=(Reason("9001"),)))), "RETURN-CODE", {"code": "9001"}),
        (paid_nothing(sheet(REJECTED, reasons=(Reason("9301"),))), "RETURN-CODE", {"place": "feuille 7"}),
        (returned(sheets=(sheet(signals=("9301",)),)), "RETURN-CODE", {"code": "9301"}),
        (returned(sheets=(sheet(), sheet()), transfer_cents=5000), "RETURN-TWICE", {"place": "feuille 7"}),
        (
            returned(sheets=(sheet(), sheet(kind=SheetKind.DEGRADED)), transfer_cents=5000),
            "RETURN-TWICE",
            {"place": "feuille 7"},
        ),
        (returned(sheets=(sheet(act(), act()),), transfer_cents=5000), "RETURN-TWICE", {"place": "feuille 7, ligne 1"}),
        (returned(debts=(debt(), debt())), "RETURN-TWICE", {"place": "créance D000000041"}),
        (returned(debts=(debt(balance_cents=999),)), "RETURN-DEBT", {"reference": "D000000041"}),
        (returned(debts=(debt(amount_cents=0, balance_cents=0),)), "RETURN-DEBT", {"reference": "D000000041"}),
        (
            returned(debts=(debt(), debt(operation=DebtOperation.CANCELLED, balance_cents=1))),
            "RETURN-DEBT",
            {"reference": "D000000041"},
        ),
        (
            returned(debts=(debt(), debt(operation=DebtOperation.CANCELLED, balance_cents=0, number=4))),
            "RETURN-DEBT",
            {"reference": "D000000041"},
        ),
        (returned(number=0), "RETURN-VALUE", {"place": "fichier"}),
        (returned(sheets=(sheet(number=0),)), "RETURN-VALUE", {"field": "numéro"}),
        (returned(sheets=(sheet(number=10**9),)), "RETURN-VALUE", {"field": "numéro"}),
        (returned(sheets=(sheet(lot=10**6),)), "RETURN-VALUE", {"field": "lot"}),
        (returned(sheets=(sheet(act(line=0)),)), "RETURN-VALUE", {"field": "ligne"}),
        (returned(sheets=(sheet(act(line=100)),)), "RETURN-VALUE", {"field": "ligne"}),
        (returned(sheets=(sheet(act(code="c")),)), "RETURN-VALUE", {"field": "code"}),
        (returned(debts=(debt(number=0),)), "RETURN-VALUE", {"field": "feuille"}),
        (returned(debts=(debt(lot=0),)), "RETURN-VALUE", {"field": "lot"}),
        (returned(organism="01999"), "ORGANISM-FORM", {}),
        (returned(biller="629990012"), "FINESS-KEY", {}),
    ],
)
def test_a_return_that_contradicts_itself_is_refused(found: Return, rule: str, facts: dict[str, Any]) -> None:
    """When it is checked, hence when it is written."""
    for judge in (check_return, write_return):
        with pytest.raises(FseError) as caught:
            judge(found)
        assert caught.value.rule.id == rule
        assert {name: caught.value.facts[name] for name in facts} == facts
        assert str(caught.value)


@pytest.mark.parametrize(
    "found",
    [
        returned(reference="V" * 33),
        returned(others=(OtherPayment("708", 0, ""),)),
        returned(others=(OtherPayment("00708", -1, ""),), transfer_cents=2499),
        paid_nothing(sheet(replace(REJECTED, reasons=(Reason("9301", "é"),)))),
        paid_nothing(sheet(replace(REJECTED, reasons=(Reason("9301", "X" * 31),)))),
        returned(sheets=(sheet(nature="XX"),)),
        returned(sheets=(sheet(act(rate_percent=1000)),)),
        returned(created_on=date(1999, 1, 1)),
    ],
)
def test_what_a_field_cannot_hold_is_not_written(found: Return) -> None:
    """Nothing is cut short or replaced in silence."""
    with pytest.raises(NoemieError) as caught:
        write_return(found)
    assert caught.value.rule.id == "NOEMIE-FIELD"


def judge(data: bytes) -> None:
    """Verify a return as the gateway does."""
    verify_return(data, trust())
