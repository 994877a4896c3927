"""What comes back: only the right caisse's answer to the right lot moves anything; the rest is kept apart, by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fse.arl import ArlResult, sign_arl
from fse.lot import digest
from gateway.envelopes import make_envelope
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, patient, visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.bench import Bench

BOTH_DATABASES = True


@pytest.fixture
def sent(bench: Bench) -> Bench:
    """Return a bench with two lots on their way: 1 to the Côte d'Opale, 2 to the Artois."""
    bench.submit(visit("A"))
    bench.submit(visit("B", patient=patient("imaginaire")), "imaginaire")
    bench.gateway.send_all(bench.period())
    assert [row[0] for row in bench.rows("SELECT organism FROM lots ORDER BY number")] == [OPALE, ARTOIS]
    return bench


def _receive(bench: Bench, message: bytes) -> None:
    bench.wire.put(message)
    bench.gateway.dispatch.collect()
    assert bench.wire.mailbox == {}


def _states(bench: Bench) -> list[Any]:
    return [
        row
        for table in ("lots", "sheets")
        for row in bench.rows(f"SELECT number, state FROM {table} ORDER BY number")  # noqa: S608 - names of our tables
    ]


def test_a_positive_answer_moves_its_lot_and_its_sheets(sent: Bench) -> None:
    """The lot that it names, and no other; the signed file is kept as it is (CSS R161-47: 90 days)."""
    message = sent.arl(2)
    _receive(sent, message)
    assert _states(sent) == [(1, "sent"), (2, "positive"), (1, "acknowledged"), (2, "sent")]
    ((lot, result, file),) = sent.rows("SELECT lot, result, file FROM acknowledgements")
    assert (lot, result, file[:2]) == (2, "positif", b"0\x82")
    assert b"FSE-SIM arl 1" in file


def test_a_refusal_keeps_its_code(sent: Bench) -> None:
    """The rule that the caisse names stands in the event of the lot and of its sheet."""
    _receive(sent, sent.refused(2, "TRUST-REVOKED"))
    rows = sent.rows("SELECT lot, sheet, detail FROM events WHERE name = 'acknowledge_refused' ORDER BY id")
    assert rows == [(2, None, "TRUST-REVOKED"), (None, 1, "TRUST-REVOKED")]


def _forged(bench: Bench) -> bytes:
    return bench.for_biller(b"FSE-SIM arl 1, trust me")


def _by_a_stranger(bench: Bench) -> bytes:
    arl = build.example_arl(lot_number=2, file_number=2, digest=digest(bench.lot(2).signed or b""))
    return bench.for_biller(sign_arl(arl, build.signer(build.party(ARTOIS, build.THEIRS)), bench.clock.now()))


STRANGERS: dict[str, tuple[Callable[[Bench], bytes], str]] = {
    "no envelope": (lambda _: b"?", "ENVELOPE"),
    "not for us": (lambda _: make_envelope(b"?", build.party(OPALE).certificate), "ENVELOPE"),
    "not an acknowledgement": (_forged, "FILE-FORM"),
    "other infrastructure": (_by_a_stranger, "TRUST-UNKNOWN"),
    "signed by another caisse": (lambda bench: bench.arl(2, signed_by=OPALE), "ARL-ISSUER"),
    "signed by the biller itself": (lambda bench: bench.arl(2, signed_by=build.BILLER), "ARL-ISSUER"),
    "of a caisse that has not this lot": (lambda bench: bench.arl(2, organism=OPALE, signed_by=OPALE), "ARL-MATCH"),
    "unknown lot": (lambda bench: bench.arl(2, lot_number=77), "ARL-MATCH"),
    "other file": (lambda bench: bench.arl(2, file_number=77), "ARL-MATCH"),
    "other biller": (lambda bench: bench.arl(2, biller="629990003"), "ARL-MATCH"),
    "other bytes": (lambda bench: bench.arl(2, digest="0" * 64), "ARL-MATCH"),
    "refuses other bytes": (
        lambda bench: bench.arl(2, result=ArlResult.REFUSED, code="ARL-CAISSE", digest="0" * 64, sheets=0),
        "ARL-MATCH",
    ),
}


@pytest.mark.parametrize(("message", "rule"), STRANGERS.values(), ids=STRANGERS)
def test_what_does_not_verify_or_match_is_kept_apart(sent: Bench, message: Callable[[Bench], bytes], rule: str) -> None:
    """Quarantine: the message as it came, the rule that it breaks, an event; no lot and no sheet moves."""
    before, data = _states(sent), message(sent)
    _receive(sent, data)
    assert sent.rows("SELECT rule, message FROM quarantine") == [(rule, data)]
    assert sent.rows("SELECT detail FROM events WHERE name = 'quarantined'") == [(rule,)]
    assert (_states(sent), sent.rows("SELECT * FROM acknowledgements")) == (before, [])
    with sent.journal.read() as tx:
        assert tx.quarantined() == [rule]


def test_one_bad_message_never_stops_the_others(sent: Bench) -> None:
    """Good and bad messages in one mailbox: each ends where it belongs."""
    for message in (b"?", sent.arl(1), sent.arl(2, digest="0" * 64), sent.arl(2)):
        sent.wire.put(message)
    assert sent.gateway.dispatch.collect() == 4
    assert _states(sent)[:2] == [(1, "positive"), (2, "positive")]
    assert sent.rows("SELECT rule FROM quarantine ORDER BY id") == [("ENVELOPE",), ("ARL-MATCH",)]


@pytest.mark.parametrize("kind", ["arl", "altered", "refused"])
def test_the_same_answer_twice_is_harmless(sent: Bench, kind: str) -> None:
    """An acknowledgement that comes twice leaves lot and sheet where the first one put them."""
    message = getattr(sent, kind)(2)
    _receive(sent, message)
    once = _states(sent)
    _receive(sent, message)
    assert _states(sent) == once
    assert sent.rows("SELECT count(*) FROM quarantine") == [(0,)]


def test_an_answer_to_a_lot_that_never_left_is_kept_apart(bench: Bench) -> None:
    """Nobody can have answered what was not sent: quarantined by the life cycle's own rule."""
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    _receive(bench, bench.arl())
    assert bench.rows("SELECT rule FROM quarantine") == [("LIFE-NO-ROW",)]
    assert bench.rows("SELECT state FROM lots") == [("signed",)]
    assert bench.rows("SELECT count(*) FROM acknowledgements") == [(0,)]


def test_a_contradiction_does_not_undo_a_positive_answer(sent: Bench) -> None:
    """Received, then «refused» or «altered»: the first answer stands, the late one is kept and flagged."""
    for message in (sent.arl(2), sent.refused(2), sent.altered(2)):
        _receive(sent, message)
    assert _states(sent)[1:3] == [(2, "positive"), (1, "acknowledged")]
    assert sent.rows("SELECT result FROM acknowledgements ORDER BY id") == [("positif",), ("refuse",), ("altere",)]
    assert sent.lot(2).record.late_answer


@pytest.mark.sqlite
def test_what_is_recorded_is_one_thing(sent: Bench) -> None:
    """When a sheet contradicts its lot nothing of the answer is recorded: the whole of it goes to quarantine."""
    with sent.journal.write() as tx:
        (sheet,) = tx.sheets_of_lot(2)
        tx._connection.exec_driver_sql(  # noqa: SLF001 - a sheet that the life cycle would never leave like that
            "UPDATE sheets SET record = json_set(record, '$.state', 'in_lot') WHERE number = ?", (sheet.number,)
        )
    _receive(sent, sent.arl(2))
    assert sent.rows("SELECT rule FROM quarantine") == [("LIFE-NO-ROW",)]
    assert sent.rows("SELECT state FROM lots WHERE number = 2") == [("sent",)]
    assert sent.rows("SELECT count(*) FROM acknowledgements") == [(0,)]
