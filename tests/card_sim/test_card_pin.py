"""The PIN of the CPS against a model that only counts."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from card_sim.cps import CpsCard
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet

RIGHT = b"1234"
PUK = b"12345678"
ASK = bytes.fromhex("00200001")
SET_ENVIRONMENT = bytes.fromhex("002241B606800111840101")
SIGN = bytes.fromhex("002A9E9A333031300D060960864801650304020105000420") + bytes(32) + b"\x00"


@cache
def issued() -> CpsCard:
    """Return the card whose key the others share: keys are slow to make."""
    pki = TestPki.create(SeededRandomness("pin"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_cps(demo_wallet().cps["medecin"])


def new_card() -> CpsCard:
    """Return a card with all its tries."""
    one = issued()
    stream = SeededRandomness("pin").stream("challenges")
    return CpsCard(one.profile, one.private_key, one.certificate, one.issuer_certificate, challenges=stream)


def verify(card: CpsCard, pin: bytes) -> str:
    """Return the status word of VERIFY."""
    return card.transmit(bytes((0, 0x20, 0, 1, len(pin))) + pin).hex()


class PinModel(RuleBasedStateMachine):
    """Any dialogue about the PIN; the model knows the tries left and whether the PIN was verified."""

    @initialize()
    def insert(self) -> None:
        """Put a new card in."""
        self.card = new_card()
        self.tries, self.unblocks = 3, 10
        self.pin, self.verified = RIGHT, False

    @rule(pin=st.binary(min_size=4, max_size=4).filter(lambda pin: pin not in {RIGHT, b"0007"}))
    def wrong_pin(self, pin: bytes) -> None:
        """Give a wrong PIN."""
        if not self.tries:
            assert verify(self.card, pin) == "6983"
            return
        self.tries -= 1
        self.verified = False
        assert verify(self.card, pin) == f"63c{self.tries}"

    @rule()
    def right_pin(self) -> None:
        """Give the right PIN."""
        if not self.tries:
            assert verify(self.card, self.pin) == "6983"
            return
        assert verify(self.card, self.pin) == "9000"
        self.tries, self.verified = 3, True

    @precondition(lambda self: self.tries)
    @rule(pin=st.binary(min_size=1, max_size=12).filter(lambda pin: len(pin) != 4))
    def wrong_length(self, pin: bytes) -> None:
        """Give something that cannot be a PIN: no try is lost."""
        assert verify(self.card, pin) == "6700"

    @rule(new=st.sampled_from([b"1234", b"0007"]), right=st.booleans())
    def unblock(self, new: bytes, right: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        """Use the PUK: it serves ten times, right or wrong."""
        answer = self.card.transmit(bytes.fromhex("002C00010C") + (PUK if right else b"00000000") + new).hex()
        if not self.unblocks:
            assert answer == "6983"
            return
        self.unblocks -= 1
        assert answer == ("9000" if right else f"63c{self.unblocks}")
        if right:
            self.tries, self.verified, self.pin = 3, False, new

    @rule(new=st.sampled_from([b"1234", b"0007"]), right=st.booleans())
    def change(self, new: bytes, right: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        """Replace the PIN, given with it or with a wrong one."""
        answer = self.card.transmit(bytes.fromhex("0024000108") + (self.pin if right else b"9999") + new).hex()
        if not self.tries:
            assert answer == "6983"
            return
        self.tries, self.verified = (3, True) if right else (self.tries - 1, False)
        self.pin = new if right else self.pin
        assert answer == ("9000" if right else f"63c{self.tries}")

    @rule()
    def power_cycle(self) -> None:
        """Take the card out and put it back."""
        self.card.reset()
        self.verified = False

    @invariant()
    def counter_and_signature_agree(self) -> None:
        """Hold the counter against the model's, and the key against the verified state."""
        if self.verified:
            assert self.card.transmit(ASK).hex() == "9000"
        else:
            assert self.card.transmit(ASK).hex() == (f"63c{self.tries}" if self.tries else "6983")
        assert (self.card.pin.tries_left, self.card.pin.unblocks_left) == (self.tries, self.unblocks)
        self.card.transmit(SET_ENVIRONMENT)
        answer = self.card.transmit(SIGN)
        assert (len(answer) == 258) is self.verified
        assert self.verified or answer.hex() == "6982"


TestPinModel = PinModel.TestCase
TestPinModel.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
TestPinModel.__doc__ = (
    "No order of PINs, PUKs, changes and power cycles gives a try too many or a signature without the PIN."
)


def test_three_wrong_tries_block_the_right_pin() -> None:
    """63C2, 63C1, 63C0, then 6983 whatever is given, and power-off does not unblock."""
    card = new_card()
    assert [verify(card, b"0000") for _ in range(4)] == ["63c2", "63c1", "63c0", "6983"]
    card.reset()
    assert verify(card, RIGHT) == "6983"


@pytest.mark.parametrize("name", ["pin", "rpps"])
def test_the_pin_is_not_shown(name: str) -> None:
    """The representation of a profile gives the RPPS, never the PIN."""
    profile = new_card().profile
    assert (getattr(profile, name) in repr(profile)) is (name == "rpps")


def test_the_puk_serves_ten_times() -> None:
    """Ten uses of the PUK, right or wrong; then the card stays blocked, even for the right one."""
    card = new_card()
    unblock = bytes.fromhex("002C00010C")
    answers = [card.transmit(unblock + (PUK if turn % 2 else b"99999999") + b"0000").hex() for turn in range(11)]
    assert answers == ["63c9", "9000", "63c7", "9000", "63c5", "9000", "63c3", "9000", "63c1", "9000", "6983"]
    assert verify(card, b"0000") == "9000"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("002C00010C 3132333435363738 30303A30", "6a80"),
        ("002C00010B 3132333435363738 303030", "6700"),
        ("002C0001", "6700"),
        ("002C01010C 3132333435363738 30303030", "6a86"),
        ("002C00020C 3132333435363738 30303030", "6a88"),
        ("0024000108 31323334 3030303A", "6a80"),
        ("0024000104 31323334", "6700"),
        ("0024010104 30303030", "6a86"),
    ],
)
def test_a_malformed_change_costs_nothing(command: str, status: str) -> None:
    """A new PIN that is none, or lengths that do not add up, take neither a try nor a use of the PUK."""
    card = new_card()
    assert card.transmit(bytes.fromhex(command)).hex() == status
    assert (card.pin.tries_left, card.pin.unblocks_left) == (3, 10)
    assert verify(card, RIGHT) == "9000"


def test_a_changed_pin_is_the_one_of_the_profile() -> None:
    """Whoever saves the card saves the PIN that it has now."""
    card = new_card()
    assert card.transmit(bytes.fromhex("0024000108") + RIGHT + b"0007").hex() == "9000"
    assert card.profile.pin == "0007"
    assert "0007" not in repr(card.profile)
