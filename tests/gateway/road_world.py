"""
The whole road in one process and without a socket: gateway, concentrator, caisses, one simulated clock.

The gateway, its journal, the cards and the caisses are the real ones of the simulation. The concentrator is ours: each
file and each answer meets the fate that the test has planned for it. :class:`World` keeps what an onlooker outside the
gateway sees; ``test_road_machine`` holds the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import holidays

from fse.lifecycle import PaperEvent, PaperKind, PaperState
from fse.trust import TrustStore
from gateway.clock import SimulatedClock
from gateway.envelopes import make_envelope
from gateway.journal import Journal
from gateway.profile import load_profile
from gateway.readers import CardsAtHand
from gateway.service import Gateway, Surroundings
from gateway.signing_period import SigningPeriod
from gateway.simulator.caisse import Caisse
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, insert, party_of, patient, visit, vitale
from tests.gateway.road import Killed, Message, Road

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fse.encounter import Encounter
    from gateway.journal import Entry, StoredLot, StoredPaper, StoredSheet
    from gateway.reply import Reply

PARIS = ZoneInfo("Europe/Paris")
FAMILIES = ("lexemple", "invente")
"""Two adults alone on their cards: one of each caisse."""
HOURS, DAYS = timedelta(hours=5), timedelta(days=6)


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
