"""The return written by hand, and returns for the tests; nothing here is computed by the codec."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from fse.identifiers import Nir
from fse.noemie import (
    ActReturn,
    ActState,
    Debt,
    DebtOperation,
    OtherPayment,
    Reason,
    Return,
    SheetKind,
    SheetReturn,
)

HAND = Path(__file__).parent / "data" / "noemie_return_by_hand.txt"
LINES = [line for line in HAND.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
PIECES = [line.replace("|", "").replace("_", " ").encode("ascii") for line in LINES]
"""The entities of the file written by hand, in its order."""
BY_HAND = b"".join(PIECES)

DAY = date(2025, 3, 4)


def act(**changes: Any) -> ActReturn:  # noqa: ANN401 - fields of any type
    """Return one act paid in full: 25.00 euros."""
    one = ActReturn(
        line=1,
        code="C",
        on=DAY,
        fee_cents=2500,
        base_cents=2500,
        rate_percent=100,
        requested_cents=2500,
        state=ActState.PAID,
        paid_cents=2500,
    )
    return replace(one, **changes)


def sheet(*acts: ActReturn, **changes: Any) -> SheetReturn:  # noqa: ANN401 - fields of any type
    """Return what is said of sheet 7, secured, of lot 3; one act paid in full unless others are given."""
    one = SheetReturn(
        kind=SheetKind.SECURED,
        number=7,
        lot=3,
        lot_day=DAY,
        drawn_up_on=DAY,
        nature="AS",
        acts=acts or (act(),),
    )
    return replace(one, **changes)


def debt(**changes: Any) -> Debt:  # noqa: ANN401 - fields of any type
    """Return a debt of 10.00 euros on sheet 3, notified."""
    one = Debt(
        reference="D000000041",
        operation=DebtOperation.NOTIFIED,
        number=3,
        lot=1,
        lot_day=date(2025, 1, 20),
        line=1,
        on=date(2025, 2, 20),
        nature="TRP",
        amount_cents=1000,
        balance_cents=1000,
    )
    return replace(one, **changes)


def returned(**changes: Any) -> Return:  # noqa: ANN401 - fields of any type
    """Return one return: sheet 7 paid 25.00 euros, unless changed."""
    one = Return(
        organism="019990000",
        biller="629990011",
        number=12,
        created_on=date(2025, 3, 10),
        accounting_day=date(2025, 3, 10),
        reference="VIR-1",
        transfer_cents=2500,
        sheets=(sheet(),),
    )
    return replace(one, **changes)


MEANT = Return(
    organism="019990000",
    biller="629990011",
    number=12,
    created_on=date(2025, 3, 10),
    accounting_day=date(2025, 3, 10),
    reference="VIR-2025-03-10-0001",
    transfer_cents=6750,
    sheets=(
        sheet(
            act(code="COD", fee_cents=3500, base_cents=3500, requested_cents=3500, paid_cents=3500),
            insured=Nir("1850362041999", "78"),
        ),
        sheet(
            act(on=date(2025, 3, 3), fee_cents=2800, requested_cents=2800, reasons=(Reason("9306"),)),
            act(
                line=2,
                code="MSF",
                fee_cents=3200,
                base_cents=0,
                rate_percent=0,
                requested_cents=3200,
                state=ActState.REJECTED,
                paid_cents=0,
                reasons=(Reason("9301", "TABLE-CODE"),),
            ),
            number=8,
            signals=("9701",),
        ),
        sheet(
            act(
                code="JNBD001",
                on=date(2025, 3, 3),
                base_cents=0,
                rate_percent=0,
                state=ActState.DEFERRED,
                paid_cents=0,
            ),
            kind=SheetKind.DEGRADED,
            number=9,
            nature="MA",
            reasons=(Reason("9501"),),
        ),
        sheet(
            act(on=date(2025, 2, 14), requested_cents=500, paid_cents=500),
            kind=SheetKind.RECALL,
            number=6,
            lot=2,
            lot_day=date(2025, 2, 17),
            drawn_up_on=date(2025, 2, 17),
        ),
    ),
    others=(OtherPayment("00708", 1250, "VACCINS, FORMULAIRE 708"),),
    debts=(debt(operation=DebtOperation.RECOVERED, balance_cents=1500),),
)
"""What the file written by hand says."""
