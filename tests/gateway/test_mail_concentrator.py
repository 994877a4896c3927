"""The simulated concentrator by mail: routes by address and label, carries the envelope unchanged, once an attempt."""

from __future__ import annotations

import smtplib
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from gateway.clock import SimulatedClock
from gateway.mail_address import MailServer, biller_address
from gateway.mail_message import MailMessage, Nature, build_message
from gateway.mail_reading import read_message
from gateway.mail_transport import MailTransport
from gateway.routing_label import FileLabel
from gateway.simulator.faults import Fault, FaultKind, FaultPlan
from gateway.simulator.mail_concentrator import MailConcentrator, caisse_over_http
from gateway.simulator.mail_store import MailStore
from gateway.simulator.server import LocalServer
from gateway.transport import Sending, TransportError
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, TUESDAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

LABEL = FileLabel(build.BILLER, ARTOIS, 12, 34, "securise")
BODY = bytes(range(256)) * 40
US, THEM = f"{build.BILLER}@facturier.rss.test", "01999@999.01.rss.test"
FILE = MailMessage(Nature.FILE, US, THEM, LABEL, "<1@rss.test>", TUESDAY, BODY)


class Network:
    """A sender, a concentrator and a caisse that keeps what it is given."""

    def __init__(self, *faults: Fault) -> None:
        self.received: list[tuple[FileLabel, bytes]] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.store = MailStore()
        clock = SimulatedClock(TUESDAY)
        concentrator = MailConcentrator(
            {ARTOIS: self._answer}, frozenset({build.BILLER}), FaultPlan(faults), self.store.deliver, clock
        )
        self.server = concentrator.serve()
        server = MailServer.parse(self.server.url, "smtp")
        self.box = self.store.mailbox(biller_address(build.BILLER))
        self.client = MailTransport(server, self.box, clock)

    def _answer(self, label: FileLabel, envelope: bytes) -> bytes:
        self.before_answer()
        self.received.append((label, envelope))
        return b"answer %d" % len(self.received)

    def send(self, attempt: int = 1, **changes: Any) -> tuple[Sending, str]:  # noqa: ANN401 - fields of any type
        """Send the file, its label changed."""
        return self.client.send(replace(LABEL, **changes), BODY, attempt)

    def say(self, data: bytes, sender: str = US, recipients: tuple[str, ...] = (THEM,)) -> int:
        """Send ``data`` as it is; return the code of the reply."""
        with smtplib.SMTP("127.0.0.1", self.server.port, "client.test", timeout=10) as smtp:
            try:
                smtp.sendmail(sender, recipients, data)
            except smtplib.SMTPRecipientsRefused as error:
                return max(code for code, _ in error.recipients.values())
            except smtplib.SMTPResponseException as error:
                return error.smtp_code
        return 250


@pytest.fixture
def network() -> Iterator[Network]:
    """Yield a network without a fault."""
    made = Network()
    yield made
    made.server.stop()


def test_the_envelope_is_delivered_unchanged(network: Network) -> None:
    """Protocol art. 3: the caisse receives the bytes that were sent; its answer comes as a message."""
    assert network.send() == (Sending.TAKEN, "")
    assert network.received == [(LABEL, BODY)]
    (name,) = network.client.messages(build.BILLER)
    assert network.client.fetch(build.BILLER, name) == b"answer 1"
    answer = read_message(network.box.fetch(name))
    assert (answer.nature, answer.sender, answer.recipient, answer.label) == (Nature.ANSWER, THEM, US, LABEL)


def test_an_attempt_sent_twice_has_one_effect(network: Network) -> None:
    """The same attempt again is taken and changes nothing; the next attempt of the file is carried."""
    assert [network.send(attempt)[0] for attempt in (1, 1, 2)] == [Sending.TAKEN] * 3
    assert len(network.received) == len(network.box.names()) == 2


def test_an_attempt_on_its_way_is_not_carried_twice(network: Network) -> None:
    """While the first is with the caisse, its repetition is told «not now»; then it is known as taken."""
    there, go_on = Event(), Event()

    def wait() -> None:
        there.set()
        assert go_on.wait(10)

    network.before_answer = wait
    first = Thread(target=network.send)
    first.start()
    assert there.wait(10)
    assert network.send() == (Sending.NOT_TAKEN, "SMTP 451")
    go_on.set()
    first.join(10)
    assert network.send() == (Sending.TAKEN, "")
    assert len(network.received) == 1


def test_a_caisse_out_of_reach_is_not_now(network: Network) -> None:
    """Nothing was kept: the same attempt is carried when the caisse is back."""

    def fail() -> None:
        raise TransportError("TRANSPORT", address="caisse", reason="down")

    network.before_answer = fail
    assert network.send() == (Sending.NOT_TAKEN, "SMTP 451")
    network.before_answer = lambda: None
    assert network.send() == (Sending.TAKEN, "")
    assert (len(network.received), len(network.box.names())) == (1, 1)


def test_what_it_cannot_carry_is_refused_for_good(network: Network) -> None:
    """PROT-12: without a contract nothing is carried; nor to an unknown caisse, or another centre of a known one."""
    assert network.send(biller="629990003") == (Sending.REFUSED, "SMTP 550")
    assert network.send(organism=OPALE) == (Sending.REFUSED, "SMTP 550")
    assert network.send(organism="019991234") == (Sending.REFUSED, "SMTP 550")
    assert (network.received, network.box.names()) == ([], [])


def test_addresses_and_label_must_agree(network: Network) -> None:
    """Neither a forged sender nor a label of somebody else, an answer dressed as a file, or a mail without a file."""
    other = "629990003@facturier.rss.test"
    assert network.say(build_message(FILE)) == 250
    assert network.say(build_message(FILE), sender=other) == 550
    assert network.say(build_message(FILE), recipients=("01998@998.01.rss.test",)) == 550
    assert network.say(build_message(replace(FILE, sender=other))) == 550
    assert network.say(build_message(replace(FILE, recipient="01998@998.01.rss.test"))) == 550
    assert network.say(build_message(replace(FILE, label=replace(LABEL, biller="629990003")))) == 550
    assert network.say(build_message(replace(FILE, label=replace(LABEL, organism=OPALE)))) == 550
    assert network.say(build_message(replace(FILE, nature=Nature.ANSWER))) == 550
    assert network.say(b"Subject: hello\r\n\r\nhello\r\n") == 554
    assert network.received == [(LABEL, BODY)]


def test_one_recipient_a_message(network: Network) -> None:
    """A file is for one caisse: a second recipient is turned away, the first gets it."""
    with smtplib.SMTP("127.0.0.1", network.server.port, "client.test", timeout=10) as smtp:
        refused = smtp.sendmail(US, [THEM, THEM.replace("999@", "999@")], build_message(FILE))
    assert (len(network.received), [code for code, _ in refused.values()]) == (1, [452])


def test_faults_strike_as_over_http() -> None:
    """Refused as often as asked for; one bit of one file changed; one answer lost; then all goes well."""
    kinds = (FaultKind.REFUSE_FILE, FaultKind.ALTER_FILE, FaultKind.LOSE_ARL)
    network = Network(*(Fault(kind, ARTOIS, "securise") for kind in kinds))
    assert [network.send(attempt)[0] for attempt in (1, 1, 2)] == [Sending.NOT_TAKEN, Sending.TAKEN, Sending.TAKEN]
    (_, first), (_, second) = network.received
    assert second == BODY
    assert sum((one ^ other).bit_count() for one, other in zip(first, BODY, strict=True)) == 1
    assert len(network.box.names()) == 1
    network.server.stop()


def test_a_stopped_concentrator_refuses_connections() -> None:
    """Once it is stopped nobody listens: not taken, to be tried again."""
    network = Network()
    network.server.stop()
    assert network.send() == (Sending.NOT_TAKEN, "ConnectionRefusedError")


def test_a_caisse_over_http_answers_or_is_an_error_by_name() -> None:
    """The door of a caisse gives its answer; another status, or nobody there, is TRANSPORT, which is «not now»."""

    async def answer(request: Request) -> Response:
        label = FileLabel.read(request.headers)
        return Response(await request.body(), 200 if label.lot_number == LABEL.lot_number else 404)

    server = LocalServer(Starlette(routes=[Route("/", answer, methods=["POST"])]))
    door = caisse_over_http(server.url)
    assert door(LABEL, BODY) == BODY
    reasons = []
    for stopped in (False, True):
        if stopped:
            server.stop()
        with pytest.raises(TransportError) as refusal:
            door(replace(LABEL, lot_number=1), BODY)
        reasons.append(refusal.value.facts["reason"])
    assert reasons == ["HTTP 404", "NewConnectionError"]
