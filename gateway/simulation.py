"""
A whole simulated world in one process: cards, gateway, concentrators, caisses, their bank, one clock.

Real cryptography, a real journal file, real HTTP on loopback; only the clock, the people and the faults are made up.
With a seed, keys, sheets, lots before encryption and acknowledgements are the same at each run.
"""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Self, TextIO

from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness, SystemRandomness
from card_sim.wallet import demo_wallet
from fse.deadlines import PARIS, paris_date
from fse.encounter import IdentifiedPatient
from fse.lifecycle import PaperEvent, PaperKind
from fse.sheet_xml import read_sheet
from fse.tables import package_tables
from gateway.clock import SimulatedClock
from gateway.contracts import contracted_concentrator
from gateway.errors import GatewayError
from gateway.journal import Journal
from gateway.logs import json_log
from gateway.party import Party
from gateway.profile import load_profile
from gateway.readers import CardsAtHand, ProfessionalCard
from gateway.service import Gateway, Surroundings
from gateway.signing_period import SigningPeriod
from gateway.simulator.accounts import Accounts
from gateway.simulator.adri import SimulatedRights
from gateway.simulator.bank import Bank
from gateway.simulator.caisse import Caisse
from gateway.simulator.caisse_http import caisse_app
from gateway.simulator.concentrator import Concentrator
from gateway.simulator.faults import Fault, FaultPlan
from gateway.simulator.judgement import Files
from gateway.simulator.server import LocalServer
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path
    from types import TracebackType

    from starlette.applications import Starlette

    from card_sim.cps import CpsCard
    from card_sim.pki import BillingParty
    from card_sim.vitale import VitaleCard
    from card_sim.wallet import Wallet
    from fse.encounter import Encounter
    from fse.lifecycle import SheetRecord
    from gateway.reply import Reply

__all__ = ["Simulation"]

_NIR_WITHOUT_KEY = 13
_AT_ITS_CAISSE = frozenset({PaperKind.TWIN, PaperKind.DUPLICATA})
_NO_LOT = 999_999
"""What stands for the lot on the duplicata of a sheet that was in none: a return has a number there."""

_HOURS_OF_DISPATCH = (7, 17)  # UTC: 8 and 18 hours in winter
_CLOSING = time(18, 30)  # in Paris: the caisses close their accounting day


@dataclass
class Simulation:
    """
    A world in ``folder`` that starts at ``start``.

    ``faults`` are asked of the first concentrator. ``second_route`` are the organisms served by a second one, which
    can be stopped (:meth:`stop_second_concentrator`). Use it as a context manager: it starts and stops the servers.
    """

    folder: Path
    start: datetime
    seed: str | None = None
    faults: tuple[Fault, ...] = ()
    second_route: tuple[str, ...] = ()
    wallet: Wallet = field(default_factory=demo_wallet)

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stack = ExitStack()
        self.clock = SimulatedClock(self.start)
        randomness = SystemRandomness() if self.seed is None else SeededRandomness(self.seed)
        self.pki = TestPki.create(randomness, now=self.start)
        self._keys = randomness.stream("anonymous papers")
        self.profile = load_profile()
        people = {family.nir[:_NIR_WITHOUT_KEY]: family for family in self.wallet.vitale.values()}
        periods = {nir: tuple((one.start, one.end) for one in family.rights) for nir, family in people.items()}
        self.rights = SimulatedRights(periods)
        biller = self.pki.issue_billing_party("biller", self.profile.biller, self.profile.name)
        parties = {
            caisse.code: self.pki.issue_billing_party("caisse", caisse.code, caisse.name)
            for caisse in package_tables().caisses.lines
        }
        self.pki.export_trust(self.folder / "trust")
        self.trust = trust = read_trust(self.folder / "trust")
        self.faults_on_the_way = FaultPlan(self.faults)
        self.caisses = {
            code: Caisse(code, _party(party), trust, {biller.code: biller.certificate}, self.clock)
            for code, party in parties.items()
        }
        self.bank = Bank()
        files = self._files({nir: one.regime + one.caisse + one.centre for nir, one in people.items()}, periods)
        self.accounts = {
            code: Accounts(caisse=caisse, bank=self.bank, faults=self.faults_on_the_way, files=files)
            for code, caisse in self.caisses.items()
        }
        self._cps: dict[str, CpsCard] = {}
        self._vitale: dict[str, VitaleCard] = {}
        caisse_server = self._serve(caisse_app(self.caisses))
        addresses = {code: f"{caisse_server.url}/caisses/{code}/fichiers" for code in self.caisses}
        contracts = frozenset({self.profile.biller})
        self._concentrators = (
            Concentrator(addresses, contracts, self.faults_on_the_way),
            Concentrator(addresses, contracts, FaultPlan()),
        )
        first, self._second = (self._serve(one.app()) for one in self._concentrators)
        log = self._stack.enter_context(_owner_only(self.folder / "evenements.jsonl"))
        salts = randomness.stream("salts of the journal")
        chance = randomness.stream("waits after a failure")
        journal = Journal(self.folder / "journal.db", self.clock, json_log(log), salts.read)
        self._stack.callback(journal.close)
        self.gateway = Gateway(
            journal,
            Surroundings(
                profile=self.profile,
                clock=self.clock,
                transport=contracted_concentrator(
                    first.url,
                    self.profile.contracts,
                    self.clock,
                    dict.fromkeys(self.second_route, self._second.url),
                ),
                trust=trust,
                biller=_party(biller),
                caisses={code: party.certificate for code, party in parties.items()},
                opposed_cards=frozenset(self.wallet.opposed),
                rights=self.rights,
                chance=lambda: int.from_bytes(chance.read(4)) / 2**32,
                random_key=lambda: str(uuid.UUID(bytes=self._keys.read(16), version=4)),
            ),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _serve(self, app: Starlette) -> LocalServer:
        server = LocalServer(app)
        self._stack.callback(server.stop)
        return server

    def stop_second_concentrator(self) -> None:
        """Take the second concentrator off the network: from now on its port refuses connections."""
        self._second.stop()

    def professional(self, rpps: str) -> ProfessionalCard:
        """Return the CPS of the wallet's professional ``rpps``, in the reader, its PIN given by its holder."""
        profile = next((found for found in self.wallet.cps.values() if found.rpps == rpps), None)
        if profile is None:
            raise GatewayError("WALLET-CPS", rpps=rpps)
        if rpps not in self._cps:
            self._cps[rpps] = self.pki.issue_cps(profile)
        card = ProfessionalCard.insert(self._cps[rpps].transmit)
        card.unlock(profile.pin)
        return card

    def cards_for(self, encounter: Encounter) -> CardsAtHand:
        """
        Return the cards that the people of ``encounter`` hold.

        Its professional's CPS, and the insured's Vitale if the wallet has it.
        """
        professional = None if encounter.cps == "unusable" else self.professional(encounter.professional.rpps)
        if not isinstance(encounter.patient, IdentifiedPatient):
            return CardsAtHand(professional)
        nir = encounter.patient.insured.nir
        profile = next((found for found in self.wallet.vitale.values() if found.nir.startswith(nir)), None)
        if profile is None:
            return CardsAtHand(professional)
        if profile.serial not in self._vitale:
            self._vitale[profile.serial] = self.pki.issue_vitale(profile)
        return CardsAtHand(professional, self._vitale[profile.serial].transmit)

    def submit(self, encounter: Encounter, *, replaces: int | None = None) -> tuple[Reply, ...]:
        """
        Live through one encounter: move the clock to it, put the cards in the reader, submit.

        Its sheet takes the place of the sheet numbered ``replaces``, when one is.
        """
        self.clock.move_to(encounter.at)
        if replaces is not None:
            return self.gateway.replace(replaces, encounter, self.cards_for(encounter))
        return self.gateway.submit(encounter, self.cards_for(encounter))

    def move_paper(self, number: int, event: PaperEvent) -> None:
        """Do something with a paper of the gateway; a twin or a duplicata that is received is at its caisse."""
        self.gateway.move_paper(number, event)
        if event is not PaperEvent.RECEIVE:
            return
        with self.gateway.journal.read() as tx:
            paper = tx.paper(number)
            stored = None if paper is None or paper.sheet is None else tx.sheet(paper.sheet)
            lot = None if stored is None or not stored.record.lot else tx.lot(int(stored.record.lot))
        if paper is None or stored is None or paper.record.kind not in _AT_ITS_CAISSE:
            return
        duplicata = paper.record.kind is PaperKind.DUPLICATA
        self.accounts[stored.organism].receive_paper(
            paper.record.kind,
            self.profile.biller,
            stored.number,
            paris_date(self.clock.now()),
            sheet=read_sheet(stored.payload) if duplicata else None,
            lot=_NO_LOT if lot is None else lot.number,
            lot_day=stored.record.established_on if duplicata else None,
        )

    def send_all(self, rpps: str) -> tuple[int, ...]:
        """Have the professional ``rpps`` open a signing period of ten minutes, then close, sign and send the lots."""
        until = self.clock.now() + timedelta(minutes=10)
        return self.gateway.send_all(SigningPeriod(self.professional(rpps), self.clock, until=until, signatures=50))

    def acknowledge(self, encounter: Encounter) -> tuple[SheetRecord, ...]:
        """Submit one encounter, have the lots signed by its professional and sent; return where its sheets stand."""
        replies = self.submit(encounter)
        self.send_all(encounter.professional.rpps)
        return tuple(self.gateway.sheet(reply.sheet) for reply in replies if reply.sheet is not None)

    def run_until(self, end: datetime, each_time: Callable[[], None] | None = None) -> None:
        """
        Let time pass to ``end``.

        Dispatch runs twice a day and whenever a limit falls, the caisses close their accounts on the evening of each
        working day; then ``each_time`` is called.
        """
        while (instant := self._next_instant()) <= end:
            closing = instant == self._next_closing()
            self.clock.move_to(instant)
            if closing:
                self.close_accounts(paris_date(instant))
            self.gateway.run()
            if each_time:
                each_time()
        self.clock.move_to(end)

    def close_accounts(self, day: date) -> None:
        """Have every caisse close the accounting day ``day`` and send its returns, by the way that its sheets come."""
        for one in self._concentrators:
            one.deliver_delayed()
        for code, accounts in self.accounts.items():
            concentrator = self._concentrators[code in self.second_route]
            for biller, file in accounts.close_day(day):
                concentrator.deliver(biller, file, code)

    def _next_closing(self) -> datetime:
        """Return the next evening of a working day on which accounts are closed."""
        now, calendar = self.clock.now(), self.profile.policy.calendar
        day = paris_date(now)
        while True:
            instant = datetime.combine(day, _CLOSING, tzinfo=PARIS).astimezone(UTC)
            if instant > now and calendar.is_working(day):
                return instant
            day += timedelta(days=1)

    def _files(self, affiliations: Mapping[str, str], periods: Mapping[str, tuple[tuple[date, date], ...]]) -> Files:
        """Return what the caisses know by themselves: their members and rights, the cards in opposition."""
        opposed = frozenset(self.wallet.opposed)

        def affiliation(nir: str, on: date) -> str | None:
            del on
            return affiliations.get(nir)

        def is_opposed(serial: str, on: date) -> bool:
            del on
            return serial in opposed

        return Files(rights=SimulatedRights(periods), affiliation=affiliation, opposed=is_opposed)

    def _next_instant(self) -> datetime:
        now = self.clock.now()
        candidates = [self._next_closing(), *(_next_hour(now, hour) for hour in _HOURS_OF_DISPATCH)]
        due = self.gateway.dispatch.next_due()
        if due is not None and due > now:
            candidates.append(due)
        return min(candidates)


def _owner_only(path: Path) -> TextIO:
    """Return a new text file that its owner alone can read."""
    path.touch(0o600)
    return path.open("a", encoding="utf-8")


def _next_hour(now: datetime, hour: int) -> datetime:
    today = datetime(now.year, now.month, now.day, hour, tzinfo=UTC)
    return today if today > now else today + timedelta(days=1)


def _party(party: BillingParty) -> Party:
    return Party(party.certificate, party.issuer_certificate.public_bytes(Encoding.DER), party.private_key)
