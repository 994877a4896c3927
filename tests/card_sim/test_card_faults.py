"""Faults between the host and the card: where they strike, how often, and that they end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_sim.errors import CardFaultInvalid
from card_sim.faults import CardAbsent, CardFault, CardPulled, CardSilent, FaultKind, FaultySlot, ReaderBroken

RAISES = {
    FaultKind.ABSENT: CardAbsent,
    FaultKind.PULLED: CardPulled,
    FaultKind.MUTE: CardSilent,
    FaultKind.READER_ERROR: ReaderBroken,
}
READ = b"\x00\xb0\x00\x00\x10"


@given(st.sampled_from(sorted(RAISES)), st.integers(1, 8), st.integers(0, 8))
def test_a_fault_strikes_from_its_command_on_and_ends(kind: FaultKind, first: int, times: int) -> None:
    """Protects d12: the nth command, so many times, then the card answers again; none times does nothing."""
    off: list[int] = []
    fault = CardFault(kind, first, times)
    slot = FaultySlot(lambda _: b"\x90\x00", fault, reset=lambda: off.append(1), wait=off.append)
    struck = []
    for rank in range(1, 20):
        try:
            assert slot.transmit(READ) == b"\x90\x00"
        except RAISES[kind]:
            struck.append(rank)
    assert struck == list(range(first, first + times))
    assert len(off) == (times if kind in {FaultKind.ABSENT, FaultKind.PULLED} else 0)


def test_a_slow_card_lets_time_pass_and_answers() -> None:
    """Protects the slow card: the seconds are told to whoever keeps time, the answer is right."""
    waited: list[int] = []
    fault = CardFault(FaultKind.SLOW, 2, 1, 30)
    slot = FaultySlot(lambda _: b"\x01\x90\x00", fault, reset=waited.clear, wait=waited.append)
    assert [slot.transmit(READ) for _ in range(3)] == [b"\x01\x90\x00"] * 3
    assert waited == [30]


@given(st.binary(min_size=1, max_size=40))
def test_tampered_data_differ_in_one_bit(data: bytes) -> None:
    """Protects the tampered card: one bit of what is read, never the status word, and of nothing but readings."""
    slot = FaultySlot(lambda _: data + b"\x90\x00", CardFault(FaultKind.TAMPERED), reset=lambda: None, wait=print)
    answer = slot.transmit(READ)
    differing = int.from_bytes(answer, "big") ^ int.from_bytes(data + b"\x90\x00", "big")
    assert differing.bit_count() == 1
    assert answer[-2:] == b"\x90\x00"
    assert slot.transmit(b"\x00\xa4\x04\x00") == data + b"\x90\x00"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("mute", CardFault(FaultKind.MUTE)),
        ("pulled:7", CardFault(FaultKind.PULLED, 7)),
        ("reader-error:2:3", CardFault(FaultKind.READER_ERROR, 2, 3)),
    ],
)
def test_a_fault_is_written_as_people_write_it(text: str, fault: CardFault) -> None:
    """Protects `--fault`: kind, first command, times."""
    assert CardFault.parse(text) == fault


@pytest.mark.parametrize("text", ["", "fire", "mute:0", "mute:a", "mute:1:2:3", "mute:-1", "mute:99999999", "mute:"])
def test_anything_else_is_refused(text: str) -> None:
    """Protects `--fault` from what is none."""
    with pytest.raises(CardFaultInvalid):
        CardFault.parse(text)
