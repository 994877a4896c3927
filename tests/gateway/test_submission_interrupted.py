"""Cards that are pulled out, restarts, second attempts: nothing half-sealed, nothing lost, nothing twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fse.cards import CardMute
from fse.errors import FseError
from fse.routing import Outcome
from fse.seals import verify_sheet
from gateway.errors import GatewayError
from gateway.readers import CardsAtHand, ProfessionalCard
from tests.fse import sheet_builders as build
from tests.gateway.bench import Bench, patient, professional, visit, vitale

if TYPE_CHECKING:
    from fse.cards import Transmit

BOTH_DATABASES = True

EVERYTHING = [{"code": "VACCIN", "cip": "3400935137340"}, {"code": "COD"}]


class Reader:
    """Two slots; the card that gets the command of rank ``pulled_at`` (0: never) is pulled out before it answers."""

    def __init__(self) -> None:
        self.pulled_at = 0
        self.commands: list[str] = []
        self._empty: set[str] = set()

    def slot(self, name: str, transmit: Transmit) -> Transmit:
        """Return the slot with a card in it."""

        def carry(command: bytes) -> bytes:
            self.commands.append(name)
            if len(self.commands) == self.pulled_at:
                self._empty.add(name)
            if name in self._empty:
                raise ConnectionResetError
            return transmit(command)

        return carry


def _submit_while_pulling(bench: Bench, pulled_at: int) -> tuple[list[str], object]:
    """Submit the example, with a card pulled out at one command; return the commands and what came of it."""
    reader = Reader()
    card = build.cps("medecin")
    card.reset()
    cps = ProfessionalCard.insert(reader.slot("CPS", card.transmit))
    cps.unlock("1234")
    reader.commands.clear()
    reader.pulled_at = pulled_at
    try:
        cards = CardsAtHand(cps, reader.slot("Vitale", vitale("dutest")))
        return reader.commands, bench.gateway.submit(visit(acts=EVERYTHING), cards)
    except FseError as error:
        return reader.commands, error


def _whole(bench: Bench) -> None:
    """Hold every sheet of the journal against what must always be true of it."""
    for state, mode, patient_seal, sealed in bench.rows("SELECT state, mode, patient_seal, sealed FROM sheets"):
        assert (sealed is not None) is (state in {"queued", "sealed"})
        if sealed is not None:
            found = verify_sheet(sealed, bench.trust, bench.clock.now())
            assert (found.patient is not None) is (mode == "securise") is (patient_seal is not None)
    if isinstance(bench.where, Path):
        assert bench.rows("PRAGMA integrity_check") == [("ok",)]


def test_the_cards_pulled_out_at_any_command(tmp_path: Path) -> None:
    """At each command of a sealing: a named error or an honest degraded sheet; then the same submission succeeds."""
    first = _bench(tmp_path, 0)
    commands, whole = _submit_while_pulling(first, 0)
    first.journal.close()
    assert isinstance(whole, tuple)
    total, reading = len(commands), commands.index("CPS") - 2  # the Vitale's last two: choose the key, sign
    assert commands == ["Vitale"] * (reading + 2) + ["CPS"] * 2
    outcomes = []
    for position in range(1, total + 1):
        bench = _bench(tmp_path, position)
        _, result = _submit_while_pulling(bench, position)
        _whole(bench)
        assert isinstance(result, CardMute if position > reading else tuple)
        before = dict(bench.rows("SELECT number, patient_seal FROM sheets WHERE patient_seal IS NOT NULL"))
        replies = bench.submit(visit(acts=EVERYTHING))
        _whole(bench)
        outcomes.append((replies[1].outcome, replies[1].sheet, len(before)))
        kept = dict(bench.rows("SELECT number, patient_seal FROM sheets WHERE patient_seal IS NOT NULL"))
        assert before.items() <= kept.items()
        numbers = bench.rows("SELECT number, state, json_extract(record, '$.reason') FROM sheets ORDER BY number")
        assert numbers[:-1] == [(1, "void", "interrupted")] * (len(numbers) - 1)
        assert [kind for (kind,) in bench.rows("SELECT kind FROM papers WHERE kind = 'form_708'")] == ["form_708"]
        bench.journal.close()
    assert outcomes[:reading] == [(Outcome.DEGRADED, 1, 0)] * reading
    assert outcomes[reading : reading + 2] == [(Outcome.SECURED, 2, 0)] * 2
    assert outcomes[reading + 2 :] == [(Outcome.SECURED, 1, 1)] * 2


def _bench(folder: Path, rank: int) -> Bench:
    inside = folder / str(rank)
    inside.mkdir()
    return Bench(inside)


def _signed_by_the_patient(bench: Bench) -> None:
    """Submit the example and pull the cards out when the professional's card is asked to sign."""
    held = bench.doctor()

    def gone(command: bytes) -> bytes:
        raise ConnectionResetError(len(command))

    with pytest.raises(CardMute):
        bench.gateway.submit(
            visit(), CardsAtHand(ProfessionalCard(type(held.reader)(gone), held.holder), vitale("dutest"))
        )
    assert bench.state() == "patient_signed"


def test_a_restart_keeps_what_the_patient_signed(bench: Bench) -> None:
    """The patient has left with his card: after a restart the professional alone finishes the very same sheet."""
    _signed_by_the_patient(bench)
    ((seal, payload),) = bench.rows("SELECT patient_seal, payload FROM sheets")
    bench.reopen()
    assert bench.gateway.resume(bench.doctor()) == (1,)
    assert bench.rows("SELECT number, state, patient_seal, payload FROM sheets") == [(1, "queued", seal, payload)]
    assert bench.gateway.resume(bench.doctor()) == ()
    _whole(bench)
    (reply,) = bench.submit(visit(), None)
    assert (reply.outcome, reply.reason, reply.sheet) == (Outcome.SECURED, "secured-usable", 1)


def test_the_same_submission_finishes_without_the_patient(bench: Bench) -> None:
    """Submitted again with no Vitale in the reader: still the secured sheet that the patient signed, no twin."""
    _signed_by_the_patient(bench)
    (reply,) = bench.submit(visit(), None)
    assert (reply.outcome, reply.reason, reply.sheet, reply.total_cents) == (
        Outcome.SECURED,
        "secured-usable",
        1,
        3500,
    )
    assert bench.rows("SELECT * FROM papers") == []
    _whole(bench)


def test_only_its_own_professional_finishes_a_sheet(bench: Bench) -> None:
    """What one doctor's patient signed is not sealed by a colleague, neither by resume nor by submitting again."""
    _signed_by_the_patient(bench)
    assert bench.gateway.resume(bench.doctor("sage_femme")) == ()
    with pytest.raises(FseError) as refusal:
        bench.submit(visit(), "dutest", "sage_femme")
    assert (refusal.value.rule.id, bench.state()) == ("SEAL-PROFESSIONAL", "patient_signed")


def test_the_facts_that_a_patient_signed_cannot_change(bench: Bench) -> None:
    """SUBMIT-REFERENCE: corrected facts do not replace what was signed; they need a reference of their own."""
    _signed_by_the_patient(bench)
    with pytest.raises(GatewayError) as refusal:
        bench.submit(visit(acts=[{"code": "COD", "quantity": 2}]))
    assert refusal.value.rule.id == "SUBMIT-REFERENCE"
    assert bench.rows("SELECT number, state FROM sheets") == [(1, "patient_signed")]


@pytest.mark.sqlite
def test_facts_corrected_before_anybody_signed_make_a_new_sheet(bench: Bench) -> None:
    """A number that nobody signed is void; the corrected facts, not the old ones, are what is sealed."""
    commands, _ = _submit_while_pulling(bench, 0)
    inside = _bench(bench.path.parent, 1)
    _submit_while_pulling(inside, commands.index("CPS"))
    assert inside.state() == "reserved"
    (reply,) = inside.submit(visit(acts=[{"code": "COD"}], accident_by_third_party="2025-03-01"))
    assert (reply.sheet, inside.events(sheet=1)) == (2, ["reserve", "void"])
    ((payload,),) = inside.rows("SELECT payload FROM sheets WHERE state = 'queued'")
    assert b"2025-03-01" in payload
    inside.journal.close()


@pytest.mark.sqlite
def test_a_restart_voids_what_nobody_signed(bench: Bench) -> None:
    """Opening the gateway explains each gap: the number is void, with its reason and its event."""
    commands, _ = _submit_while_pulling(bench, 0)
    inside = _bench(bench.path.parent, 1)
    _submit_while_pulling(inside, commands.index("CPS"))
    inside.reopen()
    ((state, record),) = inside.rows("SELECT state, record FROM sheets")
    assert (state, json.loads(record)["reason"], inside.events(sheet=1)) == (
        "void",
        "interrupted",
        ["reserve", "void"],
    )
    inside.journal.close()


def test_an_answer_that_was_lost_is_given_again(bench: Bench) -> None:
    """Sealed but not answered (the program ended between the two): the same sheet, not a second one."""
    first = bench.submit(visit(acts=EVERYTHING))
    with bench.journal.write() as tx:
        tx._connection.exec_driver_sql("DELETE FROM submissions")  # noqa: SLF001 - as if it had never been written
        tx._connection.exec_driver_sql("DELETE FROM papers")  # noqa: SLF001 - stored with the answer
    assert bench.submit(visit(acts=EVERYTHING)) == first
    assert bench.counter("sheet") == 1


def test_a_lost_answer_stays_electronic_after_the_window(bench: Bench) -> None:
    """A sheet that was sealed in time is not doubled by a plain paper when its answer is asked for too late."""
    bench.submit(visit())
    with bench.journal.write() as tx:
        tx._connection.exec_driver_sql("DELETE FROM submissions")  # noqa: SLF001 - as if it had never been written
    bench.clock.move_to(datetime(2025, 3, 20, 8, tzinfo=UTC))
    (reply,) = bench.submit(visit())
    assert (reply.outcome, reply.sheet) == (Outcome.SECURED, 1)
    assert bench.rows("SELECT * FROM papers") == []


def test_an_unfinished_sheet_ends_as_one_paper(bench: Bench) -> None:
    """Never sealed in time: the sheet is void, a plain paper stands for it, and submitting again makes no second."""
    _signed_by_the_patient(bench)
    bench.clock.move_to(datetime(2025, 3, 15, 8, tzinfo=UTC))
    bench.gateway.dispatch.run()
    assert bench.state() == "void"
    (reply,) = bench.submit(visit())
    assert (reply.outcome, reply.reason) == (Outcome.PLAIN_PAPER, "too-late")
    assert bench.rows("SELECT kind, reference, part FROM papers") == [("plain", "V1", 0)]


def test_a_degraded_sheet_is_not_half_made(bench: Bench) -> None:
    """The professional's card fails on a degraded sheet: no sheet, no twin; once it works, one of each."""
    held = bench.doctor()
    gone = ProfessionalCard(type(held.reader)(lambda command: command[:0]), held.holder)
    with pytest.raises(CardMute):
        bench.gateway.submit(visit(vitale="absent"), CardsAtHand(gone))
    assert bench.rows("SELECT * FROM papers") == []
    (reply,) = bench.submit(visit(vitale="absent"), None)
    assert reply.sheet == 2
    assert bench.rows("SELECT kind, sheet FROM papers") == [("twin", 2)]


def test_a_sheet_of_the_midwife_waits_for_the_midwife(bench: Bench) -> None:
    """Two sheets wait for two professionals: each card seals its own, in the order of the numbers."""
    _signed_by_the_patient(bench)
    held = bench.doctor("sage_femme")
    silent = ProfessionalCard(type(held.reader)(lambda command: command[:0]), held.holder)
    facts = {"patient": patient("lexemple", child=None), "professional": professional("sage_femme")}
    encounter = visit("V2", **facts, acts=[{"code": "FHV", "weeks_of_pregnancy": 6}])
    with pytest.raises(CardMute):
        bench.gateway.submit(encounter, CardsAtHand(silent, vitale("lexemple")))
    assert bench.gateway.resume(bench.doctor("sage_femme")) == (2,)
    assert (bench.state(1), bench.state(2)) == ("patient_signed", "queued")
