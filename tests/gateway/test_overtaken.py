"""Two things at once, or one thing twice: nothing is sealed, sent or counted two times."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fse.errors import FseError
from fse.lifecycle import ImpossibleTransition
from fse.routing import Outcome
from fse.situation import ChannelPolicy
from gateway.errors import GatewayError
from gateway.readers import CardsAtHand, ProfessionalCard
from gateway.signing_period import SigningPeriod
from tests.fse import sheet_builders as build
from tests.gateway.bench import Bench, insert, patient, visit, vitale

if TYPE_CHECKING:
    from collections.abc import Callable

    from fse.cards import Transmit

BOTH_DATABASES = True

PSO_SIGN = bytes.fromhex("002A9E9A")


def interrupted(transmit: Transmit, meanwhile: Callable[[], object]) -> Transmit:
    """Return a card during whose first signature something else happens."""
    todo = [meanwhile]

    def answer(command: bytes) -> bytes:
        if command.startswith(PSO_SIGN) and todo:
            todo.pop()()
        return transmit(command)

    return answer


def live(bench: Bench) -> list[tuple[str, str]]:
    """Return reference and state of the sheets that are not void."""
    return bench.rows("SELECT reference, state FROM sheets WHERE state <> 'void'")


def test_the_same_encounter_submitted_twice_at_once_is_one_sheet(bench: Bench) -> None:
    """While the first patient's card signs, the same encounter is submitted again: one live sheet, a typed error."""
    slot = interrupted(vitale("dutest"), lambda: bench.submit(visit()))
    with pytest.raises(GatewayError) as caught:
        bench.gateway.submit(visit(), CardsAtHand(bench.doctor(), slot))
    assert caught.value.rule.id == "SUBMIT-OVERTAKEN"
    assert live(bench) == [("V1", "queued")]
    assert bench.submit(visit())[0].sheet == 2


def test_a_gateway_opened_meanwhile_brings_no_void_number_back(bench: Bench) -> None:
    """Opening a gateway voids unsigned numbers; a signature that comes later does not bring one back to life."""
    slot = interrupted(vitale("dutest"), bench.reopen)
    gateway = bench.gateway
    with pytest.raises(FseError):
        gateway.submit(visit(), CardsAtHand(bench.doctor(), slot))
    gateway.journal.close()  # it was closed under it, and opened again by its use
    assert live(bench) == []


def test_two_resumes_at_once_seal_a_sheet_once(bench: Bench) -> None:
    """The sealed bytes of a sheet are stored once; whoever comes second is told so."""
    locked = ProfessionalCard.insert(_cps())
    with pytest.raises(FseError):
        bench.gateway.submit(visit(), CardsAtHand(locked, vitale("dutest")))

    def go_on() -> None:
        bench.gateway.resume(insert(build.cps(), "medecin"))
        bench.gateway.send_all(bench.period())

    second = ProfessionalCard.insert(interrupted(_cps(), go_on))
    second.unlock("1234")
    with pytest.raises(GatewayError) as caught:
        bench.gateway.resume(second)
    assert caught.value.rule.id == "SUBMIT-OVERTAKEN"
    assert bench.events(sheet=1).count("seal") == 1
    assert live(bench) == [("V1", "sent")]
    assert len(bench.rows("SELECT number FROM lots")) == 1


def _cps() -> Transmit:
    card = build.cps()
    card.reset()
    return card.transmit


def test_a_lot_whose_window_closes_while_it_is_signed_stays_given_up(bench: Bench) -> None:
    """The signature of a lot that was abandoned meanwhile is of no use: nothing is sent beside the duplicata."""
    bench.submit(visit())
    bench.gateway.lots.close()

    def let_it_be_late() -> None:
        bench.clock.advance(timedelta(days=20))
        bench.gateway.dispatch.apply_time()

    card = ProfessionalCard.insert(interrupted(_cps(), let_it_be_late))
    card.unlock("1234")
    until = bench.clock.now() + timedelta(days=30)
    assert bench.gateway.lots.sign(SigningPeriod(card, bench.clock, until=until, signatures=5)) == ()
    assert (bench.lot().record.state, bench.state()) == ("abandoned", "duplicata_due")
    bench.gateway.dispatch.run()
    assert bench.wire.sent == []


def test_an_acknowledgement_delivered_again_counts_once(bench: Bench) -> None:
    """The very same «altered» six times over is one failure and one more sending, not six."""
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    message = bench.altered()
    for _ in range(6):
        bench.wire.put(message)
        bench.clock.advance(timedelta(hours=1))
        bench.gateway.dispatch.run()
    assert len(bench.wire.sent) == 2
    assert bench.lot().record.emissions == 2
    assert len(bench.rows("SELECT id FROM acknowledgements")) == 1


def test_what_was_held_is_judged_anew(bench: Bench) -> None:
    """Held while the card is on the list, with the last day for a sheet; sealed once the card is off it."""
    object.__setattr__(bench.profile, "channels", ChannelPolicy(hold_opposed=True))
    facts = visit(patient=patient("opposee"))
    (held,) = bench.submit(facts, "opposee")
    assert (held.outcome, held.sheet) == (Outcome.HELD, None)
    assert str(held.deadline) == "2025-03-14"
    object.__setattr__(bench.gateway._submission, "opposed", frozenset())  # noqa: SLF001 - the list of another day
    (sealed,) = bench.submit(facts, "opposee")
    assert (sealed.outcome, sealed.sheet) == (Outcome.SECURED, 1)


def test_a_card_out_of_its_time_takes_no_number(bench: Bench) -> None:
    """TRUST-PERIOD before anybody signs: a sheet that the caisse is bound to reject is never begun."""
    object.__setattr__(bench.profile, "specification", "1.50")  # that of the day would make paper by then
    bench.clock.advance(timedelta(days=26 * 365))
    at = bench.clock.now().isoformat()
    with pytest.raises(FseError) as caught:
        bench.submit(visit(at=at, acts=[{"code": "G"}]), name="medecin")
    assert caught.value.rule.id == "TRUST-PERIOD"
    assert bench.counter("sheet") == 0


def test_a_refused_lot_gives_its_sheets_to_a_new_one(bench: Bench) -> None:
    """Unchanged sheets travel again in a new lot; the one at fault is rejected, to be corrected by a new sheet."""
    bench.submit(visit("A"))
    bench.submit(visit("B"))
    bench.gateway.send_all(bench.period())
    with pytest.raises(ImpossibleTransition):
        bench.gateway.requeue(1)
    bench.wire.put(bench.refused())
    bench.gateway.dispatch.run()
    bench.gateway.requeue(1, faulty=(2,))
    assert (bench.state(1), bench.state(2)) == ("queued", "rejected")
    bench.gateway.send_all(bench.period())
    assert bench.rows("SELECT number, lot FROM sheets ORDER BY number") == [(1, 2), (2, 1)]
    assert (bench.state(1), bench.lot(1).record.state) == ("sent", "abandoned")
    with pytest.raises(GatewayError) as caught:
        bench.gateway.requeue(9)
    assert caught.value.rule.id == "LOT-UNKNOWN"


def test_a_lot_signed_before_a_card_failed_leaves_all_the_same(bench: Bench) -> None:
    """The card fails at the second lot: the first one, signed, is sent; the error is still told."""
    bench.submit(visit("A"))
    bench.submit(visit("B", patient=patient("imaginaire")), "imaginaire")
    real, signatures = _cps(), []

    def fail_at_second(command: bytes) -> bytes:
        if command.startswith(PSO_SIGN):
            signatures.append(command)
            if len(signatures) == 2:
                raise OSError
        return real(command)

    card = ProfessionalCard.insert(fail_at_second)
    card.unlock("1234")
    until = bench.clock.now() + timedelta(minutes=5)
    with pytest.raises(FseError):
        bench.gateway.send_all(SigningPeriod(card, bench.clock, until=until, signatures=5))
    assert len(bench.wire.sent) == 1
