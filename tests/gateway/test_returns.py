"""Payment returns taken up: each line finds its sheet or is kept with the reason why not; nothing counts twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from fse.lifecycle import PaperEvent, SheetEvent
from fse.noemie import ActReturn, ActState, Reason, Return, SheetKind, SheetReturn, sign_return
from gateway.evidence import evidence
from gateway.journal.verification import verify_journal
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, visit

if TYPE_CHECKING:
    from tests.gateway.bench import Bench

BOTH_DATABASES = True

COD = 3500
"""COD of the example (examination of a child): 35.00 euros, all of it AMO (tables/acts.csv)."""
MARCH_28 = date(2025, 3, 28)


def act(paid: int = COD, state: ActState = ActState.PAID, *reasons: str, **changes: Any) -> ActReturn:  # noqa: ANN401 - fields of any type
    """Return the judgement of the one act of the example."""
    facts: dict[str, Any] = {
        "line": 1,
        "code": "COD",
        "on": date(2025, 3, 4),
        "fee_cents": COD,
        "base_cents": COD,
        "rate_percent": 100,
        "requested_cents": COD,
        "state": state,
        "paid_cents": paid,
        "reasons": tuple(Reason(code) for code in reasons),
    }
    return ActReturn(**(facts | changes))


def line(number: int = 1, *acts: ActReturn, kind: SheetKind = SheetKind.SECURED, **changes: Any) -> SheetReturn:  # noqa: ANN401 - fields of any type
    """Return the line of a sheet, paid in full unless ``acts`` say otherwise."""
    facts: dict[str, Any] = {
        "kind": kind,
        "number": number,
        "lot": 1,
        "lot_day": date(2025, 3, 4),
        "drawn_up_on": date(2025, 3, 4),
        "nature": "AS",
        "acts": acts or (act(),),
    }
    return SheetReturn(**(facts | changes))


def file_of(bench: Bench, *lines: SheetReturn, signed_by: str = ARTOIS, **changes: Any) -> bytes:  # noqa: ANN401 - fields of any type
    """Return the signed return of a caisse with these lines, its transfer being their sum."""
    paid = sum(one.paid_cents for one in lines)
    found = Return(
        organism=signed_by,
        biller=build.BILLER,
        number=1,
        created_on=MARCH_28,
        accounting_day=MARCH_28,
        reference="VIR0001" if paid else "",
        transfer_cents=paid,
        sheets=lines,
    )
    caisse = build.signer(build.party(signed_by))
    return sign_return(replace(found, **changes), caisse, bench.clock.now())


def deliver(bench: Bench, file: bytes) -> None:
    """Put a return into the mailbox and have the gateway collect it, on 28 March."""
    bench.clock.move_to(datetime(2025, 3, 28, 10, tzinfo=UTC))
    bench.wire.put(bench.for_biller(file))
    bench.gateway.run()


@pytest.fixture
def sent(bench: Bench) -> Bench:
    """Return a bench with one sheet acknowledged by the Artois."""
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.run()
    return bench


LINES = "SELECT sheet, act, outcome, requested_cents, paid_cents, code, mismatch FROM return_lines ORDER BY rank"
OUTCOMES = [
    ("paid", line(), "paid", [(1, 0, "paid", COD, COD, "", ""), (1, 1, "paid", COD, COD, "", "")]),
    (
        "partly",
        line(1, act(3000, ActState.PAID, "9306")),
        "partly_paid",
        [(1, 0, "partly_paid", COD, 3000, "", ""), (1, 1, "partly_paid", COD, 3000, "9306", "")],
    ),
    (
        "rejected",
        line(1, act(0, ActState.REJECTED, "9301")),
        "rejected",
        [(1, 0, "rejected", COD, 0, "", ""), (1, 1, "rejected", COD, 0, "9301", "")],
    ),
    ("whole", line(1, acts=(), drawn_up_on=None, nature="", reasons=(Reason("9001"),)), "rejected",
     [(1, 0, "rejected", 0, 0, "9001", "")]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "state", "rows"), [case[1:] for case in OUTCOMES], ids=[case[0] for case in OUTCOMES])
def test_each_outcome_moves_its_sheet(
    sent: Bench, one: SheetReturn, state: str, rows: list[tuple[object, ...]]
) -> None:
    """Paid, paid in part, rejected: the sheet stands so, its lines are kept to the cent, and the journal verifies."""
    deliver(sent, file_of(sent, one))
    assert sent.rows("SELECT rule FROM quarantine") == []
    assert sent.state() == state
    assert sent.rows(LINES) == rows
    assert verify_journal(sent.journal, sent.trust, build.BILLER).findings == []


def test_a_rejection_opens_the_window_of_its_correction(sent: Bench) -> None:
    """Rejected on Friday 28 March: the new sheet has until Wednesday 9 April (8 jours ouvrés, no holiday between)."""
    deliver(sent, file_of(sent, line(1, act(0, ActState.REJECTED, "9301"))))
    assert sent.gateway.sheet(1).rejected_on == MARCH_28
    (reply,) = sent.gateway.replace(1, visit("V2"), sent.cards())
    assert (reply.sheet, reply.deadline) == (2, date(2025, 4, 9))


def test_a_return_delivered_again_counts_once(sent: Bench) -> None:
    """The same file twice: one return, one event, the sheet paid once and without a flag."""
    file = file_of(sent, line())
    deliver(sent, file)
    deliver(sent, file)
    assert sent.rows("SELECT count(*) FROM returns") == [(1,)]
    assert (sent.state(), list(sent.gateway.sheet(1).flags)) == ("paid", [])
    assert sent.events(sheet=1).count("return_paid") == 1


def test_another_return_under_a_used_number_is_not_believed(sent: Bench) -> None:
    """RETURN-NUMBER: quarantined, and what the first one said stands."""
    deliver(sent, file_of(sent, line()))
    deliver(sent, file_of(sent, line(1, act(0, ActState.REJECTED, "9301"))))
    assert sent.rows("SELECT rule FROM quarantine") == [("RETURN-NUMBER",)]
    assert sent.state() == "paid"


def test_a_return_for_somebody_else_is_not_ours(sent: Bench) -> None:
    """RETURN-BILLER: quarantined, nothing recorded."""
    deliver(sent, file_of(sent, line(), biller="629990029"))
    assert sent.rows("SELECT rule FROM quarantine") == [("RETURN-BILLER",)]
    assert (sent.state(), sent.rows(LINES)) == ("acknowledged", [])


def test_a_return_in_the_name_of_another_caisse_is_not_believed(sent: Bench) -> None:
    """A caisse signs for itself alone."""
    file = file_of(sent, line(), signed_by=OPALE, organism=ARTOIS)
    deliver(sent, file)
    assert sent.rows("SELECT rule FROM quarantine") == [("RETURN-ISSUER",)]


def test_what_fits_no_sheet_stops_no_other_line(sent: Bench) -> None:
    """MATCH-UNKNOWN beside a good line: the good one is paid, the other kept with its reason."""
    deliver(sent, file_of(sent, line(7), line(1)))
    assert sent.state() == "paid"
    assert [(row[0], row[6]) for row in sent.rows(LINES) if row[1] == 0] == [(1, ""), (7, "MATCH-UNKNOWN")]


def test_another_caisse_pays_nothing_of_ours(sent: Bench) -> None:
    """MATCH-CAISSE: the sheet went to the Artois; a line of the Côte d'Opale about it moves nothing."""
    deliver(sent, file_of(sent, line(), signed_by=OPALE))
    assert (sent.state(), sent.rows(LINES)[0][6]) == ("acknowledged", "MATCH-CAISSE")


def test_another_amount_is_told(sent: Bench) -> None:
    """MATCH-AMOUNT: the return says that 30.00 euros were asked for, the sheet asks for 35.00; nothing is moved."""
    deliver(sent, file_of(sent, line(1, act(3000, requested_cents=3000))))
    assert (sent.state(), sent.rows(LINES)[0][6]) == ("acknowledged", "MATCH-AMOUNT")


def test_a_recall_completes_a_partial_payment(sent: Bench) -> None:
    """Paid 30.00 of 35.00, then the missing 5.00 as a recall (convention, art. 17): paid."""
    deliver(sent, file_of(sent, line(1, act(3000, ActState.PAID, "9306"))))
    recall = line(1, act(500, requested_cents=500), kind=SheetKind.RECALL)
    deliver(sent, file_of(sent, recall, number=2, reference="VIR0002"))
    assert sent.state() == "paid"
    assert sent.rows("SELECT sum(paid_cents) FROM return_lines WHERE act = 0") == [(COD,)]


def test_a_paid_duplicata_ends_its_sheet(bench: Bench) -> None:
    """The duplicata replaced the sheet and is paid: the sheet is closed, without a flag of a late answer."""
    bench.submit(visit())
    bench.gateway.move_sheet(1, SheetEvent.BLOCKED, "panne")
    for event in (PaperEvent.PRINT, PaperEvent.POST):
        bench.gateway.move_paper(1, event)
    deliver(bench, file_of(bench, line(kind=SheetKind.DUPLICATA)))
    assert bench.rows("SELECT rule FROM quarantine") == []
    assert (bench.state(), list(bench.gateway.sheet(1).flags)) == ("closed", [])


def test_a_payment_of_the_sheet_after_its_duplicata_is_flagged(sent: Bench) -> None:
    """It was given up and a duplicata posted; the electronic original is paid after all: kept and flagged."""
    with sent.journal.write() as tx:
        sheet = tx.sheet(1)
        assert sheet is not None
        record = replace(sheet.record, state=type(sheet.record.state)("duplicata_sent"), replaced=True)
        tx.update_sheet(1, record, "duplicata_issued")
    deliver(sent, file_of(sent, line()))
    assert (sent.state(), [str(flag) for flag in sent.gateway.sheet(1).flags]) == ("duplicata_sent", ["late_answer"])


def test_the_evidence_of_a_sheet_holds_what_was_returned(sent: Bench) -> None:
    """The file of the medical control says what was paid, with the digest of the signed return, and of nobody else."""
    file = file_of(sent, line(), line(7))
    deliver(sent, file)
    container = ZipFile(BytesIO(evidence(sent.journal, 1, sent.biller, sent.trust)))
    said = [json.loads(one) for one in container.read("retours.jsonl").decode().splitlines()]
    assert [(one["sheet"], one["act"], one["paid_cents"]) for one in said] == [(1, 0, COD), (1, 1, COD)]
    assert {one["sha256"] for one in said} == {sha256(file).hexdigest()}
    assert "retours.jsonl" in container.read("LISEZ-MOI.txt").decode()
