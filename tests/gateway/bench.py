"""A gateway on the bench: a real journal, real cards and keys, a frozen clock, a transport that does as it is told."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg.rows
from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.wallet import demo_wallet
from fse.arl import Arl, ArlResult, sign_arl
from fse.encounter import Encounter
from fse.lot import digest
from gateway.clock import SimulatedClock
from gateway.envelopes import make_envelope, open_envelope
from gateway.journal import Journal
from gateway.party import Party
from gateway.profile import load_profile
from gateway.readers import CardsAtHand, ProfessionalCard
from gateway.service import Gateway, Surroundings
from gateway.signing_period import SigningPeriod
from gateway.transport import Sending
from tests.fse import sheet_builders as build

if TYPE_CHECKING:
    from collections.abc import Callable

    from card_sim.billing_party import BillingParty
    from card_sim.card import SoftCard
    from fse.cards import Transmit
    from fse.trust import TrustStore
    from gateway.journal import StoredLot
    from gateway.rights import RightsService
    from gateway.routing_label import FileLabel

EXAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "examples" / "encounter.json").read_text(encoding="utf-8")
)
ARTOIS, OPALE, ELSEWHERE = "019990000", "019980000", "019970000"
DOCTOR, MIDWIFE, UNENTITLED = "99700000013", "99700000021", "99700000039"
TUESDAY = datetime(2025, 3, 4, 10, 0, tzinfo=UTC)
"""4 March 2025: the 8th jour ouvré after it is Friday 14 March (CSS R161-47; no holiday in March)."""


def party_of(one: BillingParty) -> Party:
    """Return a caisse or a biller with its keys, as the gateway takes it."""
    return Party(one.certificate, one.issuer_certificate.public_bytes(Encoding.DER), one.private_key)


def visit(reference: str = "V1", **changes: Any) -> Encounter:  # noqa: ANN401 - fields of any type
    """Return the example encounter (Emma, seen by the doctor on 4 March 2025) under ``reference``, with changes."""
    facts = deepcopy(EXAMPLE) | {"reference": reference} | changes
    return Encounter.model_validate_json(json.dumps(facts, default=str))


def patient(family: str, *, child: int | None = 0, **changes: object) -> dict[str, Any]:
    """Return the insured of the wallet's ``family`` and its child of that rank on the card (None: the insured)."""
    card = demo_wallet().vitale[family]
    known = {"family_name": card.family_name, "first_name": card.first_name, "birth_date": str(card.birth_date)}
    facts: dict[str, Any] = {
        "kind": "identified",
        "insured": {"nir": card.nir, **known},
        "organism": card.regime + card.caisse + card.centre,
    }
    if child is not None:
        one = card.beneficiaries[child]
        facts["beneficiary"] = {
            "nir": one.nir,
            "family_name": one.family_name,
            "first_name": one.first_name,
            "birth_date": str(one.birth_date),
            "birth_rank": one.birth_rank,
        }
    return facts | changes


def professional(name: str) -> dict[str, Any]:
    """Return the wallet's professional ``name`` as the facts of an encounter say it."""
    card = demo_wallet().cps[name]
    return {
        "rpps": card.rpps,
        "profession": card.profession,
        "family_name": card.family_name,
        "first_name": card.first_name,
    }


ANONYMOUS_IVG: dict[str, Any] = {
    "patient": {"kind": "anonymous", "minor": True},
    "acts": [{"code": "FHV", "weeks_of_pregnancy": 6}, {"code": "FMV", "weeks_of_pregnancy": 6}],
}


@dataclass
class Wire:
    """
    A transport that does as it is told.

    ``results`` are given in turn, then «taken»; ``while_sending`` runs before an answer, with the file still on its
    way; ``mailbox`` is what waits for the biller.
    """

    results: list[tuple[Sending, str]] = field(default_factory=list)
    while_sending: Callable[[FileLabel, bytes], None] | None = None
    sent: list[tuple[FileLabel, bytes]] = field(default_factory=list)
    attempts: list[tuple[int, int]] = field(default_factory=list)
    mailbox: dict[str, bytes] = field(default_factory=dict)
    _names: count[int] = field(default_factory=count)

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """Keep the file, and answer what was planned."""
        self.sent.append((label, envelope))
        self.attempts.append((label.file_number, attempt))
        if self.while_sending is not None:
            self.while_sending(label, envelope)
        return self.results.pop(0) if self.results else (Sending.TAKEN, "")

    def put(self, message: bytes) -> str:
        """Put ``message`` into the mailbox."""
        name = f"{next(self._names):04d}"
        self.mailbox[name] = message
        return name

    def messages(self, biller: str) -> list[str]:
        """Return the names of what waits."""
        assert biller == build.BILLER
        return sorted(self.mailbox)

    def fetch(self, biller: str, message: str) -> bytes:
        """Return one message."""
        assert biller == build.BILLER
        return self.mailbox[message]

    def remove(self, biller: str, message: str) -> None:
        """Forget one message."""
        assert biller == build.BILLER
        del self.mailbox[message]


class Bench:
    """
    One gateway over one journal in ``folder``; every key and card is shared by the tests of a process.

    ``where`` is the address of a PostgreSQL database for the journal, instead of a file.
    """

    def __init__(self, folder: Path, start: datetime = TUESDAY, where: str = "") -> None:
        self.path = folder / "journal.db"
        self.where: Path | str = where or self.path
        self.clock = SimulatedClock(start)
        self.profile = load_profile()
        self.wire = Wire()
        self.trust: TrustStore = build.trust()
        self.biller = party_of(build.party(build.BILLER))
        self.caisses = {code: build.party(code).certificate for code in (ARTOIS, OPALE)}
        self.rights: RightsService | None = None
        self.opposed = frozenset(demo_wallet().opposed)
        self.random_keys = (f"random-{rank}" for rank in count())
        self.open()

    def open(self) -> None:
        """Open the journal and the gateway over it."""
        self.journal = Journal(self.where, self.clock)
        self.gateway = Gateway(
            self.journal,
            Surroundings(
                profile=self.profile,
                clock=self.clock,
                transport=self.wire,
                trust=self.trust,
                biller=self.biller,
                caisses=self.caisses,
                opposed_cards=self.opposed,
                rights=self.rights,
                random_key=lambda: next(self.random_keys),
            ),
        )

    def reopen(self) -> None:
        """Close the journal and open it again, as after a restart."""
        self.journal.close()
        self.open()

    # ------------------------------------------------------------------------------------------------------ cards

    def doctor(self, name: str = "medecin") -> ProfessionalCard:
        """Return the CPS of ``name``, just put in the reader, its PIN given."""
        return insert(build.cps(name), name)

    def cards(self, family: str | None = "dutest", name: str = "medecin") -> CardsAtHand:
        """Return the reader with the CPS of ``name`` and the Vitale of ``family``."""
        return CardsAtHand(self.doctor(name), None if family is None else vitale(family))

    def submit(self, encounter: Encounter, family: str | None = "dutest", name: str = "medecin") -> list[Any]:
        """Submit ``encounter`` with these cards; return the replies."""
        return list(self.gateway.submit(encounter, self.cards(family, name)))

    def period(self, minutes: int = 10, signatures: int = 50) -> SigningPeriod:
        """Return a signing period that the doctor has just opened."""
        until = self.clock.now() + timedelta(minutes=minutes)
        return SigningPeriod(self.doctor(), self.clock, until=until, signatures=signatures)

    # -------------------------------------------------------------------------------------------------- what stands

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what ``query`` gives over a connection of its own: what is durable, whoever holds the journal."""
        if isinstance(self.where, str):
            # one wording for both: JSON is asked for by the path that SQLite writes
            asked = re.sub(r"json_extract\((\w+), '\$\.(\w+)'\)", r"(\1::json ->> '\2')", query)
            asked = asked.replace("%", "%%").replace("?", "%s")
            with psycopg.connect(self.where, row_factory=psycopg.rows.tuple_row) as server:
                return server.execute(asked, values).fetchall()
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query, values).fetchall()

    def counter(self, name: str) -> int:
        """Return the last number given by the counter ``name``, 0 when none was."""
        return next((value for (value,) in self.rows("SELECT value FROM counters WHERE name = ?", name)), 0)

    def events(self, **about: int) -> list[str]:
        """Return the names of the events of one sheet or one lot (``sheet=1``), oldest first."""
        ((column, number),) = about.items()
        found = self.rows(f"SELECT name FROM events WHERE {column} = ? ORDER BY id", number)  # noqa: S608 - a column of ours
        return [name for (name,) in found]

    def lot(self, number: int = 1) -> StoredLot:
        """Return a lot."""
        with self.journal.read() as tx:
            found = tx.lot(number)
        assert found is not None
        return found

    def state(self, sheet: int = 1) -> str:
        """Return the state of a sheet."""
        return str(self.gateway.sheet(sheet).state)

    # ------------------------------------------------------------------------------------------------ acknowledgements

    def arl(self, number: int = 1, *, signed_by: str = "", **changes: Any) -> bytes:  # noqa: ANN401 - facts of any type
        """Return the acknowledgement (positive, or as changed) of a lot by its caisse, enveloped for the biller."""
        stored = self.lot(number)
        arl = Arl(
            organism=stored.organism,
            biller=build.BILLER,
            file_number=stored.file_number,
            lot_number=number,
            received_at=self.clock.now(),
            result=ArlResult.POSITIVE,
            digest=digest(stored.signed or b""),
            sheets=1,
        )
        caisse = build.signer(build.party(signed_by or stored.organism))
        return self.for_biller(sign_arl(replace(arl, **changes), caisse, self.clock.now()))

    def altered(self, number: int = 1, arrived: bytes = b"something else") -> bytes:
        """Return the acknowledgement of a caisse that could not read what ``arrived``."""
        return self.arl(number, result=ArlResult.ALTERED, digest=digest(arrived), code="ARL-ALTERED", sheets=0)

    def refused(self, number: int = 1, code: str = "ARL-CAISSE") -> bytes:
        """Return the acknowledgement of a caisse that refuses a whole lot."""
        return self.arl(number, result=ArlResult.REFUSED, code=code, sheets=0)

    def for_biller(self, data: bytes) -> bytes:
        """Return ``data`` in an envelope for the biller."""
        return make_envelope(data, self.biller.certificate)


def vitale(family: str) -> Transmit:
    """Return the Vitale of ``family``, just put in the reader."""
    card = build.vitale(family)
    card.reset()
    return card.transmit


def insert(card: SoftCard, name: str) -> ProfessionalCard:
    """Return the CPS ``card`` just put in the reader, the PIN of the wallet's ``name`` given."""
    card.reset()
    found = ProfessionalCard.insert(card.transmit)
    found.unlock(demo_wallet().cps[name].pin)
    return found


def opened(envelope: bytes, code: str = ARTOIS) -> bytes:
    """Return what the caisse ``code`` finds in ``envelope``."""
    return open_envelope(envelope, party_of(build.party(code)))
