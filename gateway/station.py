"""
The gateway of this machine, for the command line and the API: its home, its journal, and what both are made of.

What only a writer needs (keys, trust, the gateway itself) is made when it is first asked for: whoever only reads the
journal opens nothing else, and disturbs nobody who works on it.
"""

from __future__ import annotations

import os
import uuid
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from card_sim.wallet import demo_wallet
from fse.tables import package_tables
from gateway.clock import SystemClock
from gateway.contracts import ContractedTransport, contracted_concentrator
from gateway.direct_transport import DirectTransport
from gateway.errors import GatewayError
from gateway.home import Home
from gateway.journal import Journal
from gateway.logs import SILENT
from gateway.mail_transport import mail_road
from gateway.opposition import opposition_of
from gateway.profile import DEFAULT, load_profile
from gateway.service import Gateway, Surroundings
from gateway.simulator.caisse import Caisse
from gateway.simulator.caisse_http import caisse_app
from gateway.simulator.concentrator import Concentrator
from gateway.simulator.faults import FaultPlan
from gateway.simulator.server import LocalServer
from gateway.transport import Sending, TransportError
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.applications import Starlette

    from fse.trust import TrustStore
    from gateway.clock import Clock
    from gateway.logs import Log
    from gateway.party import Party
    from gateway.profile import ServiceProfile
    from gateway.routing_label import FileLabel
    from gateway.transport import Transport

__all__ = ["NoConcentrator", "Station", "journal_address"]

_JOURNAL = "journal.db"
_MAIL = ("smtp://", "smtps://")


def journal_address(journal: str | None, home: Home) -> str:
    """Return where the journal is: as named, else as ``$FSE_JOURNAL`` says, else the file in ``home``."""
    return journal or os.environ.get("FSE_JOURNAL") or str(home.folder / _JOURNAL)


class Station:
    """
    One biller's gateway on this machine: ``home``, ``journal``, ``profile`` and ``clock`` are there from the start.

    Use it as a context manager, or call :meth:`close`.
    """

    def __init__(  # noqa: PLR0913 - what it is handed, each by its name
        self,
        *,
        home: Home,
        journal: Journal,
        profile: ServiceProfile,
        clock: Clock,
        concentrator: str | None,
        simulator: bool,
        mailbox: str,
        mail_account: Path | None,
    ) -> None:
        self.home = home
        self.journal = journal
        self.profile = profile
        self.clock = clock
        self._concentrator = concentrator
        self._simulator = simulator
        self._mailbox = mailbox
        self._mail_account = mail_account
        self._stack = ExitStack()
        self._stack.callback(journal.close)

    @classmethod
    def open(  # noqa: PLR0913 - what a command line may name, each by its name
        cls,
        journal: str | None = None,
        profile: str = DEFAULT,
        *,
        concentrator: str | None = None,
        clock: Clock | None = None,
        simulator: bool = False,
        must_exist: bool = False,
        log: Log = SILENT,
        mailbox: str = "",
        mail_account: Path | None = None,
    ) -> Station:
        """
        Open the station over ``journal``: a path or a ``postgresql://`` address; see :func:`journal_address`.

        ``concentrator`` is the address to send to, by HTTP or by mail (``smtp://…``, with the ``mailbox`` that answers
        come to and the file of its ``mail_account``, ``mail-account`` of the home by default); ``simulator`` starts a
        simulated one, with the simulated caisses behind it, on loopback. Without either nothing leaves. ``must_exist``
        is for whoever only reads.

        Raises :class:`gateway.errors.GatewayError`: JOURNAL-MISSING for a file that is not there when it must be,
        PROFILE-UNKNOWN, ADDRESS-REAL, HOME-MAKE, and those of :class:`gateway.journal.Journal`.
        """
        home = Home.local()
        where, service = journal_address(journal, home), load_profile(profile)
        if must_exist:
            if "://" not in where and not Path(where).is_file():
                raise GatewayError("JOURNAL-MISSING", file=where)
        else:
            home.make()
        used = clock or SystemClock()
        return cls(
            home=home,
            journal=Journal(where, used, log),
            profile=service,
            clock=used,
            concentrator=concentrator,
            simulator=simulator,
            mailbox=mailbox,
            mail_account=mail_account,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the simulated servers and close the journal."""
        self._stack.close()

    @cached_property
    def trust(self) -> TrustStore:
        """Whom this machine trusts: the local test infrastructure."""
        self.home.make()
        return read_trust(self.home.trust)

    @cached_property
    def biller(self) -> Party:
        """The biller's certificate and keys, issued once and kept in the home."""
        self.home.make()
        return self.home.party("biller", self.profile.biller, self.profile.name)

    @cached_property
    def caisses(self) -> dict[str, Party]:
        """Certificate and keys of each simulated caisse by its 9-digit code, issued once and kept in the home."""
        self.home.make()
        lines = package_tables().caisses.lines
        return {line.code: self.home.party("caisse", line.code, line.name) for line in lines}

    @cached_property
    def gateway(self) -> Gateway:
        """The gateway over the journal."""
        return Gateway(
            self.journal,
            Surroundings(
                profile=self.profile,
                clock=self.clock,
                transport=self._transport(),
                trust=self.trust,
                biller=self.biller,
                caisses={code: party.certificate for code, party in self.caisses.items()},
                opposed_cards=frozenset(demo_wallet().opposed) | self.home.opposed_cards(),
                random_key=lambda: str(uuid.uuid4()),
                opposition=opposition_of(self.home).serials,
                alone=False,  # another command, or the API, may be at work on the same journal
            ),
        )

    def _transport(self) -> Transport:
        contracts = self.profile.contracts
        if self._concentrator is not None and self._concentrator.startswith(_MAIL):
            account = self._mail_account or self.home.folder / "mail-account"
            road = mail_road(self._concentrator, self._mailbox, account, self.clock)
            return ContractedTransport(road, contracts, self.clock, lambda _organism: str(self._concentrator))
        if self._concentrator is not None:
            return contracted_concentrator(self._concentrator, contracts, self.clock)
        if not self._simulator:
            return NoConcentrator()
        addresses = self._simulated_caisses()
        if self.profile.direct:
            return DirectTransport(addresses, self.home.folder / "mailbox")
        concentrator = self._serve(Concentrator(addresses, frozenset({self.profile.biller}), FaultPlan()).app())
        return contracted_concentrator(concentrator.url, contracts, self.clock)

    def _simulated_caisses(self) -> dict[str, str]:
        """Start the simulated caisses on loopback; return the address of each."""
        billers = {self.profile.biller: self.biller.certificate}
        caisses = {code: Caisse(code, party, self.trust, billers, self.clock) for code, party in self.caisses.items()}
        server = self._serve(caisse_app(caisses))
        return {code: f"{server.url}/caisses/{code}/fichiers" for code in caisses}

    def _serve(self, app: Starlette) -> LocalServer:
        server = LocalServer(app)
        self._stack.callback(server.stop)
        return server


class NoConcentrator:
    """The transport of a machine that names no concentrator: nothing leaves, nothing comes."""

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """See :meth:`gateway.transport.Transport.send`: never taken, to be tried again."""
        del self, label, envelope, attempt
        return Sending.NOT_TAKEN, "aucun concentrateur"

    def messages(self, biller: str) -> list[str]:
        """See :meth:`gateway.transport.Transport.messages`: none."""
        del self, biller
        return []

    def fetch(self, biller: str, message: str) -> bytes:
        """See :meth:`gateway.transport.Transport.fetch`; raises :class:`gateway.transport.TransportError`."""
        del self, biller
        raise TransportError("TRANSPORT", address=message, reason="aucun concentrateur")

    def remove(self, biller: str, message: str) -> None:
        """See :meth:`gateway.transport.Transport.remove`; raises :class:`gateway.transport.TransportError`."""
        self.fetch(biller, message)
