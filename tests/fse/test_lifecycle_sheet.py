"""Lives of sheets worked by hand: dates of 2024 and 2025, read on a calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fse.lifecycle import (
    SHEETS,
    DetailMissing,
    Effect,
    ImpossibleTransition,
    LifecycleError,
    Policy,
    PolicyName,
    SheetEvent,
    SheetFlag,
    SheetMode,
    SheetRecord,
    SheetState,
    Unit,
)
from fse.working_days import Calendar, Place

E, S = SheetEvent, SheetState
ARRAS = Calendar(Place("62"))
REGULATION = Policy(calendar=ARRAS)
DETAIL = {
    E.PUT_IN_LOT: "L1",
    E.VOID: "erreur de saisie",
    E.BLOCKED: "incendie du site",
    E.FAULT_FOUND: "signataire non habilité",
    E.RETURN_REJECTED: "9001",
    E.REGULARISE: "000000002",
    E.CORRECT: "000000002",
}
TO_LOT = (E.PATIENT_SIGN, E.SEAL, E.QUEUE, E.PUT_IN_LOT)
TO_SENT = (*TO_LOT, E.START_EMISSION, E.EMIT)


def at(text: str) -> datetime:
    """Read an instant «2024-05-06 10:00», UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sheet(established_on: str, policy: Policy = REGULATION, mode: SheetMode = SheetMode.SECURED) -> SheetRecord:
    """Return a reserved sheet."""
    return SheetRecord.reserve("000000001", mode, date.fromisoformat(established_on), policy)


def live(record: SheetRecord, now: str, *events: SheetEvent, policy: Policy = REGULATION) -> SheetRecord:
    """Return ``record`` after ``events``, all at ``now``."""
    for event in events:
        record = SHEETS.advance(record, event, at(now), policy, DETAIL.get(event, "")).record
    return record


def settle(record: SheetRecord, now: str, policy: Policy = REGULATION) -> SheetRecord:
    """Return ``record`` after everything that time alone has made due."""
    steps = SHEETS.settle(record, at(now), policy)
    return steps[-1].record if steps else record


def in_outage(policy: Policy) -> SheetRecord:
    """Return the sheet of Friday 26 April 2024 whose attempts of 26, 29 and 30 April met a closed door."""
    record = live(sheet("2024-04-26", policy), "2024-04-26 09:00", *TO_LOT, policy=policy)
    for day in ("2024-04-26", "2024-04-29", "2024-04-30"):
        record = live(record, f"{day} 10:00", E.START_EMISSION, E.EMISSION_FAILED, policy=policy)
    return record


def test_outage_counts_attempts_but_no_emission() -> None:
    """Protects the count: a refused connection is a failed attempt of the first emission, not an emission."""
    record = in_outage(REGULATION)
    assert (record.state, record.attempts, record.emissions) == (S.IN_LOT, 3, 0)
    assert (record.first_emitted_at, record.first_failure_on, record.reemission_limit) == (None, None, None)
    assert record.deadline == date(2024, 5, 13)


def test_outage_in_working_days_ends_with_one_payment() -> None:
    """Protects the outage of spring 2024: sent on 6 May, silence, sent again inside the limit, paid once."""
    record = live(in_outage(REGULATION), "2024-05-06 09:00", E.START_EMISSION, E.EMIT)
    # 7 May is the first day, 8 and 9 May (Ascension) are holidays, 10 May the second
    assert SHEETS.next_due(record, REGULATION) == at("2024-05-10 22:00")
    assert SHEETS.due_event(record, at("2024-05-10 21:59"), REGULATION) is None
    record = settle(record, "2024-05-11 08:00")
    assert (record.state, record.first_failure_on) == (S.REEMISSION_DUE, date(2024, 5, 10))
    assert record.reemission_limit == date(2024, 5, 14)
    record = live(record, "2024-05-14 21:59", E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_POSITIVE)
    record = live(record, "2024-05-28 08:00", E.RETURN_PAID, E.CLOSE)
    assert (record.state, record.paid, record.emissions, record.attempts) == (S.CLOSED, True, 2, 5)
    assert record.first_emitted_at == at("2024-05-06 09:00")


def test_outage_in_calendar_days_ends_with_a_duplicata() -> None:
    """Protects the other reading: the window closed on 4 May, no first emission afterwards."""
    policy = Policy(calendar=ARRAS, unit=Unit.CALENDAR)
    record = in_outage(policy)
    assert SHEETS.next_due(record, policy) == at("2024-05-04 22:00")
    with pytest.raises(ImpossibleTransition) as caught:
        live(record, "2024-05-06 09:00", E.START_EMISSION, policy=policy)
    assert caught.value.rule.id == "LIFE-CONDITION"
    assert "le délai d'émission court encore" in caught.value.message()
    record = settle(record, "2024-05-06 09:00", policy)
    assert (record.state, record.reason) == (S.DUPLICATA_DUE, "first_window_over")


@pytest.mark.parametrize(
    ("name", "limit", "state_on_18_march"),
    [
        (PolicyName.REGULATION, date(2025, 3, 19), S.REEMISSION_DUE),
        (PolicyName.SAME_WINDOW, date(2025, 3, 13), S.DUPLICATA_DUE),
        (PolicyName.R161_47_1998, date(2025, 3, 19), S.REEMISSION_DUE),
    ],
)
def test_emitted_on_the_last_day(name: PolicyName, limit: date, state_on_18_march: SheetState) -> None:
    """Protects the three profiles on the sheet of Monday 3 March 2025, emitted on Thursday 13 March, unanswered."""
    policy = Policy(calendar=ARRAS, name=name)
    record = live(sheet("2025-03-03", policy), "2025-03-13 22:59", *TO_SENT, policy=policy)
    assert record.emission_limit == date(2025, 3, 13)
    record = settle(record, "2025-03-18 08:00", policy)
    assert (record.reemission_limit, record.state) == (limit, state_on_18_march)


def test_text_of_1998_closes_before_the_window() -> None:
    """Protects the strict profile: 2 jours ouvrés after the failure, though the first window still runs."""
    policy = Policy(calendar=ARRAS, name=PolicyName.R161_47_1998)
    record = live(sheet("2025-03-03", policy), "2025-03-03 15:00", *TO_SENT, E.ACKNOWLEDGE_ALTERED, policy=policy)
    assert record.reemission_limit == date(2025, 3, 5)
    record = settle(record, "2025-03-06 08:00", policy)
    assert (record.state, record.reason) == (S.DUPLICATA_DUE, "reemission_window_over")


def test_limit_does_not_roll() -> None:
    """Protects the limit against later failures: it runs from the first one."""
    record = live(sheet("2025-03-03"), "2025-03-13 10:00", *TO_SENT, E.ACKNOWLEDGE_ALTERED)
    assert (record.first_failure_on, record.reemission_limit) == (date(2025, 3, 13), date(2025, 3, 17))
    record = live(record, "2025-03-14 10:00", E.REEMIT, E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_ALTERED)
    assert (record.first_failure_on, record.reemission_limit) == (date(2025, 3, 13), date(2025, 3, 17))
    assert record.last_failure_at == at("2025-03-14 10:00")


def test_limit_outlives_a_change_of_policy() -> None:
    """Protects a sheet on its way: its limit was fixed by the policy in force when the first failure was known."""
    record = live(sheet("2025-03-03"), "2025-03-13 10:00", *TO_SENT, E.ACKNOWLEDGE_ALTERED)
    changed = Policy(calendar=ARRAS, name=PolicyName.SAME_WINDOW)
    again = (E.REEMIT, E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_ALTERED)
    assert live(record, "2025-03-14 10:00", *again, policy=changed).reemission_limit == date(2025, 3, 17)


def test_spent_emissions_make_the_duplicata_due_at_the_failure() -> None:
    """Protects the limit in number: after two emissions out of two, the duplicata is due when the second failed."""
    policy = Policy(calendar=ARRAS, max_emissions=2)
    record = live(sheet("2025-03-03", policy), "2025-03-03 15:00", *TO_SENT, E.ACKNOWLEDGE_ALTERED, policy=policy)
    assert SHEETS.due_event(record, at("2025-03-03 15:00"), policy) is E.REEMIT
    record = live(record, "2025-03-04 09:00", E.REEMIT, E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_ALTERED, policy=policy)
    assert SHEETS.next_due(record, policy) == at("2025-03-04 09:00")
    assert SHEETS.due_event(record, at("2025-03-04 09:00"), policy) is E.WINDOW_CLOSED
    record = settle(record, "2025-03-04 09:00", policy)
    assert (record.state, record.reason) == (S.DUPLICATA_DUE, "emissions_spent")


def test_a_crash_while_sending_is_an_emission() -> None:
    """Protects the doubt after a crash: bytes may have left, so silence is waited for and the answer is accepted."""
    record = live(sheet("2025-03-03"), "2025-03-03 15:00", *TO_LOT, E.START_EMISSION)
    answered = live(record, "2025-03-04 09:00", E.ACKNOWLEDGE_POSITIVE)
    assert (answered.state, answered.emissions, answered.last_emitted_at) == (S.ACKNOWLEDGED, 1, at("2025-03-03 15:00"))
    assert SHEETS.next_due(record, REGULATION) == at("2025-03-05 23:00")
    silent = settle(record, "2025-03-06 00:00")
    assert (silent.state, silent.emissions, silent.first_failure_on) == (S.REEMISSION_DUE, 1, date(2025, 3, 5))
    with pytest.raises(ImpossibleTransition):
        live(record, "2025-03-04 09:00", E.WAIT_EXPIRED)


def test_the_wait_counts_from_the_last_start() -> None:
    """Protects the second wait, a crash while sending again included."""
    record = live(sheet("2025-03-03"), "2025-03-03 15:00", *TO_SENT, E.ACKNOWLEDGE_ALTERED, E.REEMIT)
    record = live(record, "2025-03-07 09:00", E.START_EMISSION)
    assert SHEETS.next_due(record, REGULATION) == at("2025-03-11 23:00")
    assert SHEETS.next_due(live(record, "2025-03-07 09:01", E.EMIT), REGULATION) == at("2025-03-11 23:00")


def test_an_answer_may_overtake_the_sending() -> None:
    """Protects the answer to the first emission that comes while the second is leaving."""
    record = live(sheet("2025-03-03"), "2025-03-03 15:00", *TO_SENT, E.ACKNOWLEDGE_ALTERED, E.REEMIT)
    record = live(record, "2025-03-04 09:00", E.START_EMISSION, E.ACKNOWLEDGE_ALTERED)
    ended = live(record, "2025-03-04 09:05", E.EMIT)
    assert (ended.state, ended.emissions, ended.last_failure_at) == (S.ALTERED, 2, at("2025-03-04 09:00"))


def test_a_reemission_that_cannot_connect_stays_due() -> None:
    """Protects the difference: a second attempt whose bytes never left goes back to «re-emission due»."""
    record = live(sheet("2025-03-03"), "2025-03-03 15:00", *TO_SENT, E.ACKNOWLEDGE_ALTERED, E.REEMIT)
    record = live(record, "2025-03-04 09:00", E.START_EMISSION, E.EMISSION_FAILED)
    assert (record.state, record.emissions, record.attempts) == (S.REEMISSION_DUE, 1, 2)
    assert record.last_emitted_at == at("2025-03-03 15:00")


def test_degraded_sheet_has_a_twin_until_it_is_regularised() -> None:
    """Protects regularisation: before emission a new number replaces sheet and twin; afterwards the twin stands."""
    degraded = sheet("2025-03-03", mode=SheetMode.DEGRADED)
    step = SHEETS.advance(degraded, E.SEAL, at("2025-03-03 15:00"), REGULATION)
    assert step.effects == (Effect.MAKE_PAPER_TWIN,)
    step = SHEETS.advance(step.record, E.REGULARISE, at("2025-03-03 16:00"), REGULATION, " 000000002 ")
    assert (step.record.state, step.record.successor, step.effects) == (S.VOID, "000000002", (Effect.VOID_PAPER,))
    queued = live(degraded, "2025-03-03 15:00", E.SEAL, E.QUEUE)
    assert live(queued, "2025-03-03 16:00", E.REGULARISE).state is S.VOID
    emitted = live(queued, "2025-03-03 16:00", E.PUT_IN_LOT, E.START_EMISSION, E.EMIT)
    with pytest.raises(ImpossibleTransition, match="LIFE-NO-ROW"):
        live(emitted, "2025-03-03 17:00", E.REGULARISE)
    with pytest.raises(ImpossibleTransition, match="LIFE-CONDITION"):
        live(sheet("2025-03-03"), "2025-03-03 15:00", E.SEAL)


def test_a_void_needs_a_reason_and_comes_before_any_emission() -> None:
    """Protects the gaps in the numbers: each has a written reason, and no emitted sheet disappears."""
    with pytest.raises(DetailMissing) as caught:
        SHEETS.advance(sheet("2025-03-03"), E.VOID, at("2025-03-03 15:00"), REGULATION, "  ")
    assert caught.value.facts["detail"] == "reason"
    assert live(sheet("2025-03-03"), "2025-03-03 15:00", E.VOID).reason == "erreur de saisie"
    back = live(sheet("2025-03-03"), "2025-03-03 15:00", *TO_SENT, E.ACKNOWLEDGE_REFUSED, E.REQUEUE)
    with pytest.raises(ImpossibleTransition):
        live(back, "2025-03-03 16:00", E.VOID)


def test_found_after_its_window() -> None:
    """Protects the forgotten sheet: plain paper when unsealed, duplicata when sealed, each with its reason."""
    forgotten = SHEETS.settle(sheet("2025-03-03"), at("2025-03-13 23:00"), REGULATION)
    assert [(step.record.state, step.effects) for step in forgotten] == [(S.VOID, (Effect.MAKE_PLAIN_PAPER,))]
    assert forgotten[0].record.reason == "first_window_over"
    signed = live(sheet("2025-03-03"), "2025-03-03 15:00", E.PATIENT_SIGN)
    assert settle(signed, "2025-03-13 22:59") is signed
    assert settle(signed, "2025-03-14 08:00").state is S.VOID
    sealed = SHEETS.settle(live(signed, "2025-03-03 15:00", E.SEAL), at("2025-03-14 08:00"), REGULATION)
    assert [(step.record.state, step.effects) for step in sealed] == [(S.DUPLICATA_DUE, (Effect.PROPOSE_DUPLICATA,))]


def test_beyond_control_needs_a_reason_and_no_failure() -> None:
    """Protects the second trigger of the duplicata: no failed attempt is needed, a reason is."""
    sealed = live(sheet("2025-03-03"), "2025-03-03 15:00", E.PATIENT_SIGN, E.SEAL)
    with pytest.raises(DetailMissing):
        SHEETS.advance(sealed, E.BLOCKED, at("2025-03-03 16:00"), REGULATION)
    blocked = live(sealed, "2025-03-03 16:00", E.BLOCKED)
    assert (blocked.state, blocked.reason) == (S.DUPLICATA_DUE, "incendie du site")


def test_duplicata_with_attestation() -> None:
    """Protects the way of the paper: sent, attested once at most, closed; denied, closed and somebody told."""
    sent = live(sheet("2025-03-03"), "2025-03-04 09:00", E.PATIENT_SIGN, E.SEAL, E.BLOCKED, E.DUPLICATA_ISSUED)
    assert sent.replaced
    attested = live(sent, "2025-03-10 09:00", E.ASK_ATTESTATION, E.ATTESTATION_GIVEN)
    assert (attested.state, set(attested.flags)) == (S.DUPLICATA_SENT, {SheetFlag.ATTESTED})
    with pytest.raises(ImpossibleTransition, match="LIFE-CONDITION"):
        live(attested, "2025-03-11 09:00", E.ASK_ATTESTATION)
    closed = live(attested, "2025-03-20 09:00", E.CLOSE)
    assert (closed.state, closed.paid, closed.has_return) == (S.CLOSED, False, False)
    asked = live(sent, "2025-03-10 09:00", E.ASK_ATTESTATION)
    denied = SHEETS.advance(asked, E.ATTESTATION_DENIED, at("2025-03-12 09:00"), REGULATION)
    assert (denied.record.state, denied.effects) == (S.CLOSED, (Effect.TELL_PERSON,))


def unanswered_until_duplicata() -> SheetRecord:
    """Return the sheet of 3 March 2025 that got no answer at all, at the moment its duplicata is due."""
    record = settle(live(sheet("2025-03-03"), "2025-03-04 09:00", *TO_SENT), "2025-03-14 08:00")
    assert (record.state, record.reason) == (S.DUPLICATA_DUE, "reemission_window_over")
    return record


@pytest.mark.parametrize("event", [E.ACKNOWLEDGE_POSITIVE, E.RETURN_PAID, E.RETURN_PARTLY])
def test_an_answer_before_the_duplicata_makes_it_useless(event: SheetEvent) -> None:
    """Protects against a double demand: the sheet had arrived, the paper is voided."""
    step = SHEETS.advance(unanswered_until_duplicata(), event, at("2025-03-14 09:00"), REGULATION)
    assert Effect.VOID_DUPLICATA in step.effects
    assert step.record.state in {S.ACKNOWLEDGED, S.PAID, S.PARTLY_PAID}


@pytest.mark.parametrize("event", [E.ACKNOWLEDGE_POSITIVE, E.ACKNOWLEDGE_REFUSED, E.RETURN_PAID, E.RETURN_REJECTED])
def test_an_answer_after_the_duplicata_is_flagged(event: SheetEvent) -> None:
    """Protects against paying twice: the late answer is kept and flagged, the sheet is not paid."""
    replaced = live(unanswered_until_duplicata(), "2025-03-14 09:00", E.DUPLICATA_ISSUED)
    step = SHEETS.advance(replaced, event, at("2025-03-20 09:00"), REGULATION, DETAIL.get(event, ""))
    assert (step.record.state, step.record.paid) == (S.DUPLICATA_SENT, False)
    assert step.record.flags == {SheetFlag.LATE_ANSWER}
    assert step.record.reason == "reemission_window_over"
    assert step.record.has_return == event.value.startswith("return")
    assert step.effects == (Effect.FLAG_LATE_ANSWER,)


def test_a_rejected_sheet_is_corrected_by_a_new_one_with_its_own_window() -> None:
    """Protects the correction: a new number, 8 jours ouvrés from the day in Paris on which the rejection came."""
    rejected = live(sheet("2025-03-03"), "2025-03-04 09:00", *TO_SENT, E.ACKNOWLEDGE_POSITIVE)
    rejected = live(rejected, "2025-04-15 22:30", E.RETURN_REJECTED)
    assert (rejected.state, rejected.reason, rejected.rejected_on) == (S.REJECTED, "9001", date(2025, 4, 16))
    new = SheetRecord.correcting(rejected, "000000002", SheetMode.SECURED, REGULATION)
    assert (new.number, new.corrects, new.deadline) == ("000000002", "000000001", date(2025, 4, 29))
    corrected = live(rejected, "2025-04-16 09:00", E.CORRECT)
    assert (corrected.state, corrected.successor) == (S.CORRECTED, "000000002")
    late = live(corrected, "2025-04-20 09:00", E.RETURN_PAID)
    assert (late.paid, set(late.flags)) == (False, {SheetFlag.LATE_ANSWER})
    with pytest.raises(LifecycleError, match="LIFE-NOT-REJECTED"):
        SheetRecord.correcting(sheet("2025-03-03"), "000000002", SheetMode.SECURED, REGULATION)


def test_a_sheet_at_fault_in_a_refused_lot() -> None:
    """Protects the two ways out of a refusal: the sound sheet is queued again, the faulty one is rejected."""
    refused = live(sheet("2025-03-03"), "2025-03-04 09:00", *TO_SENT, E.ACKNOWLEDGE_REFUSED)
    again = live(refused, "2025-03-06 09:00", E.REQUEUE, E.PUT_IN_LOT, E.START_EMISSION, E.EMIT)
    assert (again.state, again.emissions) == (S.SENT, 2)
    faulty = live(refused, "2025-03-06 09:00", E.FAULT_FOUND)
    assert (faulty.state, faulty.rejected_on) == (S.REJECTED, date(2025, 3, 4))
    with pytest.raises(ImpossibleTransition, match="LIFE-CONDITION"):
        live(faulty, "2025-03-06 09:00", E.CLOSE)


def test_returns_in_several_steps() -> None:
    """Protects deferred, partly paid and rejected sheets: each may still be paid, a second payment is flagged."""
    known = live(sheet("2025-03-03"), "2025-03-04 09:00", *TO_SENT, E.ACKNOWLEDGE_POSITIVE)
    paid = live(known, "2025-03-20 09:00", E.RETURN_DEFERRED, E.RETURN_PARTLY, E.RETURN_DEFERRED, E.RETURN_PAID)
    assert (paid.state, paid.flags) == (S.PAID, frozenset())
    twice = live(paid, "2025-03-21 09:00", E.RETURN_PAID)
    assert (twice.state, set(twice.flags)) == (S.PAID, {SheetFlag.LATE_ANSWER})
    revised = live(known, "2025-03-20 09:00", E.RETURN_REJECTED)
    kept = live(replace(revised, reason="9001"), "2025-04-20 09:00", E.RETURN_REJECTED)
    assert (kept.rejected_on, kept.reason) == (date(2025, 3, 20), "9001")
    assert live(kept, "2025-04-21 09:00", E.RETURN_PAID, E.CLOSE).state is S.CLOSED


@pytest.mark.parametrize(
    ("events", "code", "by"),
    [
        ((), "sign", date(2025, 3, 13)),
        (TO_LOT, "emit", date(2025, 3, 13)),
        (TO_SENT, "await_acknowledgement", date(2025, 3, 5)),
        ((*TO_SENT, E.ACKNOWLEDGE_ALTERED), "emit_again", date(2025, 3, 13)),
        ((*TO_SENT, E.ACKNOWLEDGE_POSITIVE), "await_return", None),
        ((E.VOID,), "none", None),
    ],
)
def test_next_action(events: tuple[SheetEvent, ...], code: str, by: date | None) -> None:
    """Protects what every reply says: the next thing to do and its last day."""
    record = live(sheet("2025-03-03"), "2025-03-03 15:00", *events)
    action = SHEETS.next_action(record, at("2025-03-03 15:00"), REGULATION)
    assert (action.code, action.by) == (code, by)
    assert action.source
    assert action.text("fr") != action.text("en")


def test_next_action_counts_with_what_is_due() -> None:
    """Protects the agenda of a gateway that slept: what is due has happened before anything is advised."""
    sealed = live(sheet("2025-03-03"), "2025-03-03 15:00", E.PATIENT_SIGN, E.SEAL)
    assert SHEETS.next_action(sealed, at("2025-03-20 08:00"), REGULATION).code == "issue_duplicata"


def test_an_impossible_event_says_what_is_possible() -> None:
    """Protects the message: state, event and the way on, in both languages, and the record left as it was."""
    record = sheet("2025-03-03")
    with pytest.raises(ImpossibleTransition) as caught:
        live(record, "2025-03-03 15:00", E.RETURN_PAID)
    assert caught.value.facts["possible"] == "patient_sign, void"
    assert "return_paid" in caught.value.message("en")
    assert record == sheet("2025-03-03")
    with pytest.raises(ImpossibleTransition) as dead:
        live(live(record, "2025-03-03 15:00", E.VOID), "2025-03-03 15:00", E.SEAL)
    assert dead.value.facts["possible"] == "—"
