"""Postfix and dovecot carry what we send; our collectors read it, Python's email and openssl judge it."""

from __future__ import annotations

import email
import email.policy
import gzip
import os
import smtplib
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fse.arl import ArlResult, verify_arl
from gateway.envelopes import MAX_ENVELOPE_BYTES, open_envelope
from gateway.mail_address import MailServer, biller_address, caisse_address
from gateway.mail_server import MailAccount
from gateway.mail_transport import MailTransport
from gateway.mailboxes import ImapMailbox, Mailbox, Pop3Mailbox
from gateway.routing_label import FileLabel
from gateway.simulator.caisse import Caisse
from gateway.simulator.faults import FaultPlan
from gateway.simulator.mail_concentrator import MailConcentrator
from gateway.simulator.mail_store import MailStore
from gateway.transport import Sending, TransportError
from tests import mail_servers
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, Bench, party_of, patient, visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.interop

US, CAISSE = biller_address(build.BILLER), caisse_address(OPALE)
ACCOUNTS = {US: MailAccount("biller", "a password"), CAISSE: MailAccount("caisse", "another one")}
_SECONDS = 30


class World:
    """
    Both servers, and a concentrator to which postfix hands the mail of one caisse, the Artois.

    The mail of the other, the Côte d'Opale, is delivered into a mailbox of its own: no concentrator between.
    """

    def __init__(self, folder: Path, bench: Bench) -> None:
        self.bench = bench
        chain, certificate = make_certificate("localhost")
        (folder / "localhost.pem").write_bytes(certificate)
        self.tls = ssl.create_default_context(cafile=folder / "localhost.pem")
        billers = {build.BILLER: bench.biller.certificate}
        caisse = Caisse(ARTOIS, party_of(build.party(ARTOIS)), bench.trust, billers, bench.clock)
        concentrator = MailConcentrator(
            {ARTOIS: caisse.receive}, frozenset(billers), FaultPlan(), self._deliver, bench.clock
        )
        self._concentrator = concentrator.serve()
        accounts = {address: (account.name, account.password) for address, account in ACCOUNTS.items()}
        domain = caisse_address(ARTOIS).partition("@")[2]
        self._running = mail_servers.running(chain, accounts, {domain: self._concentrator.port})
        self.servers = self._running.__enter__()

    def _deliver(self, address: str, message: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.servers.ports["smtp"], "oct.rss.test", timeout=10) as smtp:
            smtp.sendmail("oct@rss.test", [address], message)

    def server(self, scheme: str, host: str = "127.0.0.1") -> MailServer:
        """Return the server of ``scheme``; by the name localhost it takes TLS."""
        return MailServer(scheme, host, self.servers.ports[scheme])

    def box(self, scheme: str, address: str = US, host: str = "127.0.0.1") -> Mailbox:
        """Return the mailbox of ``address`` by ``scheme``."""
        kind = ImapMailbox if scheme.startswith("imap") else Pop3Mailbox
        tls = self.tls if host == "localhost" else None
        return kind(self.server(scheme, host), ACCOUNTS[address], tls)

    def transport(self, box: Mailbox | None = None, host: str = "127.0.0.1") -> MailTransport:
        """Return a transport through postfix."""
        tls = self.tls if host == "localhost" else None
        used = box or MailStore().mailbox(US)
        return MailTransport(self.server("smtp", host), used, self.bench.clock, tls=tls)

    def wait(self, box: Mailbox, count: int = 1) -> list[str]:
        """Return the names in ``box`` once there are ``count``: postfix delivers when it likes."""
        limit = time.monotonic() + _SECONDS
        while len(names := box.names()) < count:
            assert time.monotonic() < limit, self.servers.logs()
            time.sleep(0.1)
        return names

    def stop(self) -> None:
        """Stop everything."""
        self._running.__exit__(None, None, None)
        self._concentrator.stop()


def make_certificate(name: str) -> tuple[bytes, bytes]:
    """Return a key with a certificate of its own for ``name``, and the certificate alone (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate, certificate


@pytest.fixture(scope="module")
def world(outside_program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield the servers, running; skipped where they are missing, or where nobody may start them."""
    for program in ("postfix", "dovecot"):
        outside_program(program)
    if os.geteuid():
        pytest.skip("postfix and dovecot start as root")
    folder = tmp_path_factory.mktemp("mail")
    bench = Bench(folder)
    made = World(folder, bench)
    yield made
    made.stop()
    bench.journal.close()


def signed_lot(bench: Bench, organism: str) -> tuple[FileLabel, bytes, bytes]:
    """Have the bench close and sign a lot for ``organism``; return its label, its bytes, its envelope."""
    reference = f"{organism}-{bench.counter('lot')}"
    if organism == ARTOIS:
        bench.submit(visit(reference))
    else:
        bench.submit(visit(reference, patient=patient("imaginaire")), "imaginaire")
    (number,) = bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    lot = bench.lot(number)
    label = FileLabel(build.BILLER, organism, lot.file_number, number, lot.mode)
    return label, lot.signed or b"", bench.gateway.lots.envelope(lot)


def decrypted(folder: Path, openssl: str, envelope: bytes, code: str) -> bytes:
    """Return what openssl finds in ``envelope`` with the keys of ``code``."""
    party = party_of(build.party(code))
    (folder / "envelope.der").write_bytes(envelope)
    (folder / "owner.pem").write_bytes(party.certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(party.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = [openssl, "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "envelope.der"]
    command += ["-recip", "owner.pem", "-inkey", "key.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout


def judged(message: bytes) -> bytes:
    """Return the one part that Python's email finds in ``message``, a message without defect."""
    found = email.message_from_bytes(message, policy=email.policy.SMTP)
    assert found.get_content_type() == "multipart/mixed"
    (part,) = found.iter_parts()
    assert (part.get_content_type(), part["Content-Transfer-Encoding"]) == ("application/edi-consent", "base64")
    assert found.defects == part.defects == []
    content = part.get_content()
    assert isinstance(content, bytes)
    return content


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_there_and_back_over_real_servers(
    world: World, outside_program: Callable[[str], str], tmp_path: Path, scheme: str
) -> None:
    """Sent by postfix to the concentrator, its answer read from dovecot: email, openssl and we find the same ARL."""
    label, _, envelope = signed_lot(world.bench, ARTOIS)
    box = world.box(scheme)
    transport = world.transport(box)
    assert transport.send(label, envelope, 1) == (Sending.TAKEN, "")
    (name,) = world.wait(box)
    answer = transport.fetch(build.BILLER, name)
    arl = verify_arl(open_envelope(answer, world.bench.biller), world.bench.trust)
    assert (arl.result, arl.lot_number) == (ArlResult.POSITIVE, label.lot_number)
    assert judged(box.fetch(name)) == answer
    plain = gzip.decompress(decrypted(tmp_path, outside_program("openssl"), answer, build.BILLER))
    assert plain == open_envelope(answer, world.bench.biller)
    transport.remove(build.BILLER, name)
    transport.remove(build.BILLER, name)
    assert world.box("imap").names() == world.box("pop3").names() == []


def test_a_file_is_opened_by_openssl_with_the_caisses_key(
    world: World, outside_program: Callable[[str], str], tmp_path: Path
) -> None:
    """Straight into the caisse's own mailbox: Python's email, openssl and gunzip give the bytes of the lot."""
    label, lot, envelope = signed_lot(world.bench, OPALE)
    assert world.transport().send(label, envelope, 1) == (Sending.TAKEN, "")
    box = world.box("imap", CAISSE)
    (name,) = world.wait(box)
    message = box.fetch(name)
    assert message.startswith(b"Return-Path:")  # it did pass through another's hands
    assert judged(message) == envelope
    assert gzip.decompress(decrypted(tmp_path, outside_program("openssl"), envelope, OPALE)) == lot
    with pytest.raises(subprocess.CalledProcessError):
        decrypted(tmp_path, outside_program("openssl"), envelope, ARTOIS)
    box.remove(name)


@pytest.mark.parametrize("scheme", ["imap", "imaps", "pop3", "pop3s"])
def test_everything_goes_by_verified_tls_too(world: World, scheme: str) -> None:
    """By the name localhost: STARTTLS at postfix, STARTTLS or TLS from the start at dovecot, verified."""
    label = FileLabel(build.BILLER, OPALE, 900, 900, "securise")
    assert world.transport(host="localhost").send(label, b"envelope", 1) == (Sending.TAKEN, "")
    box = world.box(scheme, CAISSE, "localhost")
    (name,) = world.wait(box)
    assert judged(box.fetch(name)) == b"envelope"
    box.remove(name)
    assert box.names() == []
    unknown = type(box)(world.server(scheme, "localhost"), ACCOUNTS[CAISSE])  # type: ignore[call-arg] # both kinds take these
    with pytest.raises(TransportError) as refusal:
        unknown.names()
    assert refusal.value.facts["reason"] == "SSLCertVerificationError"


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_one_message_leaves_and_the_others_keep_their_names(world: World, scheme: str) -> None:
    """Names last over sessions and removals, reading changes nothing, and an outsider's mail is read whole."""
    box = world.box(scheme, CAISSE)
    known: list[str] = []
    for count, text in enumerate((b"one", b"two", b".three"), 1):
        with smtplib.SMTP("127.0.0.1", world.servers.ports["smtp"], "x.test", timeout=10) as smtp:
            smtp.sendmail("x@rss.test", [CAISSE], b"Subject: x\r\n\r\n" + text + b"\r\n")
        known = world.wait(box, count)
    box.remove(known[1])
    assert box.names() == [known[0], known[2]]
    assert [box.fetch(name).rpartition(b"\r\n\r\n")[2] for name in box.names()] == [b"one\r\n", b".three\r\n"]
    for name in box.names():
        box.remove(name)
    assert box.names() == []


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_the_largest_envelope_passes(world: World, scheme: str) -> None:
    """The bounds of the clients leave room for the largest envelope that the gateway handles."""
    label = FileLabel(build.BILLER, OPALE, 901, 901, "securise")
    envelope = os.urandom(MAX_ENVELOPE_BYTES)
    assert world.transport().send(label, envelope, 1) == (Sending.TAKEN, "")
    box = world.box(scheme, CAISSE)
    (name,) = world.wait(box)
    assert judged(box.fetch(name)) == envelope
    box.remove(name)


def test_what_real_servers_refuse(world: World) -> None:
    """A domain that postfix does not serve is refused for good (554); a wrong password at dovecot has its name."""
    stray = FileLabel(build.BILLER, "019970000", 902, 902, "securise")
    assert world.transport().send(stray, b"envelope", 1) == (Sending.REFUSED, "SMTP 554")
    for scheme, kind in (("imap", ImapMailbox), ("pop3", Pop3Mailbox)):
        with pytest.raises(TransportError) as refusal:
            kind(world.server(scheme), MailAccount("biller", "wrong-word")).names()
        assert "wrong-word" not in str(refusal.value)
