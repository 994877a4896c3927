"""A payment return as a stream of entities: what is not ours is refused with its place, no cent changes unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.errors import FseError
from fse.noemie import (
    ActReturn,
    ActState,
    Debt,
    DebtOperation,
    NoemieError,
    OtherPayment,
    Outcome,
    Reason,
    Return,
    SheetKind,
    SheetReturn,
    decode,
    encode,
    read_return,
    rejections,
    verify_return,
    write_return,
)
from fse.noemie.rejections import RejectionKind
from tests.fse.noemie_builders import BY_HAND, MEANT, PIECES, act, debt, returned
from tests.fse.sheet_builders import (
    trust,
)

if TYPE_CHECKING:
    from fse.noemie import Entity
    from fse.trust import TrustStore

REJECTED = act(state=ActState.REJECTED, paid_cents=0, reasons=(Reason("9301"),))
DEFERRED = act(state=ActState.DEFERRED, paid_cents=0, reasons=(Reason("9501"),))


def rewritten(rank: int, **values: object) -> bytes:
    """Return the stream written by hand with other values in one entity."""
    entities: list[Any] = list(decode(BY_HAND).entities)
    entities[rank - 1] = replace(entities[rank - 1], values={**entities[rank - 1].values, **values})
    return encode(entities)


def cut(*ranks: int) -> bytes:
    """Return the stream written by hand without some entities, its 999 counting what is left."""
    pieces = [piece for rank, piece in enumerate(PIECES, 1) if rank not in ranks]
    return b"".join(pieces).replace(b"00000046T", b"%08dT" % len(pieces))


def doubled(rank: int) -> bytes:
    """Return the stream written by hand with one entity twice, its 999 counting both."""
    return b"".join([*PIECES[:rank], *PIECES[rank - 1 :]]).replace(b"00000046T", b"00000047T")


def between(rank: int, piece: bytes) -> bytes:
    """Return the stream written by hand with one more entity after the place ``rank``, its 999 counting it."""
    return b"".join([*PIECES[:rank], piece, *PIECES[rank:]]).replace(b"00000046T", b"00000047T")


AT_LEVEL = [(rank, piece[:5].decode()) for rank, piece in enumerate(PIECES, 1)]


def rank_of(mark: str, nth: int = 0) -> int:
    """Return the rank of the nth entity of the stream written by hand with that type and level."""
    return [rank for rank, found in AT_LEVEL if found == mark][nth]


@pytest.mark.parametrize(
    ("data", "rule", "rank"),
    [
        (rewritten(1, flow="R"), "NOEMIE-FOREIGN", None),
        (rewritten(1, norm="CPRT"), "NOEMIE-FOREIGN", None),
        (rewritten(46, amount=6751), "NOEMIE-TOTAL", 46),
        (rewritten(46, sign="N"), "NOEMIE-TOTAL", 46),
        (rewritten(46, lots=2), "NOEMIE-COUNT", 46),
        (rewritten(rank_of("99003"), count=4), "NOEMIE-COUNT", rank_of("99003")),
        (rewritten(rank_of("99003"), amount=1), "NOEMIE-TOTAL", rank_of("99003")),
        (rewritten(rank_of("99002"), amount=1), "NOEMIE-TOTAL", rank_of("99002")),
        (rewritten(rank_of("99001"), count=5), "NOEMIE-COUNT", rank_of("99001")),
        (rewritten(rank_of("99001"), closes="081"), "NOEMIE-TREE", rank_of("99001")),
        (rewritten(rank_of("19805"), paid=3499), "NOEMIE-TOTAL", rank_of("99003")),
        (rewritten(rank_of("19805"), requested=3499), "NOEMIE-TOTAL", rank_of("19805")),
        (rewritten(rank_of("19806"), paid=3499), "NOEMIE-TOTAL", rank_of("19805")),
        (rewritten(rank_of("19805"), state="R"), "NOEMIE-WRITING", rank_of("19805")),
        (rewritten(rank_of("21005"), reimbursed=1), "NOEMIE-WRITING", rank_of("21005")),
        (rewritten(rank_of("29406"), label="AUTRE CHOSE"), "NOEMIE-WRITING", rank_of("29406")),
        (rewritten(rank_of("10305"), family_name="DUTEST"), "NOEMIE-WRITING", rank_of("10305")),
        (rewritten(rank_of("10204"), lot="004"), "NOEMIE-WRITING", rank_of("10204")),
        (rewritten(rank_of("10204"), type="C"), "NOEMIE-FIELD", rank_of("10204")),
        (rewritten(rank_of("10204"), number="7"), "NOEMIE-WRITING", rank_of("10204")),
        (rewritten(rank_of("10204"), complement="A"), "NOEMIE-FIELD", rank_of("10204")),
        (rewritten(rank_of("10204"), lot_day=None), "NOEMIE-FIELD", rank_of("10204")),
        (rewritten(rank_of("19806"), state=""), "NOEMIE-FIELD", rank_of("19806")),
        (rewritten(rank_of("25005"), operation="XXX"), "NOEMIE-TOTAL", rank_of("99003", 2)),
        (rewritten(rank_of("08102"), type="02"), "NOEMIE-WRITING", rank_of("08102")),
        (cut(rank_of("99001")), "NOEMIE-TREE", 45),
        (cut(rank_of("99003")), "NOEMIE-TREE", rank_of("99003")),
        (cut(rank_of("07101")), "NOEMIE-TREE", 2),
        (cut(*range(2, 46)), "NOEMIE-TREE", 2),
        (cut(rank_of("19806")), "NOEMIE-TREE", rank_of("19806")),
        (cut(rank_of("26204")), "NOEMIE-TREE", rank_of("26204")),
        (cut(rank_of("21005")), "NOEMIE-TREE", rank_of("21005")),
        (cut(rank_of("19805")), "NOEMIE-TOTAL", rank_of("99003") - 1),
        (doubled(rank_of("99001")), "NOEMIE-TREE", 46),
        (doubled(rank_of("19805")), "NOEMIE-TREE", rank_of("19805") + 1),
        (doubled(rank_of("07101")), "NOEMIE-TREE", 3),
        (between(2, b"02003000000000000001@"), "NOEMIE-TREE", 3),
        (between(7, PIECES[7].replace(b"21005", b"21006")), "NOEMIE-TREE", 8),
    ],
)
def test_a_stream_that_is_not_our_return_is_refused_with_its_place(data: bytes, rule: str, rank: int | None) -> None:
    """Counts, totals, places, and the one writing; a lost sheet is a count that does not agree."""
    with pytest.raises(NoemieError) as caught:
        read_return(data)
    assert (caught.value.rule.id, caught.value.facts.get("rank")) == (rule, rank)


def test_an_operation_that_nobody_knows_is_not_ignored() -> None:
    """It moves no money that we could check, so the return is not believed."""
    written = write_return(returned(debts=(debt(),)))
    with pytest.raises(NoemieError) as caught:
        read_return(written.replace(b"TRPNOT", b"TRPXXX"))
    assert caught.value.rule.id == "NOEMIE-FIELD"


def money_fields() -> list[tuple[int, str]]:
    """Return each amount of the stream written by hand but the base, and the balance of a debt of an earlier return."""
    free = {"base", "balance"}
    fields = [
        (one.rank, field.name) for one in decode(BY_HAND).known for field in one.layout.named if field.kind == "cents"
    ]
    return [(rank, name) for rank, name in fields if name not in free]


@pytest.mark.parametrize(("rank", "name"), money_fields())
def test_one_cent_in_one_place_is_refused(rank: int, name: str) -> None:
    """No amount of a return can change alone."""
    amount = decode(BY_HAND).known[rank - 1].number(name)
    with pytest.raises(FseError):
        read_return(rewritten(rank, **{name: amount + 1}))


def test_a_return_with_an_unknown_entity_is_still_read() -> None:
    """Skipped like anywhere; the rest keeps its one writing."""
    data = b"".join([*PIECES[:10], b"77705TO COME@", *PIECES[10:]]).replace(b"00000046T", b"00000047T")
    assert read_return(data) == MEANT


def test_our_return_says_that_it_is_a_simulation() -> None:
    """In clear, in its first line: test and real never mix."""
    assert write_return(MEANT)[91:128].decode().strip() == "SIMULATION - SANS VALEUR"
    assert write_return(MEANT)[70:71] == b"T"


# ------------------------------------------------------------------------------------------------------- properties

CODES = {kind: sorted(code for code, one in rejections().items() if one.kind is kind) for kind in RejectionKind}
DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))
DETAIL = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", max_size=30)


@st.composite
def acts(draw: st.DrawFn, line: int) -> ActReturn:
    """Draw one act of any outcome."""
    requested = draw(st.integers(2, 9_999_999))
    outcome = draw(st.sampled_from(Outcome))
    paid = requested if outcome is Outcome.PAID else 0
    kind = RejectionKind.REJECTION
    if outcome is Outcome.PARTLY_PAID:
        paid, kind = draw(st.integers(1, requested - 1)), RejectionKind.REDUCTION
    elif outcome is Outcome.DEFERRED:
        kind = RejectionKind.DEFERRAL
    codes = st.sampled_from([code for code in CODES[kind] if "L" in rejections()[code].level])
    reasons = st.lists(st.builds(Reason, codes, DETAIL), min_size=1, max_size=3)
    letter = {Outcome.REJECTED: ActState.REJECTED, Outcome.DEFERRED: ActState.DEFERRED}
    return ActReturn(
        line=line,
        code=draw(st.text("ABCDEFGH0123456789", min_size=1, max_size=10)),
        on=draw(DAYS),
        fee_cents=draw(st.integers(0, 99_999_999)),
        base_cents=draw(st.integers(0, 99_999_999)),
        rate_percent=draw(st.integers(0, 100)),
        requested_cents=requested,
        state=letter.get(outcome, ActState.PAID),
        paid_cents=paid,
        quantity=draw(st.integers(1, 99)),
        reasons=() if outcome is Outcome.PAID else tuple(draw(reasons)),
    )


@st.composite
def returns(draw: st.DrawFn) -> Return:
    """Draw one return, in its own order, which pays at least what it recovers."""
    numbers = sorted(draw(st.sets(st.integers(1, 999_999_999), max_size=6)))
    sheets = tuple(
        SheetReturn(
            kind=draw(st.sampled_from([SheetKind.SECURED, SheetKind.DEGRADED])),
            number=number,
            lot=rank // 2 + 1,
            lot_day=date(2025, 3, 4),
            drawn_up_on=draw(DAYS),
            nature=draw(st.sampled_from(["AS", "MA", "AM", "AT", "PM", ""])),
            acts=tuple(draw(acts(line)) for line in range(1, draw(st.integers(1, 3)) + 1)),
            signals=tuple(draw(st.lists(st.sampled_from(CODES[RejectionKind.SIGNAL]), max_size=2))),
        )
        for rank, number in enumerate(numbers)
    )
    others = (OtherPayment("00708", draw(st.integers(0, 99_999_999)), "VACCINS"),) * draw(st.integers(0, 2))
    paid = sum(one.paid_cents for one in sheets) + sum(one.amount_cents for one in others)
    debts: tuple[Debt, ...] = ()
    if paid:
        taken = draw(st.integers(1, min(paid, 99_999_999)))
        debts = (debt(operation=DebtOperation.RECOVERED, amount_cents=taken, balance_cents=draw(st.integers(0, 99))),)
        paid -= taken
    reference = "VIR-1" if paid else ""
    return returned(sheets=sheets, others=others, debts=debts, transfer_cents=paid, reference=reference)


def signed_cents(one: Entity) -> int:
    """Return what one entity of a stream adds to the transfer, read without the code of returns."""
    if one.kind == "198" and one.level == "05":
        return one.number("paid")
    if one.kind == "261":
        return one.number("amount")
    return -one.number("amount") if one.kind == "250" and one.text("operation") == "REC" else 0


@given(returns())
def test_any_return_is_read_as_it_was_written_and_ties_to_the_transfer(found: Return) -> None:
    """Values and bytes both ways; the lines of the stream alone add up to its 999 and to the transfer."""
    data = write_return(found)
    assert read_return(data) == found
    assert write_return(read_return(data)) == data
    stream = decode(data)
    assert sum(map(signed_cents, stream.known)) == stream.known[-1].signed("amount") == found.transfer_cents


@given(st.integers(0, len(BY_HAND) - 1), st.integers(32, 126))
def test_one_changed_character_never_changes_the_money_unseen(at: int, code: int) -> None:
    """Refused by name, or read with the same transfer and the same amounts for each sheet."""
    try:
        found = read_return(BY_HAND[:at] + bytes((code,)) + BY_HAND[at + 1 :])
    except FseError as error:
        assert str(error)  # noqa: PT017 - most changes are refused, and each refusal can be told
    else:
        assert found.transfer_cents == MEANT.transfer_cents
        assert [one.paid_cents for one in found.sheets] == [one.paid_cents for one in MEANT.sheets]


# -------------------------------------------------------------------------------------------------------- signature


def refusal(data: bytes, store: TrustStore | None = None) -> FseError:
    """Return why the signed return is not believed."""
    with pytest.raises(FseError) as caught:
        verify_return(data, store or trust())
    return caught.value
