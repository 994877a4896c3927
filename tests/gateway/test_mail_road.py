"""The whole road by mail: submitted, sent, acknowledged, or gone wrong; and what its carrier can read: nothing."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from dataclasses import dataclass, field, replace
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from card_sim.wallet import demo_wallet
from fse.lifecycle import LotState
from gateway.envelopes import make_envelope, open_envelope
from gateway.errors import GatewayError
from gateway.mail_address import MailServer, biller_address
from gateway.mail_message import Nature, build_message
from gateway.mail_reading import read_message
from gateway.mail_transport import MailTransport
from gateway.routing_label import FileLabel
from gateway.service import Gateway, Surroundings
from gateway.simulator.caisse import Caisse
from gateway.simulator.caisse_http import caisse_app
from gateway.simulator.faults import Fault, FaultKind, FaultPlan
from gateway.simulator.mail_concentrator import MailConcentrator, caisse_over_http
from gateway.simulator.mail_store import MailStore
from gateway.simulator.server import LocalServer
from gateway.transport import Sending
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, Bench, party_of, patient, visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope, Session
    from starlette.requests import Request

    from gateway.party import Party

US = biller_address(build.BILLER)


class Recording(MailConcentrator):
    """A concentrator that keeps every message that it was ever given."""

    seen: list[bytes]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep the message, then take it."""
        self.seen.append(envelope.original_content or b"")
        return await super().handle_DATA(server, session, envelope)


@dataclass
class Road:
    """A bench that sends and collects by mail; the caisses are behind HTTP, out of the concentrator's hands."""

    bench: Bench
    faults: FaultPlan = field(default_factory=FaultPlan)

    def __post_init__(self) -> None:
        bench = self.bench
        billers = {build.BILLER: bench.biller.certificate}
        self.caisses = {
            code: Caisse(code, party_of(build.party(code)), bench.trust, billers, bench.clock)
            for code in (ARTOIS, OPALE)
        }
        self.behind = LocalServer(caisse_app(self.caisses))
        doors = {code: caisse_over_http(f"{self.behind.url}/caisses/{code}/fichiers") for code in self.caisses}
        self.store = MailStore()
        passed: list[bytes] = []
        self.passed = passed
        store = self.store

        def deliver(address: str, message: bytes) -> None:
            """Hold the mailboxes alone: what the concentrator owns is searched below."""
            passed.append(message)
            store.deliver(address, message)

        self.concentrator = Recording(doors, frozenset(billers), self.faults, deliver, bench.clock)
        self.concentrator.seen = self.passed
        self.server = self.concentrator.serve()
        transport = MailTransport(MailServer.parse(self.server.url, "smtp"), self.store.mailbox(US), bench.clock)
        bench.gateway = Gateway(
            bench.journal,
            Surroundings(
                profile=bench.profile,
                clock=bench.clock,
                transport=transport,
                trust=bench.trust,
                biller=bench.biller,
                caisses=bench.caisses,
                opposed_cards=bench.opposed,
                random_key=lambda: next(bench.random_keys),
            ),
        )

    def stop(self) -> None:
        """Stop the servers."""
        self.server.stop()
        self.behind.stop()


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    """Yield a road by mail without a fault."""
    bench = Bench(tmp_path)
    made = Road(bench)
    yield made
    made.stop()
    bench.journal.close()


def test_there_and_back_by_mail(road: Road) -> None:
    """Two caisses, three sheets: lots leave by SMTP, answers come from the mailbox, which is empty afterwards."""
    bench = road.bench
    bench.submit(visit("A1"))
    bench.submit(visit("B1", patient=patient("imaginaire")), "imaginaire")
    bench.submit(visit("A2", vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    assert [bench.state(sheet) for sheet in (1, 2, 3)] == ["acknowledged"] * 3
    assert {number for caisse in road.caisses.values() for _, number in caisse.sheets} == {1, 2, 3}
    assert road.store.mailbox(US).names() == []


def test_an_altered_file_goes_again(road: Road) -> None:
    """One bit changed on the way: a negative acknowledgement by mail, then the same lot again, then all is well."""
    bench = road.bench
    road.faults.add(Fault(FaultKind.ALTER_FILE, ARTOIS, "securise"))
    bench.submit(visit("A1"))
    bench.gateway.send_all(bench.period())
    bench.gateway.run()
    assert bench.state() == "acknowledged"
    kept = bench.rows("SELECT result FROM acknowledgements ORDER BY id")
    assert kept == [("altere",), ("positif",)]


def test_a_concentrator_that_is_not_ready_gets_it_later(road: Road) -> None:
    """SMTP 451 is no emission: the lot stays signed and leaves once its wait is over."""
    bench = road.bench
    road.faults.add(Fault(FaultKind.REFUSE_FILE, ARTOIS, "securise"))
    bench.submit(visit("A1"))
    bench.gateway.send_all(bench.period())
    assert bench.lot().record.state is LotState.SIGNED
    due = bench.gateway.dispatch.next_due()
    assert due is not None
    bench.clock.move_to(due)
    bench.gateway.run()
    assert bench.state() == "acknowledged"


def test_forged_and_stray_mail_goes_to_quarantine(road: Road) -> None:
    """Another caisse's signature, an advertisement, a cut message: kept aside whole and named, out of the box."""
    bench = road.bench
    road.faults.add(Fault(FaultKind.LOSE_ARL, ARTOIS, "securise"))
    bench.submit(visit("A1"))
    bench.gateway.send_all(bench.period())
    sent = read_message(road.passed[0])
    forged = replace(
        sent, nature=Nature.ANSWER, sender=sent.recipient, recipient=US, envelope=bench.arl(signed_by=OPALE)
    )
    stray = b"Subject: buy now\r\n\r\nhello\r\n"
    for message in (build_message(forged), stray, build_message(forged)[:-10]):
        road.store.deliver(US, message)
    bench.gateway.run()
    assert bench.lot().record.state is LotState.SENT
    assert road.store.mailbox(US).names() == []
    kept = bench.rows("SELECT rule, message FROM quarantine ORDER BY id")
    assert [rule for rule, _ in kept] == ["ARL-ISSUER", "ENVELOPE", "ENVELOPE"]
    assert [bytes(message) for _, message in kept[1:]] == [stray, build_message(forged)[:-10]]


# ------------------------------------------------------------------------------------------------ what the carrier sees

CARDS = demo_wallet().vitale
NIRS = frozenset(
    nir[:13]
    for card in CARDS.values()
    for nir in (card.nir, *(one.nir for one in card.beneficiaries if one.nir is not None))
)
"""Everybody of the wallet, as thirteen characters."""


def belongings(thing: object, seen: set[int] | None = None) -> Iterator[bytes]:
    """Yield every text and all bytes that ``thing`` owns, at any depth, closures and bound objects included."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, type | ModuleType):
        return
    seen.add(id(thing))
    if isinstance(thing, bytes | bytearray):
        yield bytes(thing)
    elif isinstance(thing, str):
        yield thing.encode()
    for child in children(thing):
        yield from belongings(child, seen)


def children(thing: object) -> Iterable[object]:
    """Return what ``thing`` holds directly."""
    if isinstance(thing, dict):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing)
    if isinstance(thing, FunctionType):
        return [cell.cell_contents for cell in thing.__closure__ or ()]
    if isinstance(thing, MethodType):
        return [thing.__self__]
    slots = [getattr(thing, name, None) for name in getattr(type(thing), "__slots__", ())]
    return [*slots, *vars(thing).values()] if hasattr(thing, "__dict__") else slots


def nirs_in(found: Iterable[bytes], *keys: Party) -> set[str]:
    """
    Return the NIRs of the wallet that whoever holds ``found`` and ``keys`` can read.

    He looks at the bytes as they are, decodes base64 and messages, unpacks gzip, and opens envelopes with his keys.
    """
    read: set[str] = set()
    todo, done = list(found), set()
    while todo:
        data = todo.pop()
        if data in done:
            continue
        done.add(data)
        read |= {nir for nir in NIRS if nir.encode() in data}
        for attempt in (_decoded, _unpacked, lambda one: read_message(one).envelope):
            todo += _tried(attempt, data)
        for key in keys:
            todo += _tried(lambda one, key=key: open_envelope(one, key), data)  # type: ignore[misc] # bound at once
    return read


def _decoded(data: bytes) -> bytes:
    text = b"".join(re.findall(rb"(?m)^[A-Za-z0-9+/=]{8,}\r?$", data)).replace(b"\r", b"")
    return base64.b64decode(text, validate=True)


def _unpacked(data: bytes) -> bytes:
    return gzip.decompress(data)


def _tried(attempt: Callable[[bytes], bytes], data: bytes) -> list[bytes]:
    try:
        return [attempt(data)]
    except (ValueError, OSError, EOFError, zlib.error, GatewayError):
        return []


def test_the_carrier_cannot_read_what_goes_out(road: Road) -> None:
    """
    It hands over all that it owns and all that passed: no NIR. With the caisse's key the same search finds every one.

    With another caisse's key: still none of them.
    """
    bench = road.bench
    bench.submit(visit("A1"))
    bench.submit(visit("B1", patient=patient("imaginaire")), "imaginaire")
    bench.gateway.send_all(bench.period())
    assert [bench.state(sheet) for sheet in (1, 2)] == ["acknowledged"] * 2
    owned = [*belongings(road.concentrator), *belongings(road.store), *road.passed]
    assert len(road.passed) == 4
    assert all(any(message in thing for thing in owned) for message in road.passed)
    assert nirs_in(owned) == set()
    artois, opale = (party_of(build.party(code)) for code in (ARTOIS, OPALE))
    assert nirs_in(owned, artois) == persons("dutest")
    assert nirs_in(owned, opale) == persons("imaginaire")
    assert nirs_in(owned, artois, opale) == persons("dutest") | persons("imaginaire")


def test_the_carrier_cannot_read_what_comes_back(tmp_path: Path) -> None:
    """A return that names everybody of the wallet comes back: no NIR without the biller's key, all with it."""
    bench = Bench(tmp_path)
    named = b"".join(f"103{nir:0<13}@".encode() for nir in sorted(NIRS))

    async def answer(_request: Request) -> Response:
        return Response(make_envelope(named, bench.biller.certificate))

    caisse = LocalServer(Starlette(routes=[Route("/", answer, methods=["POST"])]))
    passed: list[bytes] = []
    store = MailStore()
    concentrator = MailConcentrator(
        {ARTOIS: caisse_over_http(caisse.url)}, frozenset({build.BILLER}), FaultPlan(), store.deliver, bench.clock
    )
    server = concentrator.serve()
    box = store.mailbox(US)
    transport = MailTransport(MailServer.parse(server.url, "smtp"), box, bench.clock)
    sent = transport.send(FileLabel(build.BILLER, ARTOIS, 1, 1, "securise"), b"a file", 1)
    passed += [box.fetch(name) for name in box.names()]
    owned = [*belongings(concentrator), *belongings(store), *passed]
    assert (sent[0], len(passed)) == (Sending.TAKEN, 1)
    assert nirs_in(owned) == nirs_in(owned, party_of(build.party(ARTOIS))) == set()
    assert nirs_in(owned, bench.biller) == NIRS
    server.stop()
    caisse.stop()
    bench.journal.close()


def persons(family: str) -> set[str]:
    """Return the NIRs in a sheet of this family: its insured's, and its first child's when it has one."""
    card = CARDS[family]
    child = card.beneficiaries[0].nir
    return {card.nir[:13]} | ({child[:13]} if child else set())
