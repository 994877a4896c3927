"""
The whole road in one process and without a socket: gateway, concentrator, caisses, one simulated clock.

The gateway, its journal, the cards and the caisses are the real ones of the simulation. The concentrator is ours: each
file and each answer meets the fate that the test has planned for it. :class:`World` keeps what an onlooker outside the
gateway sees; ``test_road_machine`` holds the two against each other.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import holidays

from fse.arl import Arl, sign_arl, verify_arl
from fse.lifecycle import PaperEvent, PaperKind, PaperState
from fse.lot import SignedLot, open_lot
from fse.trust import TrustStore
from gateway.clock import SimulatedClock
from gateway.envelopes import make_envelope, open_envelope
from gateway.journal import Journal
from gateway.party import signer_of
from gateway.profile import load_profile
from gateway.readers import CardsAtHand
from gateway.service import Gateway, Surroundings
from gateway.signing_period import SigningPeriod
from gateway.simulator.caisse import Caisse
from gateway.transport import Sending, TransportError
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, insert, party_of, patient, visit, vitale

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fse.encounter import Encounter
    from gateway.journal import Entry, StoredLot, StoredPaper, StoredSheet
    from gateway.reply import Reply
    from gateway.routing_label import FileLabel

PARIS = ZoneInfo("Europe/Paris")
FAMILIES = ("lexemple", "invente")
"""Two adults alone on their cards: one of each caisse."""
HOURS, DAYS = timedelta(hours=5), timedelta(days=6)


class Fate(StrEnum):
    """What becomes of one file on its way."""

    ARRIVES = "arrives"
    NOT_TAKEN = "lost before the concentrator"
    REFUSED = "refused for good"
    VANISHES = "taken and never delivered"
    SILENT = "delivered, and the sender is told nothing"
    CUT = "nothing was kept, and the sender is told nothing"
    ALTERED = "one bit altered"
    MISLABELLED = "delivered under the label of the file before it"
    TWICE = "delivered twice"
    LATE = "delivered hours later"
    VERY_LATE = "delivered days later"
    KILLED_BEFORE = "the sender dies before a byte leaves"
    KILLED_AFTER = "the sender dies once the file was taken"


class AnswerFate(StrEnum):
    """What becomes of one acknowledgement."""

    ARRIVES = "arrives"
    LOST = "lost"
    LATE = "hours later"
    VERY_LATE = "days later"
    TWICE = "twice"
    SWAPPED = "says the numbers of another lot"


_TOLD = {
    Fate.NOT_TAKEN: Sending.NOT_TAKEN,
    Fate.REFUSED: Sending.REFUSED,
    Fate.SILENT: Sending.UNKNOWN,
    Fate.CUT: Sending.UNKNOWN,
    Fate.KILLED_BEFORE: None,
    Fate.KILLED_AFTER: None,
}
_NOTHING_KEPT = frozenset({Fate.NOT_TAKEN, Fate.REFUSED, Fate.CUT, Fate.KILLED_BEFORE})
_LATENESS = {Fate.LATE: HOURS, Fate.VERY_LATE: DAYS}
_ANSWER_LATENESS = {AnswerFate.LATE: HOURS, AnswerFate.VERY_LATE: DAYS}


class Killed(BaseException):
    """The process of the gateway dies here: nothing that it would still do happens."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One call of the transport: ``result`` is what the sender was told, None when it died."""

    at: datetime
    label: FileLabel
    attempt: int
    envelope: bytes
    data: bytes
    lot: SignedLot
    result: Sending | None


@dataclass(slots=True)
class Message:
    """Something in the mailbox from ``at`` on; ``arl`` is what a caisse really said, None for anything else."""

    at: datetime
    data: bytes
    arl: Arl | None
    removed: bool = False


@dataclass
class Road:
    """The transport of the gateway, the concentrator and the caisses behind it."""

    clock: SimulatedClock
    trust: TrustStore
    caisses: dict[str, Caisse]
    fates: deque[Fate] = field(default_factory=deque)
    answer_fates: deque[AnswerFate] = field(default_factory=deque)
    closed_until: dict[str, datetime] = field(default_factory=dict)
    departures: list[Departure] = field(default_factory=list)
    mailbox: list[Message] = field(default_factory=list)
    before_death: Callable[[], None] = lambda: None
    _taken: set[tuple[int, int]] = field(default_factory=set)
    _waiting: list[tuple[datetime, FileLabel, bytes]] = field(default_factory=list)

    # ------------------------------------------------------------------------------------------------ the transport

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """Take one file as its fate will have it."""
        fate = self.fates.popleft() if self.fates else Fate.ARRIVES
        if self._is_closed(label.organism):
            fate = Fate.NOT_TAKEN
        result = _TOLD.get(fate, Sending.TAKEN)
        data = open_envelope(envelope, self.caisses[label.organism].party)
        departure = Departure(self.clock.now(), label, attempt, envelope, data, open_lot(data), result)
        before = self.departures[-1].label if self.departures else label
        self.departures.append(departure)
        if fate not in _NOTHING_KEPT and (label.file_number, attempt) not in self._taken:
            self._taken.add((label.file_number, attempt))
            self._carry(label, envelope, fate, before)
        if result is None:
            self.before_death()
            raise Killed
        return result, fate.value

    def messages(self, biller: str) -> list[str]:
        """Return the names of what waits."""
        assert biller == build.BILLER
        if self._is_closed(biller):
            raise TransportError("TRANSPORT", address="concentrator.test", reason="HTTP 503")
        self.deliver_what_waits()
        now = self.clock.now()
        return [str(name) for name, one in enumerate(self.mailbox) if one.at <= now and not one.removed]

    def fetch(self, biller: str, message: str) -> bytes:
        """Return one message."""
        assert biller == build.BILLER
        return self.mailbox[int(message)].data

    def remove(self, biller: str, message: str) -> None:
        """Remove one message."""
        assert biller == build.BILLER
        self.mailbox[int(message)].removed = True

    # --------------------------------------------------------------------------------------------- the concentrator

    def _is_closed(self, name: str) -> bool:
        return self.closed_until.get(name, self.clock.now()) > self.clock.now()

    def _carry(self, label: FileLabel, envelope: bytes, fate: Fate, before: FileLabel) -> None:
        if fate is Fate.VANISHES:
            return
        if fate is Fate.ALTERED:
            envelope = envelope[:-1] + bytes((envelope[-1] ^ 1,))
        if fate is Fate.MISLABELLED and before.organism == label.organism:
            label = before
        at = self.clock.now() + _LATENESS.get(fate, timedelta())
        self._waiting += [(at, label, envelope)] * (2 if fate is Fate.TWICE else 1)
        self.deliver_what_waits()

    def deliver_what_waits(self) -> None:
        """Deliver the files whose hour has come to the caisses that are open."""
        waiting, self._waiting = self._waiting, []
        for at, label, envelope in waiting:
            if at > self.clock.now() or self._is_closed(label.organism):
                self._waiting.append((at, label, envelope))
            else:
                self._answer(label, self.caisses[label.organism].receive(label, envelope))

    def _answer(self, label: FileLabel, message: bytes) -> None:
        fate = self.answer_fates.popleft() if self.answer_fates else AnswerFate.ARRIVES
        biller = party_of(build.party(build.BILLER))
        arl = verify_arl(open_envelope(message, biller), self.trust)
        now = self.clock.now()
        if fate is AnswerFate.SWAPPED:
            others = [one.label for one in self.departures if one.label.lot_number != label.lot_number]
            if others:
                said = replace(arl, lot_number=others[-1].lot_number, file_number=others[-1].file_number)
                signed = sign_arl(said, signer_of(self.caisses[label.organism].party), now)
                self.mailbox.append(Message(now, make_envelope(signed, biller.certificate), None))
        elif fate is not AnswerFate.LOST:
            at = now + _ANSWER_LATENESS.get(fate, timedelta())
            self.mailbox += [Message(at, message, arl) for _ in range(2 if fate is AnswerFate.TWICE else 1)]

    def end_of_faults(self) -> None:
        """From now on everything works; what was delayed still comes late."""
        self.fates.clear()
        self.answer_fates.clear()
        self.closed_until.clear()
        for caisse in self.caisses.values():
            caisse.trust = self.trust


@cache
def distrust() -> TrustStore:
    """Return the trust of a caisse to which the doctor's card is revoked: it refuses whole lots."""
    pki = build.new_pki()
    pki.revoke(build.cps("medecin").certificate, datetime(2025, 1, 1, tzinfo=UTC))
    return TrustStore.load(build.trust_files(pki))


# ---------------------------------------------------------------------------------------------- days, by our own count

_FREE_DAYS = holidays.country_holidays("FR")


def day_of(moment: datetime) -> date:
    """Return the day in Paris."""
    return moment.astimezone(PARIS).date()


def jour_ouvre(start: date, rank: int) -> date:
    """Return the day that is that many jours ouvrés after ``start``."""
    while rank > 0:
        start += timedelta(days=1)
        rank -= start.weekday() < 5 and start not in _FREE_DAYS
    return start


def at_paris(day: date, hour: time) -> datetime:
    """Return an hour of a day in Paris, in UTC."""
    return datetime.combine(day, hour, PARIS).astimezone(UTC)


# ----------------------------------------------------------------------------------------------------------- the world


@dataclass(frozen=True, slots=True)
class Submission:
    """What was submitted, on which day care was given, and what was answered."""

    encounter: Encounter
    family: str | None
    day: date
    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """What the journal holds, at one moment."""

    sheets: dict[int, StoredSheet]
    lots: dict[int, StoredLot]
    papers: tuple[StoredPaper, ...]


class World:
    """One gateway and its road; ``settled``: dispatch has just done everything that is due now."""

    def __init__(self, folder: Path, start: datetime) -> None:
        self.path = folder / "journal.db"
        self.clock = SimulatedClock(start)
        self.biller = build.party(build.BILLER)
        parties = {code: build.party(code) for code in (ARTOIS, OPALE)}
        trust, known = build.trust(), {build.BILLER: self.biller.certificate}
        caisses = {code: Caisse(code, party_of(one), trust, known, self.clock) for code, one in parties.items()}
        self.road = Road(self.clock, trust, caisses)
        self.submissions: list[Submission] = []
        self.events: list[Entry] = []
        self.sealed: dict[int, str] = {}
        self.settled = False
        self._openings = count()
        self._keys = count()
        self.open()

    def open(self) -> None:
        """Open the journal and a new gateway over it, as a process that starts."""
        self.journal = Journal(self.path, self.clock)
        self.gateway = Gateway(
            self.journal,
            Surroundings(
                profile=load_profile(),
                clock=self.clock,
                transport=self.road,
                trust=self.road.trust,
                biller=party_of(self.biller),
                caisses={code: one.party.certificate for code, one in self.road.caisses.items()},
                opposed_cards=frozenset(),
                random_key=lambda: f"random-{next(self._keys)}",
                chance=lambda: 0.5,
                worker=f"worker-{next(self._openings)}",
            ),
        )
        leases = self.gateway.dispatch.leases
        leases.monotonic = lambda: self.clock.now().timestamp()

        def die() -> None:
            leases.worker = "nobody"  # a dead process lets nothing go

        self.road.before_death = die

    def restart(self) -> None:
        """Close everything and start again."""
        self.journal.close()
        self.open()

    def _alive(self, work: Callable[[], object]) -> bool:
        """Have the gateway do some work; when it dies, start it again. Tell whether it came to the end."""
        try:
            work()
        except Killed:
            self.restart()
            return False
        return True

    # ------------------------------------------------------------------------------------------------- what people do

    def submit(self, family: str, *, with_card: bool, days_ago: int) -> tuple[Reply, ...]:
        """Submit care that was given some days ago, with or without the Vitale in the reader."""
        at = self.clock.now() - timedelta(days=days_ago)
        encounter = visit(
            f"V{len(self.submissions)}",
            at=at.isoformat(),
            patient=patient(family, child=None),
            acts=[{"code": "G"}],
            vitale="present" if with_card else "absent",
        )
        found = Submission(encounter, family if with_card else None, day_of(at), ())
        found = replace(found, replies=self.gateway.submit(encounter, self.cards(found.family)))
        self.submissions.append(found)
        self.settled = False
        return found.replies

    def cards(self, family: str | None) -> CardsAtHand:
        """Return the doctor's CPS, and the Vitale of ``family``, in the reader."""
        return CardsAtHand(insert(build.cps("medecin"), "medecin"), None if family is None else vitale(family))

    def send_all(self) -> None:
        """Have the doctor close and sign the lots; they leave."""
        until = self.clock.now() + timedelta(minutes=10)
        card = insert(build.cps("medecin"), "medecin")
        period = SigningPeriod(card, self.clock, until=until, signatures=50)
        self.settled = self._alive(lambda: self.gateway.send_all(period))

    def run(self) -> None:
        """Have dispatch do what is due."""
        self.settled = self._alive(self.gateway.dispatch.run)

    def post(self, paper: StoredPaper) -> None:
        """Print and post a paper."""
        if paper.record.state is PaperState.TO_PRINT:
            self.gateway.move_paper(paper.number, PaperEvent.PRINT)
        self.gateway.move_paper(paper.number, PaperEvent.POST)

    def move_to(self, moment: datetime) -> None:
        """Let time pass; what was on its way arrives."""
        self.settled = self.settled and moment <= self.clock.now()
        self.clock.move_to(moment)
        self.road.deliver_what_waits()

    def put_garbage(self, data: bytes, *, enveloped: bool) -> None:
        """Put something that no caisse said into the mailbox, in an envelope for the biller or bare."""
        if enveloped:
            data = make_envelope(data, self.biller.certificate)
        self.road.mailbox.append(Message(self.clock.now(), data, None))

    # --------------------------------------------------------------------------------------------------- what one sees

    def books(self) -> Books:
        """Return what the journal holds; the new events join :attr:`events`."""
        with self.journal.read() as tx:
            sheets = {one.number: one for one in tx.sheets()}
            lots = {one.number: one for one in tx.lots()}
            papers = tuple(tx.papers())
            self.events += tx.events(after=self.events[-1].id if self.events else 0)
        return Books(sheets, lots, papers)

    def duplicata_to_post(self) -> list[StoredPaper]:
        """Return the duplicata that nobody has posted."""
        with self.journal.read() as tx:
            waiting = tx.papers(PaperState.TO_PRINT, PaperState.PRINTED)
        return [one for one in waiting if one.record.kind is PaperKind.DUPLICATA]

    def lots_where(self, **facts: Any) -> list[int]:  # noqa: ANN401 - facts of any type
        """Return the numbers of the lots in ``state``, or held (``held=True``)."""
        with self.journal.read() as tx:
            lots = tx.lots()
        if "held" in facts:
            return [one.number for one in lots if bool(one.hold) is facts["held"]]
        return [one.number for one in lots if one.record.state == facts["state"]]

    def finish(self) -> None:
        """Let every fault end, have people do their work each day for twelve days, and come back after 40 days."""
        end = self.clock.now() + timedelta(days=40)
        self.road.end_of_faults()
        self.send_all()
        for _ in range(12):
            self.run()
            for lot in self.lots_where(held=True):
                self.gateway.dispatch.release(lot)
            for lot in self.lots_where(state="refused"):
                self.gateway.requeue(lot)
            if any(one.record.state == "queued" for one in self.books().sheets.values()):
                self.send_all()
            self.move_to(at_paris(day_of(self.clock.now()) + timedelta(days=1), time(12)))
        self.move_to(end)
        self.run()
