"""The way between a gateway and its caisses in a test: it loses, delays, doubles, alters and reorders as it is told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fse.arl import Arl, sign_arl, verify_arl
from fse.lot import SignedLot, open_lot
from gateway.envelopes import make_envelope, open_envelope
from gateway.party import signer_of
from gateway.transport import Sending, TransportError
from tests.fse import sheet_builders as build
from tests.gateway.bench import party_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fse.trust import TrustStore
    from gateway.clock import SimulatedClock
    from gateway.routing_label import FileLabel
    from gateway.simulator.caisse import Caisse

PARIS = ZoneInfo("Europe/Paris")
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
