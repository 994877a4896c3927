"""Dispatch: the durable word before the first byte, the same bytes again, the dates of the law, caisse by caisse."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from card_sim.pki import TestPki
from card_sim.randomness import SystemRandomness
from gateway.transport import Sending
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, opened, patient, visit

if TYPE_CHECKING:
    from gateway.routing_label import FileLabel
    from tests.gateway.bench import Bench

BOTH_DATABASES = True

FAILED = (Sending.NOT_TAKEN, "connexion refusée")
UNKNOWN = (Sending.UNKNOWN, "ReadTimeoutError")
FRIDAY = 14


def _march(day: int, hour: int = 7, minute: int = 0) -> datetime:
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def ready(bench: Bench) -> Bench:
    """Return a bench with one sheet of 4 March in a signed lot."""
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    return bench


def _run_until(bench: Bench, end: datetime) -> None:
    """Let dispatch run at each instant at which something falls due, up to ``end``."""
    while (due := bench.gateway.dispatch.next_due()) is not None and bench.clock.now() < due <= end:
        bench.clock.move_to(due)
        bench.gateway.dispatch.run()
    bench.clock.move_to(end)
    bench.gateway.dispatch.run()


def test_the_emission_is_durable_before_the_first_byte(ready: Bench) -> None:
    """While the file is leaving, another connection already reads that its emission has started."""
    seen = []

    def look(label: FileLabel, envelope: bytes) -> None:
        seen.append(ready.rows("SELECT state, envelope FROM lots WHERE number = ?", label.lot_number))
        assert ready.rows("SELECT state FROM sheets") == [("emission_started",)]
        assert seen == [[("emission_started", envelope)]]

    ready.wire.while_sending = look
    ready.gateway.dispatch.run()
    assert len(seen) == 1
    assert ready.state() == "sent"


def test_taken_means_sent(ready: Bench) -> None:
    """Taken: one emission, waiting for the acknowledgement until the end of Thursday 6 March (2 jours ouvrés)."""
    ready.gateway.dispatch.run()
    record = ready.lot().record
    assert (record.state, record.attempts, record.emissions) == ("sent", 1, 1)
    action = ready.gateway.next_action(1)
    assert (action.code, action.by) == ("await_acknowledgement", date(2025, 3, 6))
    (label, envelope) = ready.wire.sent[0]
    assert (label.organism, label.biller, label.lot_number, label.mode) == (ARTOIS, build.BILLER, 1, "securise")
    assert opened(envelope) == ready.lot().signed


def test_not_taken_is_an_attempt_and_no_emission(ready: Bench) -> None:
    """A refused connection is a failed attempt of the first emission (CSS R161-47 III): nothing was emitted."""
    ready.wire.results = [FAILED, FAILED]
    for hour in (11, 12, 13):
        ready.clock.move_to(_march(4, hour))
        ready.gateway.dispatch.run()
    record = ready.lot().record
    assert (record.state, record.attempts, record.emissions) == ("sent", 3, 1)
    assert record.first_failure_on is None
    assert len({envelope for _, envelope in ready.wire.sent}) == 1
    assert ready.events(lot=1).count("emission_failed") == 2


def test_unknown_is_an_emission(ready: Bench) -> None:
    """When bytes may have left, it was emitted: the gateway waits for the acknowledgement instead of sending again."""
    ready.wire.results = [UNKNOWN]
    ready.gateway.dispatch.run()
    ready.gateway.dispatch.run()
    assert (ready.lot().record.state, len(ready.wire.sent)) == ("sent", 1)
    ready.wire.put(ready.arl())
    ready.gateway.dispatch.run()
    assert ready.state() == "acknowledged"


def test_a_lost_acknowledgement(ready: Bench) -> None:
    """
    Emitted on Tuesday 4 March and no answer.

    Silence is known when Thursday 6 March is over; the same bytes leave again at once; then the answer comes.
    """
    ready.gateway.dispatch.run()
    _run_until(ready, _march(6, 22, 59))
    assert (ready.state(), len(ready.wire.sent)) == ("sent", 1)
    ready.clock.move_to(_march(6, 23))
    ready.gateway.dispatch.run()
    record = ready.lot().record
    assert (record.state, record.emissions, record.first_failure_on) == ("sent", 2, date(2025, 3, 6))
    assert record.reemission_limit == date(2025, 3, 14)
    (first, again) = ready.wire.sent
    assert first == again
    ready.wire.put(ready.arl())
    ready.gateway.dispatch.run()
    assert (ready.lot().record.state, ready.state()) == ("positive", "acknowledged")


def test_the_window_of_a_reemission(ready: Bench) -> None:
    """Silence after silence: 4, 7 and 12 March; on the 14th it ends, for the limit runs from the first failure."""
    ready.gateway.dispatch.run()
    _run_until(ready, _march(14, 22, 59))
    # 4 March + 2 jours ouvrés = Thursday 6; sent on Friday 7 (midnight) + 2 = Tuesday 11; sent on Wednesday 12 + 2 = 14
    assert [entry.date() for entry in _emitted(ready)] == [date(2025, 3, 4), date(2025, 3, 7), date(2025, 3, 12)]
    assert ready.state() == "sent"
    ready.clock.move_to(_march(14, 23))
    ready.gateway.dispatch.run()
    assert (ready.lot().record.state, ready.state()) == ("abandoned", "duplicata_due")
    assert len(ready.wire.sent) == 3


def _emitted(bench: Bench) -> list[datetime]:
    """Return when the emissions of lot 1 happened, in the time of Paris (one hour ahead in winter)."""
    rows = bench.rows("SELECT at FROM events WHERE lot = 1 AND name = 'emit' ORDER BY id")
    return [datetime.fromtimestamp(at + 3600, UTC) for (at,) in rows]


def test_never_sent_until_the_window_is_over(ready: Bench) -> None:
    """
    The concentrator refuses every connection.

    The last attempt is on Friday 14 March before midnight; then the duplicata is due, with its reason and numbers.
    """
    ready.wire.results = [FAILED] * 99
    for day in range(4, FRIDAY + 1):
        ready.clock.move_to(_march(day, 17))
        ready.gateway.dispatch.run()
    assert (ready.state(), len(ready.wire.sent)) == ("in_lot", 11)
    ready.clock.move_to(_march(14, 23))
    ready.gateway.dispatch.run()
    assert (ready.lot().record.state, ready.state(), len(ready.wire.sent)) == ("abandoned", "duplicata_due", 11)
    ((kind, document, record),) = ready.rows("SELECT kind, document, record FROM papers WHERE sheet = 1")
    duplicata = json.loads(document)
    assert (kind, duplicata["form"], duplicata["reason"]) == ("duplicata", "duplicata", "first_window_over")
    assert (duplicata["number"], duplicata["lot"]) == ("000000001", "000001")
    assert json.loads(record)["post_by"] == "2025-03-23"  # it fell due on Saturday 15 in Paris; 8 plain days
    ready.gateway.dispatch.send()
    assert len(ready.wire.sent) == 11


def test_nothing_leaves_after_its_limit(ready: Bench) -> None:
    """Even when time was not applied yet, no first emission starts after the last day."""
    ready.clock.move_to(_march(14, 23))
    ready.gateway.dispatch.send()
    assert (ready.wire.sent, ready.lot().record.attempts) == ([], 0)


def test_the_duplicata_is_made_once(ready: Bench) -> None:
    """Dispatch may run as often as it likes: one duplicata, and nothing leaves any more."""
    ready.wire.results = [FAILED] * 9
    ready.clock.move_to(_march(15))
    for _ in range(3):
        ready.gateway.dispatch.run()
    assert ready.rows("SELECT count(*) FROM papers") == [(1,)]
    assert ready.wire.sent == []


def test_an_altered_lot_leaves_again_in_the_same_envelope(ready: Bench) -> None:
    """Altered on its way (the caisse names other bytes): the envelope is sound, and the same bytes leave again."""
    ready.gateway.dispatch.run()
    ready.wire.put(ready.altered(arrived=b"changed on the way"))
    ready.gateway.dispatch.run()
    assert [envelope for _, envelope in ready.wire.sent] == [ready.wire.sent[0][1]] * 2
    assert ready.wire.sent[0][0] == ready.wire.sent[1][0]
    assert "envelope_dropped" not in ready.events(lot=1)


def test_an_envelope_that_arrived_whole_and_cannot_be_opened_is_made_anew(ready: Bench) -> None:
    """The caisse could not open the very bytes that were sent: a new envelope, the same signed lot, journalled."""
    ready.gateway.dispatch.run()
    ready.wire.put(ready.altered(arrived=ready.wire.sent[0][1]))
    ready.gateway.dispatch.run()
    first, again = (envelope for _, envelope in ready.wire.sent)
    assert first != again
    assert opened(first) == opened(again) == ready.lot().signed
    assert ready.wire.sent[0][0] == ready.wire.sent[1][0]
    assert ready.events(lot=1).count("envelope_dropped") == 1
    assert ready.events(lot=1).count("envelope_made") == 2


def test_a_new_certificate_of_the_caisse_makes_a_new_envelope(ready: Bench) -> None:
    """The certificate changed between two emissions: a new envelope around the same signed lot, for the new key."""
    ready.gateway.dispatch.run()
    pki = TestPki.create(SystemRandomness(), now=build.NOW)
    ready.caisses[ARTOIS] = pki.issue_billing_party("caisse", ARTOIS, "renewed").certificate
    ready.wire.put(ready.altered())
    ready.gateway.dispatch.run()
    first, again = (envelope for _, envelope in ready.wire.sent)
    assert first != again
    ((made, made_for),) = ready.rows("SELECT count(*), count(DISTINCT detail) FROM events WHERE name = 'envelope_made'")
    assert (made, made_for) == (2, 2)


def test_one_dead_caisse_never_stops_another(bench: Bench) -> None:
    """No way to one caisse, no certificate for another, an answer that does not come: the others get their lots."""
    bench.submit(visit("A"))
    bench.submit(visit("B", patient=patient("imaginaire")), "imaginaire")
    bench.submit(visit("C", patient=patient("mutuel")), "mutuel")
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    del bench.caisses[ARTOIS]
    bench.caisses["919990506"] = build.party("919990506").certificate
    bench.wire.results = [FAILED, (Sending.TAKEN, "")]
    bench.gateway.dispatch.run()
    found = {lot: (organism, state) for lot, organism, state in bench.rows("SELECT number, organism, state FROM lots")}
    assert found == {1: (OPALE, "signed"), 2: (ARTOIS, "signed"), 3: ("919990506", "sent")}
    assert bench.rows("SELECT lot, detail FROM events WHERE name = 'not_sendable'") == [(2, "LOT-CAISSE")]
    bench.caisses[ARTOIS] = build.party(ARTOIS).certificate
    assert bench.gateway.dispatch.hurry() == 2  # both wait after their failure
    bench.gateway.dispatch.run()
    assert {state for (state,) in bench.rows("SELECT state FROM lots")} == {"sent"}


def test_a_refused_lot_waits_for_a_decision(ready: Bench) -> None:
    """Refused: whole but unacceptable. The same lot never leaves again by itself; a person decides, by 14 March."""
    ready.gateway.dispatch.run()
    ready.wire.put(ready.refused())
    ready.gateway.dispatch.run()
    ready.gateway.dispatch.run()
    assert (ready.lot().record.state, ready.state(), len(ready.wire.sent)) == ("refused", "refused", 1)
    action = ready.gateway.next_action(1)
    assert (action.code, action.by) == ("decide", date(2025, 3, 14))
    _run_until(ready, _march(14, 23))
    assert ready.state() == "duplicata_due"


def test_a_late_positive_answer_cancels_the_duplicata(ready: Bench) -> None:
    """The answer comes when the duplicata is already due: the sheet is received, the paper void, never both paid."""
    ready.gateway.dispatch.run()
    late = ready.arl()
    _run_until(ready, _march(14, 23))
    assert ready.state() == "duplicata_due"
    ready.wire.put(late)
    ready.gateway.dispatch.run()
    assert ready.state() == "acknowledged"
    ((state, reason),) = ready.rows("SELECT state, json_extract(record, '$.reason') FROM papers")
    assert (state, reason) == ("void", "acknowledge_positive")
    assert ready.lot().record.late_answer


def test_an_answer_to_a_first_emission_while_the_second_leaves(ready: Bench) -> None:
    """The acknowledgement of the first emission arrives while the second is on its way: it stands."""
    ready.gateway.dispatch.run()
    answer = ready.arl()

    def answered(_label: FileLabel, _envelope: bytes) -> None:
        ready.wire.put(answer)
        ready.gateway.dispatch.collect()

    ready.wire.while_sending = answered
    ready.clock.move_to(_march(6, 23))
    ready.gateway.dispatch.run()
    assert (ready.lot().record.state, ready.state(), ready.lot().record.emissions) == ("positive", "acknowledged", 2)
