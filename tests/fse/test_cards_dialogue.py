"""Commands and responses: what the host does with each status word, by hand from ISO 7816-4."""

from __future__ import annotations

from typing import NoReturn

import pytest

from fse.cards import CardDataInvalid, CardMute, UnexpectedStatus, errors
from fse.cards.apdu import Command, Dialogue
from fse.cards.cps import CpsReader
from fse.cards.errors import PinBlocked, WrongPin


class Script:
    """A card that plays a list of (command, answer), both in hexadecimal, and fails on anything else."""

    def __init__(self, *exchanges: tuple[str, str]) -> None:
        self.rest = [(command.replace(" ", ""), answer.replace(" ", "")) for command, answer in exchanges]

    def __call__(self, command: bytes) -> bytes:
        """Answer ``command``, which must be the next one of the script."""
        expected, answer = self.rest.pop(0)
        assert command.hex().upper() == expected
        return bytes.fromhex(answer)


def played(command: Command, *exchanges: tuple[str, str]) -> tuple[str, str]:
    """Return data and status word of the response to ``command`` when the card plays the whole script."""
    script = Script(*exchanges)
    response = Dialogue(script, "CPS").exchange(command)
    assert script.rest == []
    return response.data.hex().upper(), f"{response.sw:04X}"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (Command("select", 0x0000), "00A40000"),
        (Command("read_binary", 0x1234, expected=16), "00B0123410"),
        (Command("read_binary", 0, expected=256), "00B0000000"),
        (Command("verify", 1, b"1234"), "002000010431323334"),
        (Command("perform_security_operation", 0x9E9A, b"\xab", 256), "002A9E9A01AB00"),
    ],
)
def test_the_bytes_of_a_command(command: Command, expected: str) -> None:
    """The four short cases are written as ISO 7816-4 §5.1 writes them."""
    assert command.encode().hex().upper() == expected


def test_a_command_never_shows_its_data() -> None:
    """A PIN does not reach a log through the representation of its command."""
    assert repr(Command("verify", 1, b"1234")) == "Command(verify 0001, 4 bytes)"


def test_get_response_collects_what_waits() -> None:
    """61xx is followed until all parts are there; 6100 means 256 bytes or more."""
    command = Command("get_data", 0x5A)
    assert played(command, ("00CA005A", "6103"), ("00C0000003", "AABBCC 9000")) == ("AABBCC", "9000")
    parts = (("00CA005A", "6100"), ("00C0000000", "AABB 6101"), ("00C0000001", "CC 9000"))
    assert played(command, *parts) == ("AABBCC", "9000")


def test_a_wrong_le_is_put_right_once() -> None:
    """6Cxx repeats the command with the length that the card gave; a second 6Cxx is an answer like another."""
    command = Command("get_data", 0x5A, expected=256)
    assert played(command, ("00CA005A00", "6C02"), ("00CA005A02", "AABB 9000")) == ("AABB", "9000")
    assert played(command, ("00CA005A00", "6C02"), ("00CA005A02", "6C03")) == ("", "6C03")


def test_warnings_keep_their_data() -> None:
    """A warning such as 6282 comes with its data."""
    assert played(Command("read_binary", 0, expected=9), ("00B0000009", "AABB 6282")) == ("AABB", "6282")


@pytest.mark.parametrize(
    ("place", "exchanges"),
    [
        ("get_data", [("00CA005A02", "AABBCC 9000")]),
        ("get_data", [("00CA005A02", "6102"), ("00C0000002", "6102")]),
        ("get_response", [("00CA005A02", "6102"), ("00C0000002", "AABBCC 9000")]),
        (
            "get_data",
            [("00CA005A02", "61FF"), ("00C00000FF", "AA" * 255 + "61FF"), ("00C00000FF", "AA" * 255 + "9000")],
        ),
    ],
)
def test_answers_are_bounded(place: str, exchanges: list[tuple[str, str]]) -> None:
    """More bytes than were asked, or announced bytes that never come, end the dialogue with a named error."""
    with pytest.raises(CardDataInvalid) as refused:
        played(Command("get_data", 0x5A, expected=2), *exchanges)
    assert refused.value.facts == {"card": "CPS", "place": place, "reason": "size"}


@pytest.mark.parametrize("answer", ["", "90"])
def test_an_answer_without_status_is_a_mute_card(answer: str) -> None:
    """No answer, or half a status word, is named: the card does not answer."""
    with pytest.raises(CardMute) as refused:
        played(Command("get_data", 0x5A, expected=2), ("00CA005A02", answer))
    assert refused.value.facts == {"card": "CPS", "reason": "no-status-word", "code": "0x0400"}


def test_a_transport_that_fails_is_a_mute_card() -> None:
    """The transport's error is named by its kind alone: its text may hold the command, hence a PIN."""

    def fail(command: bytes) -> NoReturn:
        message = f"cannot send {command!r}"
        raise ConnectionError(message)

    with pytest.raises(CardMute) as refused:
        Dialogue(fail, "Vitale").exchange(Command("verify", 1, b"1234"))
    assert refused.value.facts == {"card": "Vitale", "reason": "ConnectionError", "code": "0xF014"}
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_named_error_of_the_transport_passes() -> None:
    """A reader that already names what happened to the card is not overruled."""

    def withdrawn(_: bytes) -> NoReturn:
        raise CardMute("Vitale", "withdrawn")

    with pytest.raises(CardMute) as refused:
        Dialogue(withdrawn, "CPS").exchange(Command("get_data", 0x5A))
    assert refused.value.facts["reason"] == "withdrawn"


def test_a_refusal_names_the_command() -> None:
    """UnexpectedStatus says which command, and which status word, in French and in English."""
    script = Script(("00CA005A", "6A88"))
    with pytest.raises(UnexpectedStatus) as refused:
        Dialogue(script, "CPS").expect_ok(Command("get_data", 0x5A))
    assert "GET DATA (mot d'état 6A88)" in refused.value.message("fr")
    assert "GET DATA (status word 6A88)" in refused.value.message("en")


@pytest.mark.parametrize(
    "error",
    [
        errors.CardMute("CPS", "TimeoutError"),
        errors.UnexpectedStatus("Vitale", "SELECT", 0x6A82),
        errors.NotACps(0x6A82),
        errors.NotAVitale(0x6A82),
        errors.NotATestCard("CPS"),
        errors.CardDataInvalid("Vitale", "data.serial", "digits"),
        errors.PinFormat(4),
        errors.WrongPin(2),
        errors.PinBlocked(),
        errors.PinNeeded(),
        errors.DigestFormat(20),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_has_its_words(error: errors.CardError) -> None:
    """Each error finds its rule and every fact that its French and English messages name."""
    assert error.rule.id.startswith("CARD-")
    assert error.rule.fact_names <= error.facts.keys()
    assert error.message("fr") != error.message("en")


SELECT = ("00A4040C0A F046534553494D435053", "9000")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("63C2", WrongPin),
        ("63C0", PinBlocked),
        ("6983", PinBlocked),
        ("6700", UnexpectedStatus),
        ("6984", UnexpectedStatus),
    ],
)
def test_the_refusals_of_a_pin(status: str, error: type[Exception]) -> None:
    """Every refusal of VERIFY has its own name; an unknown one keeps its status word."""
    reader = CpsReader(Script(SELECT, ("0020000104 31323334", status)))
    with pytest.raises(error):
        reader.verify_pin("1234")


@pytest.mark.parametrize(("status", "tries"), [("63C3", 3), ("63C1", 1), ("63C0", 0), ("6983", 0), ("9000", 3)])
def test_the_tries_left(status: str, tries: int) -> None:
    """The counter is read from the status word of an empty VERIFY."""
    assert CpsReader(Script(SELECT, ("00200001", status))).tries_left() == tries


def test_a_counter_that_cannot_be_read() -> None:
    """Another status word is no counter."""
    with pytest.raises(UnexpectedStatus):
        CpsReader(Script(SELECT, ("00200001", "6A88"))).tries_left()


def test_a_card_that_refuses_to_sign_is_named() -> None:
    """A refusal to sign that is not about the PIN keeps its status word."""
    prefix = "3031300D060960864801650304020105000420"
    signing = (f"002A9E9A33 {prefix}{'00' * 32} 00", "6985")
    reader = CpsReader(Script(SELECT, ("002241B606 800111840101", "9000"), signing))
    with pytest.raises(UnexpectedStatus) as refused:
        reader.sign(bytes(32))
    assert refused.value.sw == 0x6985


def test_a_signature_of_the_wrong_size_is_refused() -> None:
    """A CPS signature has the 256 bytes of its key."""
    prefix = "3031300D060960864801650304020105000420"
    signing = (f"002A9E9A33 {prefix}{'00' * 32} 00", "AA" * 255 + "9000")
    reader = CpsReader(Script(SELECT, ("002241B606 800111840101", "9000"), signing))
    with pytest.raises(CardDataInvalid, match="signature"):
        reader.sign(bytes(32))
