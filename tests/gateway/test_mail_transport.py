"""Sending by SMTP: taken, not taken, refused, unknown, each for its reason; TLS; what waits in the mailbox."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.clock import SimulatedClock
from gateway.errors import GatewayError
from gateway.mail_address import MailServer
from gateway.mail_message import MailMessage, Nature, build_message
from gateway.mail_reading import read_message
from gateway.mail_server import MailAccount
from gateway.mail_transport import MailTransport
from gateway.routing_label import FileLabel
from gateway.simulator.mail_store import MailStore
from gateway.transport import Sending, TransportError
from tests.gateway.scripted_server import ScriptedServer, ScriptedSmtp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BILLER = "629990011"
US, THEM = "629990011@facturier.rss.test", "01999@999.01.rss.test"
LABEL = FileLabel(BILLER, "019990000", 12, 34, "securise")
NOW = datetime(2025, 3, 4, 10, 0, tzinfo=UTC)
ENVELOPE = bytes(range(256)) * 4
BREAK = None


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Yield what starts a scripted server."""
    running: list[ScriptedServer] = []

    def start(answer: Callable[[bytes], bytes | None]) -> ScriptedServer:
        running.append(ScriptedServer(answer))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def transport(port: int, store: MailStore | None = None, **options: Any) -> MailTransport:  # noqa: ANN401 - of any type
    """Return a transport that sends to ``port`` of this machine and collects from ``store``."""
    box = (store or MailStore()).mailbox(US)
    server = MailServer(options.pop("scheme", "smtp"), options.pop("host", "127.0.0.1"), port)
    return MailTransport(server, box, SimulatedClock(NOW), **options)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ({}, (Sending.TAKEN, "")),
        ({"greeting": b"421 too busy\r\n"}, (Sending.NOT_TAKEN, "SMTP 421")),
        ({"greeting": b"554 go away\r\n"}, (Sending.REFUSED, "SMTP 554")),
        ({"greeting": BREAK}, (Sending.NOT_TAKEN, "SMTPServerDisconnected")),
        ({"greeting": b"what?\r\n"}, (Sending.NOT_TAKEN, "SMTP -1")),
        ({"EHLO": b"502 old\r\n"}, (Sending.TAKEN, "")),
        ({"EHLO": b"502 old\r\n", "HELO": b"421 no\r\n"}, (Sending.NOT_TAKEN, "SMTP 421")),
        ({"EHLO": BREAK}, (Sending.NOT_TAKEN, "SMTPServerDisconnected")),
        ({"MAIL": b"451 later\r\n"}, (Sending.NOT_TAKEN, "SMTP 451")),
        ({"MAIL": b"552 too large\r\n"}, (Sending.REFUSED, "SMTP 552")),
        ({"MAIL": BREAK}, (Sending.NOT_TAKEN, "SMTPServerDisconnected")),
        ({"RCPT": b"450 later\r\n"}, (Sending.NOT_TAKEN, "SMTP 450")),
        ({"RCPT": b"550 unknown\r\n"}, (Sending.REFUSED, "SMTP 550")),
        ({"RCPT": BREAK}, (Sending.NOT_TAKEN, "SMTPServerDisconnected")),
        ({"DATA": b"451 later\r\n"}, (Sending.NOT_TAKEN, "SMTP 451")),
        ({"DATA": b"554 never\r\n"}, (Sending.REFUSED, "SMTP 554")),
        ({"DATA": b"250 what?\r\n"}, (Sending.NOT_TAKEN, "SMTP 250")),
        ({"DATA": BREAK}, (Sending.NOT_TAKEN, "SMTPServerDisconnected")),
        ({"within": BREAK}, (Sending.UNKNOWN, "SMTPServerDisconnected")),
        ({"end": b"451 later\r\n"}, (Sending.NOT_TAKEN, "SMTP 451")),
        ({"end": b"554 never\r\n"}, (Sending.REFUSED, "SMTP 554")),
        ({"end": b"250-taken\r\n250 really\r\n"}, (Sending.TAKEN, "")),
        ({"end": b"354 what?\r\n"}, (Sending.UNKNOWN, "SMTP 354")),
        ({"end": b"what?\r\n"}, (Sending.UNKNOWN, "SMTP -1")),
        ({"end": b"250-" + b"x" * 9000 + b"\r\n"}, (Sending.UNKNOWN, "SMTPResponseException")),
        ({"end": BREAK}, (Sending.UNKNOWN, "SMTPServerDisconnected")),
        ({"QUIT": BREAK}, (Sending.TAKEN, "")),
    ],
)
def test_each_reply_has_its_meaning(
    serve: Callable[..., ScriptedServer], replies: dict[str, bytes | None], expected: tuple[Sending, str]
) -> None:
    """RFC 5321: a reply is the server's word; a break before the data left nothing, one after may have left it all."""
    assert transport(serve(ScriptedSmtp(**replies)).port).send(LABEL, ENVELOPE, 1) == expected


def test_a_reply_without_end_is_cut(serve: Callable[..., ScriptedServer]) -> None:
    """A server that continues its reply for ever does not hold the sender: before the data nothing left."""
    endless = b"250-more\r\n" * 20_000
    assert transport(serve(ScriptedSmtp(MAIL=endless)).port).send(LABEL, ENVELOPE, 1)[0] is Sending.NOT_TAKEN
    assert transport(serve(ScriptedSmtp(end=endless)).port).send(LABEL, ENVELOPE, 1)[0] is Sending.UNKNOWN


def test_a_refused_connection_kept_nothing(serve: Callable[..., ScriptedServer]) -> None:
    """Nobody listens: not a byte left."""
    server = serve(ScriptedSmtp())
    server.stop = lambda: None  # type: ignore[method-assign] # it is stopped here
    ScriptedServer.stop(server)
    assert transport(server.port).send(LABEL, ENVELOPE, 1) == (Sending.NOT_TAKEN, "ConnectionRefusedError")


def test_silence_after_the_data_is_unknown(
    serve: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole message went and no reply came in time: it may have been taken."""
    monkeypatch.setattr("gateway.mail_transport._SECONDS", 0.3)
    server = serve(ScriptedSmtp(end=b"", EHLO=b"250 hello\r\n"))
    assert transport(server.port).send(LABEL, ENVELOPE, 1)[0] is Sending.UNKNOWN


def test_what_leaves_is_a_message_by_the_convention(serve: Callable[..., ScriptedServer]) -> None:
    """From the biller to the caisse's address, its size told beforehand, the envelope inside byte for byte."""
    script = ScriptedSmtp()
    server = serve(script)
    assert transport(server.port).send(LABEL, ENVELOPE, 3) == (Sending.TAKEN, "")
    data = b"".join(line + b"\r\n" for line in script.message)
    found = read_message(data)
    assert (found.sender, found.recipient, found.label, found.envelope) == (US, THEM, LABEL, ENVELOPE)
    assert found.at == NOW
    assert f"mail FROM:<{US}> SIZE={len(data)}".lower().encode() in [line.lower() for line in server.lines]
    assert f"rcpt TO:<{THEM}>".lower().encode() in [line.lower() for line in server.lines]


def test_a_repeated_attempt_is_told_by_its_message_id(serve: Callable[..., ScriptedServer]) -> None:
    """The same attempt bears the same Message-ID, the next one another."""
    script = ScriptedSmtp()
    client = transport(serve(script).port)
    for attempt in (1, 1, 2):
        client.send(LABEL, ENVELOPE, attempt)
    first, again, second = [line for line in script.message if line.startswith(b"Message-ID")]
    assert first == again != second


# -------------------------------------------------------------------------------------------------------------- TLS


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Return the files of a key with a certificate of its own for ``name``, and of the certificate alone."""
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
    )
    pem = certificate.public_bytes(Encoding.PEM)
    both, alone = folder / f"{name}.both.pem", folder / f"{name}.pem"
    both.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    alone.write_bytes(pem)
    return both, alone


class Keeper:
    """What aiosmtpd asks: keeps every message, and who logged in."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.logged_in: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd's
        """Keep one message."""
        del server, session
        self.messages.append(envelope.original_content)
        return "250 OK"


class TlsServer(Controller):
    """aiosmtpd with STARTTLS and one account, on a port of its own."""

    def __init__(self, keeper: Keeper, both: Path, port: int, **options: Any) -> None:  # noqa: ANN401 - of any type
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(both)
        super().__init__(
            keeper, hostname="127.0.0.1", port=port, server_hostname="mail.test", tls_context=context, **options
        )


@pytest.fixture
def tls_server(tmp_path: Path, serve: Callable[..., ScriptedServer]) -> Iterator[Callable[..., tuple[Keeper, int]]]:
    """Yield what starts a server with STARTTLS, its certificate for a name."""
    running: list[TlsServer] = []

    def start(name: str = "localhost", **options: Any) -> tuple[Keeper, int]:  # noqa: ANN401 - of any type
        taken = serve(ScriptedSmtp())
        taken.stop()
        taken.stop = lambda: None  # type: ignore[method-assign] # it is stopped: its port is free
        keeper = Keeper()
        running.append(TlsServer(keeper, make_certificate(tmp_path, name)[0], taken.port, **options))
        running[-1].start()
        return keeper, taken.port

    yield start
    for server in running:
        server.stop()


def test_off_this_machine_starttls_comes_first(tls_server: Callable[..., tuple[Keeper, int]], tmp_path: Path) -> None:
    """By a name (not a loopback address) the message goes through TLS with the server's certificate verified."""
    keeper, port = tls_server(require_starttls=True)
    trusting = ssl.create_default_context(cafile=tmp_path / "localhost.pem")
    assert transport(port, host="localhost", tls=trusting).send(LABEL, ENVELOPE, 1) == (Sending.TAKEN, "")
    assert read_message(keeper.messages[0]).envelope == ENVELOPE


def test_a_server_that_is_not_vouched_for_gets_nothing(
    tls_server: Callable[..., tuple[Keeper, int]], tmp_path: Path
) -> None:
    """An unknown authority, and the certificate of another name: no byte of the message leaves."""
    keeper, port = tls_server()
    unknown = transport(port, host="localhost")
    assert unknown.send(LABEL, ENVELOPE, 1) == (Sending.NOT_TAKEN, "SSLCertVerificationError")
    other, port = tls_server("other.test")
    trusting = ssl.create_default_context(cafile=tmp_path / "other.test.pem")
    wrong = transport(port, host="localhost", tls=trusting)
    assert wrong.send(LABEL, ENVELOPE, 1) == (Sending.NOT_TAKEN, "SSLCertVerificationError")
    assert keeper.messages == other.messages == []


def test_a_server_without_tls_gets_nothing_off_this_machine(serve: Callable[..., ScriptedServer]) -> None:
    """Whoever strips STARTTLS from the greeting gains nothing: no mail command is sent in the clear."""
    server = serve(ScriptedSmtp())
    found = transport(server.port, host="localhost").send(LABEL, ENVELOPE, 1)
    assert found == (Sending.NOT_TAKEN, "SMTPNotSupportedError")
    assert not [line for line in server.lines if line.upper().startswith(b"MAIL")]


def test_a_wrong_password_is_for_a_person(tls_server: Callable[..., tuple[Keeper, int]], tmp_path: Path) -> None:
    """535 is for good, and neither what is returned nor the transport says the password."""
    good, bad = MailAccount("biller", "secret-word"), MailAccount("biller", "wrong-word")

    def judge(server: object, session: object, envelope: object, mechanism: str, data: Any) -> Any:  # noqa: ANN401 - aiosmtpd's
        del server, session, envelope, mechanism
        return AuthResult(success=(data.login, data.password) == (b"biller", b"secret-word"), handled=False)

    keeper, port = tls_server(authenticator=judge, auth_required=True)
    trusting = ssl.create_default_context(cafile=tmp_path / "localhost.pem")
    wrong = transport(port, host="localhost", tls=trusting, account=bad)
    assert wrong.send(LABEL, ENVELOPE, 1) == (Sending.REFUSED, "SMTP 535")
    assert "wrong-word" not in repr(vars(wrong))
    assert transport(port, host="localhost", tls=trusting, account=good).send(LABEL, ENVELOPE, 1)[0] is Sending.TAKEN
    assert len(keeper.messages) == 1


def test_no_file_can_go_to_a_real_domain() -> None:
    """ADDRESS-REAL: the transport is not even made for rss.fr."""
    with pytest.raises(GatewayError) as refusal:
        transport(9, domain="rss.fr")
    assert refusal.value.rule.id == "ADDRESS-REAL"


# ---------------------------------------------------------------------------------------------------------- collecting


def answer(**changes: Any) -> bytes:  # noqa: ANN401 - fields of any type
    """Return an answer of the caisse, with changes."""
    message = MailMessage(Nature.ANSWER, THEM, US, LABEL, "<1@rss.test>", NOW, b"an answer")
    return build_message(replace(message, **changes))


def test_an_answer_is_fetched_then_removed() -> None:
    """What is fetched is the envelope inside; it waits until it is removed, and a second removal changes nothing."""
    store = MailStore()
    store.deliver(US, answer())
    store.deliver(US, answer(envelope=b"another"))
    store.deliver("629990003@facturier.rss.test", answer())
    client = transport(9, store)
    first, second = client.messages(BILLER)
    assert [client.fetch(BILLER, first) for _ in range(2)] == [b"an answer"] * 2
    client.remove(BILLER, first)
    client.remove(BILLER, first)
    assert client.messages(BILLER) == [second]
    assert client.fetch(BILLER, second) == b"another"
    with pytest.raises(TransportError):
        client.fetch(BILLER, first)


@pytest.mark.parametrize(
    "strange",
    [
        b"Subject: buy now\r\n\r\nhello\r\n",
        answer(nature=Nature.FILE),
        answer(recipient="629990003@facturier.rss.test"),
        answer(label=replace(LABEL, biller="629990003")),
        answer()[:-20],
        b"",
    ],
    ids=["another mail", "a file", "for another", "label of another", "cut", "empty"],
)
def test_a_strange_message_comes_whole(strange: bytes) -> None:
    """What is no answer to us is handed over as it was delivered: quarantine keeps it all, nothing is lost."""
    store = MailStore()
    store.deliver(US, strange)
    client = transport(9, store)
    assert [client.fetch(BILLER, name) for name in client.messages(BILLER)] == [strange]
