"""Retention: what may go and when, a purge that leaves nothing of anybody, and the signed statement of it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from card_sim.wallet import demo_wallet
from fse.cms import Seal
from fse.holders import BillingParty
from fse.lifecycle import SHEETS, PaperEvent, SheetEvent, SheetState
from fse.seals import check_seal
from gateway.errors import GatewayError
from gateway.journal import Transaction
from gateway.journal.verification import verify_journal
from gateway.movements import move_sheet
from gateway.retention import PURGE_PURPOSE, Due, due_for_purge, purge
from tests.fse import sheet_builders as build
from tests.gateway.bench import EXAMPLE, patient, visit

if TYPE_CHECKING:
    from gateway.journal import StoredSheet
    from gateway.retention import Proof
    from tests.gateway.bench import Bench

DAY = timedelta(days=1)


def settle(bench: Bench, sheet: int) -> None:
    """Have a return pay an acknowledged sheet, and close it."""
    for event in (SheetEvent.RETURN_PAID, SheetEvent.CLOSE):
        with bench.journal.write() as tx:
            stored = tx.sheet(sheet)
            assert stored is not None
            move_sheet(tx, stored, SHEETS.advance(stored.record, event, tx.now, bench.profile.policy), bench.profile)


def sent(bench: Bench, *references: str) -> None:
    """Submit encounters, send them in one lot and receive its acknowledgement."""
    for reference in references:
        bench.submit(visit(reference))
    bench.gateway.send_all(bench.period())
    with bench.journal.read() as tx:
        lot = tx.last_number("lot")
    bench.wire.put(bench.arl(lot, sheets=len(references)))
    bench.gateway.dispatch.run()


def due(bench: Bench) -> Due:
    """Return what is due now."""
    with bench.journal.read() as tx:
        return due_for_purge(tx, bench.profile, tx.now)


def purged(bench: Bench) -> Proof | None:
    """Purge with the keys of the bench."""
    return purge(bench.journal, bench.profile, bench.biller)


def statement(proof: Proof | None) -> dict[str, Any]:
    """Return what a proof says."""
    assert proof is not None
    found: dict[str, Any] = json.loads(proof.statement)
    return found


# ------------------------------------------------------------------------------------------------------- what is due


def test_ninety_days_after_the_last_event_and_not_a_second_sooner(either: Bench) -> None:
    """Protects the 90 days of CSS R161-47: 2 June 2025 at 10:00 UTC for a sheet closed on 4 March at 10:00."""
    sent(either, "V1")
    settle(either, 1)
    either.clock.advance(90 * DAY - timedelta(seconds=1))
    assert due(either) == Due((), ())
    either.clock.advance(timedelta(seconds=1))
    assert either.clock.now().isoformat() == "2025-06-02T10:00:00+00:00"
    assert due(either) == Due((1,), (1,))


@pytest.mark.parametrize("state", [state for state in SheetState if state not in {"closed", "corrected", "void"}])
def test_an_open_sheet_is_kept_however_old(bench: Bench, state: SheetState) -> None:
    """Protects «until paid or replaced»: ten years change nothing for a sheet that is not at its end."""
    sent(bench, "V1")
    with bench.journal.write() as tx:
        tx._connection.exec_driver_sql("UPDATE sheets SET state = ?", (state.value,))  # noqa: SLF001 - any state at all
    bench.clock.advance(3650 * DAY)
    assert due(bench) == Due((), ())


def test_a_late_event_starts_the_time_again(bench: Bench) -> None:
    """Protects what came late: an acknowledgement after the end keeps its sheet and itself 90 days more."""
    sent(bench, "V1")
    settle(bench, 1)
    bench.clock.advance(60 * DAY)
    bench.wire.put(bench.arl(received_at=bench.clock.now()))
    bench.gateway.dispatch.run()
    bench.clock.advance(89 * DAY)
    assert due(bench) == Due((), ())
    bench.clock.advance(DAY)
    assert due(bench) == Due((1,), (1,))


def test_a_sheet_waits_for_its_papers(bench: Bench) -> None:
    """Protects a twin that was never posted: its sheet stays until the paper is on its way."""
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.dispatch.run()
    settle(bench, 1)
    bench.clock.advance(100 * DAY)
    assert due(bench) == Due((), ())
    bench.gateway.move_paper(1, PaperEvent.PRINT)
    assert due(bench) == Due((), ())
    bench.gateway.move_paper(1, PaperEvent.POST)
    assert due(bench) == Due((1,), (1,))


def test_what_travelled_together_leaves_together(bench: Bench) -> None:
    """Protects an open sheet's lot and acknowledgement, which hold the bytes of its companions too."""
    sent(bench, "V1", "V2")
    sent(bench, "V3")
    settle(bench, 1)
    settle(bench, 3)
    bench.clock.advance(90 * DAY)
    assert due(bench) == Due((3,), (2,))
    settle(bench, 2)
    bench.clock.advance(90 * DAY)
    assert due(bench) == Due((1, 2, 3), (1, 2))


def test_a_refused_lot_binds_the_sheets_that_went_on(bench: Bench) -> None:
    """Protects a sheet whose first lot, with the bytes of both, was refused: its companion is still open."""
    for reference in ("V1", "V2"):
        bench.submit(visit(reference))
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.refused())
    bench.gateway.dispatch.run()
    bench.gateway.requeue(1, faulty=(2,))
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl(2))
    bench.gateway.dispatch.run()
    settle(bench, 1)
    bench.clock.advance(90 * DAY)
    assert (bench.state(1), bench.state(2)) == ("closed", "rejected")
    assert due(bench) == Due((), ())


# ------------------------------------------------------------------------------------------------------------- purge


def test_the_events_stay_and_the_rows_go(either: Bench) -> None:
    """Protects the chain: after a purge it verifies, and nothing but events and proofs speaks of the sheet."""
    sent(either, "V1", "V2")
    settle(either, 1)
    settle(either, 2)
    before = either.events(sheet=1)
    either.clock.advance(90 * DAY)
    purged(either)
    for table in ("sheets", "lots", "papers", "acknowledgements", "submissions"):
        assert either.rows(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 - the tables of the journal
    assert either.events(sheet=1) == [*before, "purge"]
    assert verify_journal(either.journal, either.trust, build.BILLER).findings == []


def test_the_statement_names_each_sheet_with_the_head_of_its_chain(bench: Bench) -> None:
    """Protects the proof: sheets, lot and submissions, each with the digest that its chain ended in before."""
    sent(bench, "V1", "V2")
    settle(bench, 1)
    settle(bench, 2)
    heads = {chain: bytes(digest).hex() for chain, digest in bench.rows("SELECT chain, digest FROM chains")}
    bench.clock.advance(90 * DAY)
    said = statement(purged(bench))
    at = "2025-06-02T10:00:00+00:00"
    base = 10_000_000_000

    def entries(subject: int, *numbers: int) -> list[dict[str, object]]:
        return [{"number": one, "head": heads[subject * base + one], "at": at} for one in numbers]

    assert said["sheets"] == entries(1, 1, 2)
    assert said["lots"] == entries(2, 1)
    assert said["papers"] == []
    assert said["submissions"] == entries(4, 1, 2)
    assert (said["number"], said["at"]) == (1, at)
    assert str(said["source"]).startswith("CSS R161-47")


def test_the_biller_signs_the_statement(bench: Bench) -> None:
    """Protects the proof against whoever holds the database alone: CAdES by the biller, over these very bytes."""
    sent(bench, "V1")
    settle(bench, 1)
    bench.clock.advance(90 * DAY)
    proof = purged(bench)
    assert proof is not None
    seal = Seal.decode(proof.signature)
    check_seal(seal, proof.statement.encode(), bench.trust, "facturation")
    assert BillingParty.of(seal.x509) == BillingParty("biller", build.BILLER)
    assert seal.purpose == PURGE_PURPOSE
    [stored] = bench.rows("SELECT number, statement, signature FROM purges")
    assert stored == (proof.number, proof.statement, proof.signature)


def test_nothing_to_purge_gives_no_statement(either: Bench) -> None:
    """Protects idempotence: a second purge, or one of nothing, changes not one row and states nothing."""
    sent(either, "V1")
    assert purged(either) is None
    settle(either, 1)
    either.clock.advance(90 * DAY)
    assert purged(either) is not None
    before = either.rows("SELECT count(*), max(id) FROM events")
    assert purged(either) is None
    assert either.rows("SELECT count(*), max(id) FROM events") == before
    assert either.rows("SELECT number FROM purges") == [(1,)]


def test_numbers_do_not_come_back(bench: Bench) -> None:
    """Protects the numbers of sheet, lot and file: what was purged leaves a gap behind, never a free number."""
    sent(bench, "V1")
    settle(bench, 1)
    bench.clock.advance(90 * DAY)
    purged(bench)
    today = str(bench.clock.now().date())
    acts = [one | {"date": today} if "date" in one else one for one in EXAMPLE["acts"]]
    (reply,) = bench.submit(visit("V2", at=bench.clock.now().isoformat(), acts=acts))
    assert reply.sheet == 2
    bench.gateway.send_all(bench.period())
    assert bench.rows("SELECT number, file_number FROM lots") == [(2, 2)]


class Interrupted(Exception):
    """The process ends here."""


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_an_interruption_loses_neither_a_sheet_nor_the_proof(bench: Bench, calls: int) -> None:
    """Protects the proof: stopped after the first sheet, the second or the lot, the next run goes on and states all."""
    sent(bench, "V1", "V2")
    settle(bench, 1)
    settle(bench, 2)
    bench.clock.advance(90 * DAY)
    left = iter(range(calls - 1))

    def stop(_done: int, _everything: int) -> None:
        if next(left, None) is None:
            raise Interrupted

    with pytest.raises(Interrupted):
        purge(bench.journal, bench.profile, bench.biller, stop)
    gone = {1: [2], 2: [], 3: []}
    assert [number for (number,) in bench.rows("SELECT number FROM sheets")] == gone[calls]
    assert bench.rows("SELECT number FROM purges") == []
    bench.reopen()
    bench.clock.advance(DAY)
    said = statement(purged(bench))
    sheets = said["sheets"]
    assert [one["number"] for one in sheets] == [1, 2]
    assert sheets[0]["at"] == "2025-06-02T10:00:00+00:00"
    assert bench.rows("SELECT count(*) FROM lots") == [(0,)]


def test_a_failure_within_a_sheet_leaves_it_whole(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a sheet from half a purge: a failure before the commit leaves row, submission and chain alone."""
    sent(bench, "V1")
    settle(bench, 1)
    bench.clock.advance(90 * DAY)
    tables = "sheets", "submissions", "events", "chains", "marks"
    before = [bench.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - the tables of the journal
    forget = Transaction.forget_sheet

    def fail(tx: Transaction, sheet: StoredSheet) -> None:
        forget(tx, sheet)
        raise Interrupted

    monkeypatch.setattr(Transaction, "forget_sheet", fail)
    with pytest.raises(Interrupted):
        purged(bench)
    assert [bench.rows(f"SELECT * FROM {table}") for table in tables] == before  # noqa: S608 - same


def test_a_statement_that_could_not_be_signed_is_made_by_the_next_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the proof when the key fails after the deletions: nothing is left to purge, and yet it is stated."""
    sent(bench, "V1")
    settle(bench, 1)
    bench.clock.advance(90 * DAY)
    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "add_purge", lambda *_: (_ for _ in ()).throw(Interrupted))
        with pytest.raises(Interrupted):
            purged(bench)
    assert due(bench) == Due((), ())
    said = statement(purged(bench))
    assert (said["number"], [one["number"] for one in said["sheets"]]) == (1, [1])
    assert [word for word in identity("dutest") if word in bytes_on_disk(bench)] == []


# ------------------------------------------------------------------------------------------------------------ traces


def bytes_on_disk(bench: Bench) -> bytes:
    """Return every byte that the journal has on the disk: the file, its WAL and its shared memory."""
    return b"".join(path.read_bytes() for path in sorted(bench.path.parent.glob("journal.db*")))


def identity(family: str) -> list[bytes]:
    """Return NIR and names of a family's insured and first child, as they stand in rows, XML and forms."""
    card = demo_wallet().vitale[family]
    people = card, card.beneficiaries[0]
    return [card.nir[:13].encode(), *(name.encode() for one in people for name in (one.family_name, one.first_name))]


def two_families(bench: Bench) -> None:
    """Close a sheet of one family, its twin posted, 90 days ago; leave a sheet of another open."""
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.dispatch.run()
    bench.submit(visit("V2", patient=patient("imaginaire")), "imaginaire")
    settle(bench, 1)
    for event in (PaperEvent.PRINT, PaperEvent.POST):
        bench.gateway.move_paper(1, event)
    bench.clock.advance(90 * DAY)


def test_nothing_of_anybody_is_left_in_the_bytes(bench: Bench) -> None:
    """Protects who was purged: no NIR, no name in any byte of file and WAL; the other family is there."""
    two_families(bench)
    assert all(word in bytes_on_disk(bench) for word in identity("dutest"))
    assert statement(purged(bench))["sheets"]
    left = bytes_on_disk(bench)
    assert [word for word in identity("dutest") if word in left] == []
    assert all(word in left for word in identity("imaginaire"))
    bench.journal.close()
    assert [word for word in identity("dutest") if word in bytes_on_disk(bench)] == []


def test_deleting_alone_is_not_enough(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the test above: without the rewriting, the WAL still says everything."""
    two_families(bench)
    monkeypatch.setattr("gateway.retention.erase_traces", lambda _: None)
    purged(bench)
    assert bench.rows("SELECT number FROM sheets") == [(2,)]
    assert all(word in bytes_on_disk(bench) for word in identity("dutest"))


def test_a_reader_in_the_way_is_told_and_the_next_run_erases(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """PURGE-TRACES: somebody reads while the file is rewritten: deleted, stated, said; the next run finishes."""
    two_families(bench)
    monkeypatch.setattr("gateway.journal.database._PRAGMAS", ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=1"))
    bench.reopen()
    with closing(sqlite3.connect(bench.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sheets").fetchone()
        with pytest.raises(GatewayError) as told:
            purged(bench)
        assert told.value.rule.id == "PURGE-TRACES"
    assert bench.rows("SELECT number FROM purges") == [(1,)]
    assert any(word in bytes_on_disk(bench) for word in identity("dutest"))
    assert purged(bench) is None
    assert [word for word in identity("dutest") if word in bytes_on_disk(bench)] == []
