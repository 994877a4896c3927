"""
What must hold on the road at every moment, whatever happened: each line of the law or of the house as one function.

An onlooker's account (:class:`tests.gateway.road_world.World`) is held against what the journal holds. Days are counted
with the ``holidays`` package; no figure comes from the code under test.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fse.arl import ArlResult
from fse.lifecycle import LOTS, SHEETS, PaperKind, PaperState, SheetFlag
from fse.lot import digest
from gateway.readers import CardsAtHand
from gateway.transport import Sending
from tests.fse import sheet_builders as build
from tests.gateway.road_world import day_of, jour_ouvre

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from gateway.journal import Entry, StoredPaper
    from tests.gateway.road_world import Books, World

__all__ = ["ALWAYS", "FIRST_WINDOW", "everything_ends", "hopeful_sheets", "the_same_answer_again"]

FIRST_WINDOW, SILENCE, AGAIN = 8, 2, 2
"""Jours ouvrés: CSS R161-47 I 1° with R161-42 10°; the two others R161-47 in its version of 1 January 1998."""
NEGATIVE = ("acknowledge_altered", "acknowledge_refused")
WAITING_TO_LEAVE = frozenset({"sealed", "queued", "in_lot", "altered", "overdue", "reemission_due", "refused"})
ENDED = frozenset({"acknowledged", "duplicata_due", "duplicata_sent"})
NOTHING_LEFT = frozenset({Sending.NOT_TAKEN, Sending.REFUSED})

# ------------------------------------------------------------------------------------- what the onlooker makes out


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a lot: when it began, and whether bytes may have left."""

    at: datetime
    lot: int
    left: bool


def attempts(world: World, sheet: int) -> list[Attempt]:
    """Return the attempts of the lots that held a sheet; one that was interrupted and taken up is one."""
    calls: dict[tuple[int, int], list[Any]] = {}
    for one in world.road.departures:
        if sheet in one.lot.sheets:
            calls.setdefault((one.label.file_number, one.attempt), []).append(one)
    return [
        Attempt(tries[0].at, tries[0].lot.lot.number, any(one.result not in NOTHING_LEFT for one in tries))
        for tries in calls.values()
    ]


def history(world: World, sheet: int) -> list[Entry]:
    """Return the events of a sheet."""
    return [one for one in world.events if one.sheet == sheet]


def care_day(world: World, books: Books, sheet: int) -> date:
    """Return the day on which the care of a sheet was given, as it was submitted."""
    reference = books.sheets[sheet].reference
    return next(one.day for one in world.submissions if one.encounter.reference == reference)


def deadline(world: World, books: Books, sheet: int) -> date:
    """Return the last day of the first emission of a sheet."""
    return jour_ouvre(care_day(world, books, sheet), FIRST_WINDOW)


def end_of_silence(world: World, sheet: int, before: list[Entry]) -> date:
    """Return the last day to wait for the answer to what had left last after the events ``before``."""
    begun = attempts(world, sheet)[: sum(one.name == "start_emission" for one in before)]
    return jour_ouvre(day_of(max(one.at for one in begun if one.left)), SILENCE)


def limit(world: World, books: Books, sheet: int, events: list[Entry]) -> date:
    """Return the last day to emit a sheet after ``events``: it grows once, with the first failure known."""
    first = deadline(world, books, sheet)
    for rank, event in enumerate(events):
        if event.name in NEGATIVE:
            return max(first, jour_ouvre(day_of(event.at), AGAIN))
        if event.name == "wait_expired":
            return max(first, jour_ouvre(end_of_silence(world, sheet, events[:rank]), AGAIN))
    return first


def believed(world: World, sheet: int) -> bool:
    """Tell whether the gateway has collected a positive answer to a lot with this sheet."""
    lots = {one.lot.lot.number for one in world.road.departures if sheet in one.lot.sheets}
    collected = (one.arl for one in world.road.mailbox if one.removed and one.arl is not None)
    return any(arl.result is ArlResult.POSITIVE and arl.lot_number in lots for arl in collected)


def live(books: Books, sheet: int, kind: PaperKind) -> list[StoredPaper]:
    """Return the papers of this kind that stand for a sheet."""
    papers = (one for one in books.papers if one.sheet == sheet and one.record.kind is kind)
    return [one for one in papers if one.record.state is not PaperState.VOID]


def posted(books: Books, sheet: int) -> bool:
    """Tell whether a duplicata of a sheet was posted."""
    return any(one.record.posted_at is not None for one in live(books, sheet, PaperKind.DUPLICATA))


# ---------------------------------------------------------------------------------------------- what must always hold


def no_answer_is_lost(world: World, books: Books) -> None:
    """Hold that what was answered is stored: the named sheet, sealed, with the deadline that was said and is right."""
    for one in world.submissions:
        for reply in one.replies:
            if reply.sheet is not None:
                stored = books.sheets[reply.sheet]
                assert stored.sealed, reply
                assert (stored.reference, stored.record.deadline) == (one.encounter.reference, reply.deadline)
                assert reply.deadline == jour_ouvre(one.day, FIRST_WINDOW)


def one_sheet_for_one_visit(_world: World, books: Books) -> None:
    """No care is on two sheets that stand."""
    standing = Counter((one.reference, one.part) for one in books.sheets.values() if one.record.state != "void")
    assert not [visit for visit, number in standing.items() if number > 1]


def sealed_bytes_never_change(world: World, books: Books) -> None:
    """Hold that a number has one sealed content, in the journal and in every lot."""
    copies = [(number, one.sealed) for number, one in books.sheets.items() if one.sealed]
    copies += [(number, data) for one in world.road.departures for number, data in one.lot.sheets.items()]
    for number, data in copies:
        assert world.sealed.setdefault(number, digest(data)) == digest(data), number


def caisses_hold_what_the_journal_holds(world: World, books: Books) -> None:
    """No caisse holds a sheet that the journal does not know by the same bytes, or finds fault with one."""
    for caisse in world.road.caisses.values():
        for (_, number), received in caisse.sheets.items():
            assert received.digest == digest(books.sheets[number].sealed or b"")
            assert not received.rejection
            assert books.sheets[number].organism == caisse.organism


def a_lot_leaves_unchanged(world: World, books: Books) -> None:
    """Under one number the same signed lot leaves each time, and it is the one in the journal."""
    for one in world.road.departures:
        stored = books.lots[one.label.lot_number]
        assert one.data == stored.signed
        assert one.lot.lot.number == stored.number
        assert one.lot.lot.file_number == one.label.file_number == stored.file_number


def a_lot_is_of_one_kind(world: World, books: Books) -> None:
    """One lot: one caisse, one mode, one cahier des charges."""
    for one in world.road.departures:
        kinds = {(s.organism, s.mode, s.specification) for s in map(books.sheets.__getitem__, one.lot.sheets)}
        assert kinds == {(one.label.organism, one.label.mode, one.lot.lot.specification)}


def a_sheet_changes_its_lot_for_a_reason(world: World, books: Books) -> None:
    """Hold that a sheet changes its lot only when the one before was refused, or held a sheet whose time was over."""
    refused = {one.arl.lot_number for one in world.road.mailbox if one.arl and one.arl.result is ArlResult.REFUSED}
    members = {one.lot.lot.number: one.lot.sheets for one in world.road.departures}
    for sheet in world.sealed:
        lots = list(dict.fromkeys(one.lot for one in attempts(world, sheet)))
        for given_up, later in pairwise(lots):
            opened = next(one.at for one in world.events if one.lot == later)
            limits = (limit(world, books, other, history(world, other)) for other in members[given_up])
            assert given_up in refused or any(found < day_of(opened) for found in limits), (sheet, lots)


def nothing_leaves_too_late(world: World, books: Books) -> None:
    """No attempt begins after the last day to emit; before any failure that is the 8th jour ouvré."""
    for sheet in world.sealed:
        events = history(world, sheet)
        starts = [rank for rank, one in enumerate(events) if one.name == "start_emission"]
        for one, rank in zip(attempts(world, sheet), starts, strict=True):
            assert day_of(one.at) <= limit(world, books, sheet, events[:rank]), (sheet, one)


def nothing_is_given_up_too_early(world: World, books: Books) -> None:
    """Hold that a sheet is given up for paper only once its last day is over."""
    for sheet in world.sealed:
        events = history(world, sheet)
        for rank, event in enumerate(events):
            if event.name in {"window_closed", "blocked"}:
                assert day_of(event.at) > limit(world, books, sheet, events[:rank]), (sheet, event.at)


def no_wait_is_cut_short(world: World, _books: Books) -> None:
    """Silence is a failure only after 2 whole jours ouvrés."""
    for sheet in world.sealed:
        events = history(world, sheet)
        for rank, event in enumerate(events):
            if event.name == "wait_expired":
                assert day_of(event.at) > end_of_silence(world, sheet, events[:rank]), (sheet, event.at)


def nobody_is_paid_twice(world: World, books: Books) -> None:
    """Hold that a sheet known to be received is not replaced by a posted duplicata without being flagged."""
    for number, stored in books.sheets.items():
        if posted(books, number):
            assert stored.record.state != "acknowledged"
            assert not believed(world, number) or SheetFlag.LATE_ANSWER in stored.record.flags, number


def one_paper_of_a_kind(_world: World, books: Books) -> None:
    """Never two papers of the same kind stand for one sheet."""
    for number in books.sheets:
        assert all(len(live(books, number, kind)) <= 1 for kind in PaperKind), number


def degraded_goes_with_its_twin(_world: World, books: Books) -> None:
    """Hold that a degraded sheet that no posted duplicata has replaced has exactly one live twin."""
    for number, stored in books.sheets.items():
        if stored.sealed and stored.mode == "degrade" and not posted(books, number):
            assert len(live(books, number, PaperKind.TWIN)) == 1, (number, stored.record.state)


def attempts_are_counted(world: World, books: Books) -> None:
    """Hold that attempts are those that the concentrator saw begin, and emissions at most those that may have left."""
    for number, stored in books.sheets.items():
        seen = attempts(world, number)
        assert stored.record.attempts == len(seen), number
        assert stored.record.emissions <= sum(one.left for one in seen), number


def acknowledged_means_received(world: World, books: Books) -> None:
    """Hold that what the journal takes for received is at its caisse."""
    for number, stored in books.sheets.items():
        if stored.record.state == "acknowledged":
            assert (build.BILLER, number) in world.road.caisses[stored.organism].sheets, number


def events_have_no_gap(world: World, _books: Books) -> None:
    """Events are numbered from 1 without a hole, in the order of time."""
    assert [one.id for one in world.events] == list(range(1, len(world.events) + 1))
    assert all(one.at <= later.at for one, later in pairwise(world.events))


def nothing_due_is_left(world: World, books: Books) -> None:
    """After dispatch has run, nothing waits whose time is over, by our count and by the tables."""
    if not world.settled:
        return
    now, policy = world.clock.now(), world.gateway.profile.policy
    for number, stored in books.sheets.items():
        if stored.record.state in WAITING_TO_LEAVE:
            assert day_of(now) <= limit(world, books, number, history(world, number)), number
        if stored.record.state in {"sent", "emission_started"}:
            assert day_of(now) <= end_of_silence(world, number, history(world, number)), number
    due = [SHEETS.next_due(one.record, policy) for one in books.sheets.values()]
    due += [LOTS.next_due(one.record, policy) for one in books.lots.values()]
    assert all(at > now for at in due if at is not None)


ALWAYS: tuple[Callable[[World, Books], None], ...] = (
    no_answer_is_lost,
    one_sheet_for_one_visit,
    sealed_bytes_never_change,
    caisses_hold_what_the_journal_holds,
    a_lot_leaves_unchanged,
    a_lot_is_of_one_kind,
    a_sheet_changes_its_lot_for_a_reason,
    nothing_leaves_too_late,
    nothing_is_given_up_too_early,
    no_wait_is_cut_short,
    nobody_is_paid_twice,
    one_paper_of_a_kind,
    degraded_goes_with_its_twin,
    attempts_are_counted,
    acknowledged_means_received,
    events_have_no_gap,
    nothing_due_is_left,
)


def the_same_answer_again(world: World) -> None:
    """Every submission made again is answered the same, without a card in the reader."""
    for one in world.submissions:
        assert world.gateway.submit(one.encounter, CardsAtHand(None)) == one.replies


def everything_ends(_world: World, books: Books, hopeful: set[int]) -> None:
    """In the end each sheet is received or on paper; received, when there was still time as the faults ended."""
    for number, stored in books.sheets.items():
        assert stored.record.state in ENDED, (number, stored.record.state)
        assert number not in hopeful or stored.record.state == "acknowledged", number


def hopeful_sheets(world: World, books: Books) -> set[int]:
    """Return the sheets that have at least tomorrow to leave, be it after the present silence."""
    today, found = day_of(world.clock.now()), set()
    for number, stored in books.sheets.items():
        events = history(world, number)
        last_day = limit(world, books, number, events)
        if stored.record.state in {"sent", "emission_started"}:
            silent = end_of_silence(world, number, events)
            hope = max(last_day, jour_ouvre(silent, AGAIN)) if stored.record.first_failure_on is None else last_day
            if hope > max(silent, today):
                found.add(number)
        elif stored.record.state in WAITING_TO_LEAVE and last_day > today:
            found.add(number)
    return found
