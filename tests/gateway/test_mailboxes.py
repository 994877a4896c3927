"""The clients of mailboxes against servers that misbehave; real servers judge them in tests/interop."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SimulatedClock
from gateway.errors import GatewayError
from gateway.mail_address import MailServer
from gateway.mail_message import MAX_MESSAGE_BYTES
from gateway.mail_server import MailAccount
from gateway.mail_transport import mail_road
from gateway.mailboxes import ImapMailbox, Mailbox, Pop3Mailbox
from gateway.routing_label import FileLabel
from gateway.transport import Sending, TransportError
from tests.gateway.scripted_server import ScriptedServer, ScriptedSmtp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACCOUNT = MailAccount("biller", "secret-word")


class Pop3:
    """The answers of a POP3 server with two messages, changed by command (None: the connection breaks)."""

    def __init__(self, **changes: bytes | None) -> None:
        well: dict[str, bytes | None] = {
            "": b"+OK hello\r\n",
            "CAPA": b"+OK\r\nUIDL\r\n.\r\n",
            "UIDL": b"+OK\r\n1 uid-one\r\n2 uid-two\r\n.\r\n",
            "LIST": b"+OK 2 11\r\n",
            "RETR": b"+OK\r\nhello\r\n..dot\r\n.\r\n",
        }
        self._answers = well | changes

    def __call__(self, line: bytes) -> bytes | None:
        """Return the answer to ``line``."""
        return self._answers.get(line.decode("ascii").split(" ")[0], b"+OK\r\n")


class Imap:
    """The answers of an IMAP server with two messages, changed by command (None: the connection breaks)."""

    def __init__(self, **changes: bytes | None) -> None:
        well: dict[str, bytes | None] = {
            "": b"* OK [CAPABILITY IMAP4rev1] hello\r\n",
            "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
            "SELECT": b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n",
            "SEARCH": b"* SEARCH 3 5\r\n",
            "RFC822.SIZE": b"* 2 FETCH (UID 5 RFC822.SIZE 5)\r\n",
            "BODY.PEEK": b"* 2 FETCH (UID 5 BODY[] {5}\r\nhello)\r\n",
        }
        self._answers = well | changes

    def __call__(self, line: bytes) -> bytes | None:
        """Return the answer to ``line``, with its tag."""
        tag, _, command = line.decode("ascii").partition(" ")
        found = next((answer for word, answer in self._answers.items() if word and word in command), b"")
        if not line:
            return self._answers[""]
        if found is None or found.startswith(b"TAG"):
            return None if found is None else found.replace(b"TAG", tag.encode())
        return found + tag.encode() + b" OK done\r\n"


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


def pop3(server: ScriptedServer) -> Pop3Mailbox:
    """Return the mailbox at ``server``."""
    return Pop3Mailbox(MailServer("pop3", "127.0.0.1", server.port), ACCOUNT)


def imap(server: ScriptedServer) -> ImapMailbox:
    """Return the mailbox at ``server``."""
    return ImapMailbox(MailServer("imap", "127.0.0.1", server.port), ACCOUNT)


def refused(call: Callable[[], object]) -> TransportError:
    """Return the refusal of ``call``, which never says a password or repeats the server's words."""
    with pytest.raises(TransportError) as refusal:
        call()
    assert "secret-word" not in str(refusal.value)
    return refusal.value


def commands(server: ScriptedServer) -> list[str]:
    """Return the commands that ``server`` was given, without tags and log-ins."""
    lines = [line.decode("ascii") for line in server.lines]
    return [line for line in lines if "biller" not in line and "secret" not in line]


def test_pop3_reads_by_lasting_names(serve: Callable[..., ScriptedServer]) -> None:
    """A name is the UIDL, not the rank; a message comes with its doubled dots undone; only QUIT deletes it."""
    server = serve(Pop3())
    box = pop3(server)
    assert box.names() == ["uid-one", "uid-two"]
    assert box.fetch("uid-two") == b"hello\r\n.dot\r\n"
    box.remove("uid-two")
    box.remove("gone")
    assert [line for line in commands(server) if not line.startswith(("UIDL", "CAPA"))] == [
        *("LIST 2", "RETR 2"),
        *("DELE 2", "QUIT"),
        "QUIT",
    ]


def test_imap_reads_by_lasting_names(serve: Callable[..., ScriptedServer]) -> None:
    """A name is UIDVALIDITY and UID; reading marks nothing; one message alone is marked and expunged."""
    server = serve(Imap())
    box = imap(server)
    assert box.names() == ["7-3", "7-5"]
    assert box.fetch("7-5") == b"hello"
    box.remove("7-5")
    asked = [line.partition(" ")[2] for line in commands(server)]
    assert [line for line in asked if line.startswith(("UID", "EXPUNGE"))] == [
        "UID SEARCH UNDELETED",
        "UID FETCH 5 (RFC822.SIZE)",
        "UID FETCH 5 (BODY.PEEK[])",
        r"UID STORE 5 +FLAGS.SILENT (\Deleted)",
        "EXPUNGE",
    ]


def test_an_empty_box_has_no_names(serve: Callable[..., ScriptedServer]) -> None:
    """Nothing waits: an empty list by either protocol."""
    assert pop3(serve(Pop3(UIDL=b"+OK\r\n.\r\n"))).names() == []
    assert imap(serve(Imap(SEARCH=b"* SEARCH\r\n"))).names() == []
    assert imap(serve(Imap(SEARCH=b""))).names() == []


def test_names_of_another_life_of_the_box_are_refused(serve: Callable[..., ScriptedServer]) -> None:
    """The box was made anew: the same UID is another message, so neither fetched nor removed."""
    server = serve(Imap())
    for call in (imap(server).fetch, imap(server).remove):
        refused(lambda call=call: call("6-5"))  # type: ignore[misc] # bound at once
    assert not [line for line in commands(server) if "FETCH" in line or "STORE" in line]


LARGE = MAX_MESSAGE_BYTES + 1
ENDLESS = b"x" * 900 + b"\r\n"


@pytest.mark.parametrize(
    ("client", "script"),
    [
        (pop3, Pop3(USER=None)),
        (pop3, Pop3(PASS=b"-ERR wrong password secret-word\r\n")),
        (pop3, Pop3(UIDL=None)),
        (pop3, Pop3(UIDL=b"+OK\r\nnonsense\r\n.\r\n")),
        (pop3, Pop3(UIDL=b"+OK\r\n1 uid-\xff\r\n.\r\n")),
        (pop3, Pop3(LIST=b"+OK 2 %d\r\n" % LARGE)),
        (pop3, Pop3(LIST=b"+OK\r\n")),
        (pop3, Pop3(RETR=None)),
        (pop3, Pop3(RETR=b"+OK\r\n" + ENDLESS * (LARGE // 900 + 1000))),
        (pop3, Pop3(RETR=b"+OK\r\n" + b"x" * 5000 + b"\r\n.\r\n")),
        (imap, Imap(LOGIN=None)),
        (imap, Imap(LOGIN=b"TAG NO wrong password secret-word\r\n")),
        (imap, Imap(SELECT=b"TAG NO closed\r\n")),
        (imap, Imap(SELECT=b"* 2 EXISTS\r\n")),
        (imap, Imap(**{"RFC822.SIZE": b"* 2 FETCH (UID 5 RFC822.SIZE %d)\r\n" % LARGE})),
        (imap, Imap(**{"RFC822.SIZE": b""})),
        (imap, Imap(**{"BODY.PEEK": b"* 2 FETCH (UID 5 BODY[] {999999999999}\r\nhello)\r\n"})),
        (imap, Imap(**{"BODY.PEEK": b"* 2 FETCH (UID 5)\r\n"})),
        (imap, Imap(**{"BODY.PEEK": b""})),
        (imap, Imap(**{"BODY.PEEK": None})),
        (imap, Imap(**{"BODY.PEEK": ENDLESS})),
        (imap, Imap(**{"BODY.PEEK": b"* OK " + ENDLESS * (LARGE // 900 + 1000)})),
    ],
)
def test_a_server_that_misbehaves_is_an_error_by_name(
    serve: Callable[..., ScriptedServer],
    client: Callable[[ScriptedServer], Mailbox],
    script: Callable[[bytes], bytes | None],
) -> None:
    """TRANSPORT: broken, nonsense, too large, without end; never a crash, never the server's own words."""
    name = "uid-two" if client is pop3 else "7-5"
    error = refused(lambda: client(serve(script)).fetch(name))
    assert error.rule.id == "TRANSPORT"
    assert str(error.facts["address"]).startswith(("pop3://127.0.0.1:", "imap://127.0.0.1:"))


def test_nobody_listens(serve: Callable[..., ScriptedServer]) -> None:
    """A server that is down is TRANSPORT for every call: what waits there is collected next time."""
    server = serve(Pop3())
    ScriptedServer.stop(server)
    server.stop = lambda: None  # type: ignore[method-assign] # it is stopped already
    for box in (pop3(server), imap(server)):
        assert refused(box.names).facts["reason"] == "ConnectionRefusedError"


def test_a_password_never_goes_in_the_clear_off_this_machine(serve: Callable[..., ScriptedServer]) -> None:
    """By a name (not a loopback address) a server without TLS is left before the password."""
    for script, make, scheme in ((Pop3(), Pop3Mailbox, "pop3"), (Imap(), ImapMailbox, "imap")):
        server = serve(script)
        refused(make(MailServer(scheme, "localhost", server.port), ACCOUNT).names)
        assert not [line for line in server.lines if b"secret-word" in line]


def test_the_road_from_two_addresses_and_an_account(serve: Callable[..., ScriptedServer], tmp_path: Path) -> None:
    """What a command line names: where to send, where to collect, a file with the account; each checked first."""
    account = tmp_path / "account"
    account.write_text("biller\nsecret-word\n", encoding="ascii")
    account.chmod(0o600)
    smtp, clock = f"smtp://127.0.0.1:{serve(ScriptedSmtp()).port}", SimulatedClock(datetime(2025, 3, 4, tzinfo=UTC))
    label = FileLabel("629990011", "019990000", 1, 1, "securise")
    for box, names in (
        (f"pop3://127.0.0.1:{serve(Pop3()).port}", ["uid-one", "uid-two"]),
        (f"imap://127.0.0.1:{serve(Imap()).port}", ["7-3", "7-5"]),
    ):
        road = mail_road(smtp, box, account, clock)
        assert road.send(label, b"file", 1) == (Sending.TAKEN, "")
        assert road.messages("629990011") == names
    for wrong in ((box, box, account), (smtp, smtp, account), (smtp, box, tmp_path / "none")):
        with pytest.raises(GatewayError):
            mail_road(*wrong, clock)
