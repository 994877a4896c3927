"""A payment return: what each sheet got, to the cent of the transfer, and signed by the caisse that it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.cms import make_seal
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
    ReturnError,
    SheetKind,
    SheetReturn,
    check_return,
    decode,
    encode,
    read_return,
    rejections,
    sign_return,
    verify_return,
    write_return,
)
from fse.noemie.rejections import RejectionKind
from fse.sealed_file import FileError, FileFormat, SealedFile
from fse.seals import ContentChanged, WrongPurpose
from fse.trust import TrustError, TrustStore
from tests.fse.noemie_builders import BY_HAND, MEANT, PIECES, act, debt, returned, sheet
from tests.fse.sheet_builders import (
    BILLER,
    NOW,
    THEIRS,
    accepted_changes,
    cps,
    new_pki,
    party,
    signer,
    trust,
    trust_files,
)

if TYPE_CHECKING:
    from card_sim.pki import BillingParty
    from fse.noemie import Entity

REJECTED = act(state=ActState.REJECTED, paid_cents=0, reasons=(Reason("9301"),))
DEFERRED = act(state=ActState.DEFERRED, paid_cents=0, reasons=(Reason("9501"),))
PARTLY = act(paid_cents=2000, reasons=(Reason("9306"),))

# ------------------------------------------------------------------------------------------------- the return by hand


def test_the_return_written_by_hand_says_what_was_meant() -> None:
    """Paid, partly paid, rejected with its place, deferred, another payment, a recall, a recovery."""
    assert read_return(BY_HAND) == MEANT


def test_the_values_are_written_as_by_hand() -> None:
    """Not one character differs."""
    assert write_return(MEANT) == BY_HAND


def test_the_outcome_of_each_sheet_and_the_sums() -> None:
    """As the head of the file written by hand tells them."""
    assert [(one.number, one.outcome, one.requested_cents, one.paid_cents) for one in MEANT.sheets] == [
        (7, Outcome.PAID, 3500, 3500),
        (8, Outcome.PARTLY_PAID, 6000, 2500),
        (9, Outcome.DEFERRED, 2500, 0),
        (6, Outcome.PAID, 500, 500),
    ]
    assert (MEANT.recovered_cents, MEANT.total_cents) == (1000, 6750)


@pytest.mark.parametrize(
    ("acts", "outcome", "letter"),
    [
        ((act(), act(line=2)), Outcome.PAID, "P"),
        ((act(requested_cents=0, paid_cents=0),), Outcome.PAID, "P"),
        ((PARTLY,), Outcome.PARTLY_PAID, "P"),
        ((act(), replace(REJECTED, line=2)), Outcome.PARTLY_PAID, "P"),
        ((act(), replace(DEFERRED, line=2)), Outcome.PARTLY_PAID, "P"),
        ((REJECTED, replace(REJECTED, line=2)), Outcome.REJECTED, "R"),
        ((REJECTED, replace(DEFERRED, line=2)), Outcome.DEFERRED, "D"),
    ],
)
def test_the_outcome_of_a_sheet_follows_from_its_acts(
    acts: tuple[ActReturn, ...], outcome: Outcome, letter: str
) -> None:
    """In one word, and in the letter of entity 198."""
    one = sheet(*acts)
    assert (one.outcome, one.state) == (outcome, ActState(letter))
    found = returned(sheets=(one,), transfer_cents=one.paid_cents, reference="VIR-1" if one.paid_cents else "")
    assert read_return(write_return(found)) == found


def test_a_sheet_that_could_not_be_believed_is_rejected_without_a_word_of_its_content() -> None:
    """No acts, no day, no nature, nobody: a code and the rule that it broke."""
    one = sheet(drawn_up_on=None, nature="", reasons=(Reason("9004", "TRUST-REVOKED"),))
    one = replace(one, acts=())
    found = returned(sheets=(one,), transfer_cents=0, reference="")
    assert one.outcome is Outcome.REJECTED
    assert read_return(write_return(found)) == found
    assert b"9004UN CERTIFICAT ETAIT REVOQUE A LA SIGNATURE." in write_return(found)


def test_a_return_is_written_in_one_order() -> None:
    """Sheets by type of return, lot, number; acts by line; debts by sheet and operation: whatever the order given."""
    two = sheet(act(line=2), act(line=1), number=8)
    debts = (debt(operation=DebtOperation.RECOVERED, balance_cents=0), debt())
    found = returned(sheets=(*MEANT.sheets[3:], two, sheet()), transfer_cents=7000, debts=debts)
    again = read_return(write_return(found))
    assert [one.number for one in again.sheets] == [7, 8, 6]
    assert [one.line for one in again.sheets[1].acts] == [1, 2]
    assert again.debts == debts[::-1]
    assert write_return(again) == write_return(found)


def test_a_debt_lives_through_returns() -> None:
    """Notified, recovered in part, cancelled: only the recovery takes money."""
    notified = debt()
    recovered = debt(operation=DebtOperation.RECOVERED, amount_cents=600, balance_cents=400)
    cancelled = debt(operation=DebtOperation.CANCELLED, amount_cents=400, balance_cents=0)
    for debts, transfer in (
        ((notified,), 2500),
        ((recovered,), 1900),
        ((notified, recovered, cancelled), 1900),
    ):
        found = returned(debts=debts, transfer_cents=transfer)
        assert read_return(write_return(found)) == found
    assert b"NOT00001000N00001000@" in write_return(returned(debts=(notified,)))


# --------------------------------------------------------------------------------------------------- what is refused


def paid_nothing(*sheets: SheetReturn) -> Return:
    """Return a return without transfer."""
    return returned(sheets=sheets, transfer_cents=0, reference="")


@pytest.mark.parametrize(
    ("found", "rule", "facts"),
    [
        (returned(transfer_cents=2501), "RETURN-TRANSFER", {"stated": 2501, "found": 2500}),
        (returned(reference=""), "RETURN-TRANSFER", {"stated": 2500, "found": 2500}),
        (replace(paid_nothing(sheet(REJECTED)), reference="VIR-1"), "RETURN-TRANSFER", {"stated": 0, "found": 0}),
        (
            returned(debts=(debt(operation=DebtOperation.RECOVERED, amount_cents=3000),), transfer_cents=-500),
            "RETURN-TRANSFER",
            {"stated": -500, "found": -500},
        ),
        (returned(sheets=(sheet(act(paid_cents=2501)),)), "RETURN-AMOUNT", {"paid": 2501, "requested": 2500}),
        (returned(sheets=(sheet(act(paid_cents=0)),)), "RETURN-AMOUNT", {"paid": 0, "requested": 2500}),
        (returned(sheets=(sheet(act(paid_cents=-1)),)), "RETURN-AMOUNT", {"paid": -1}),
        (returned(sheets=(sheet(replace(REJECTED, paid_cents=1)),)), "RETURN-AMOUNT", {"paid": 1}),
        (returned(sheets=(sheet(replace(DEFERRED, paid_cents=1)),)), "RETURN-AMOUNT", {"paid": 1}),
        (paid_nothing(sheet(replace(REJECTED, reasons=()))), "RETURN-REASON", {"place": "feuille 7, ligne 1"}),
        (returned(sheets=(sheet(act(paid_cents=2000)),)), "RETURN-REASON", {"state": "partly_paid"}),
        (returned(sheets=(sheet(act(reasons=(Reason("9301"),))),)), "RETURN-REASON", {"state": "paid"}),
        (returned(sheets=(sheet(reasons=(Reason("9001"),)),)), "RETURN-REASON", {"place": "feuille 7"}),
        (paid_nothing(replace(sheet(), acts=())), "RETURN-REASON", {"place": "feuille 7"}),
        (paid_nothing(sheet(REJECTED, replace(DEFERRED, line=2, reasons=()))), "RETURN-REASON", {"state": "deferred"}),
        (paid_nothing(sheet(replace(REJECTED, reasons=(Reason("0032"),)))), "RETURN-CODE", {"code": "0032"}),
        (paid_nothing(sheet(replace(REJECTED, reasons=(Reason("9306"),)))), "RETURN-CODE", {"code": "9306"}),
        (paid_nothing(sheet(replace(REJECTED, reasons=(Reason("9001"),)))), "RETURN-CODE", {"code": "9001"}),
        (paid_nothing(sheet(REJECTED, reasons=(Reason("9301"),))), "RETURN-CODE", {"place": "feuille 7"}),
        (returned(sheets=(sheet(signals=("9301",)),)), "RETURN-CODE", {"code": "9301"}),
        (returned(sheets=(sheet(), sheet()), transfer_cents=5000), "RETURN-TWICE", {"place": "feuille 7"}),
        (
            returned(sheets=(sheet(), sheet(kind=SheetKind.DEGRADED)), transfer_cents=5000),
            "RETURN-TWICE",
            {"place": "feuille 7"},
        ),
        (returned(sheets=(sheet(act(), act()),), transfer_cents=5000), "RETURN-TWICE", {"place": "feuille 7, ligne 1"}),
        (returned(debts=(debt(), debt())), "RETURN-TWICE", {"place": "créance D000000041"}),
        (returned(debts=(debt(balance_cents=999),)), "RETURN-DEBT", {"reference": "D000000041"}),
        (returned(debts=(debt(amount_cents=0, balance_cents=0),)), "RETURN-DEBT", {"reference": "D000000041"}),
        (
            returned(debts=(debt(), debt(operation=DebtOperation.CANCELLED, balance_cents=1))),
            "RETURN-DEBT",
            {"reference": "D000000041"},
        ),
        (
            returned(debts=(debt(), debt(operation=DebtOperation.CANCELLED, balance_cents=0, number=4))),
            "RETURN-DEBT",
            {"reference": "D000000041"},
        ),
        (returned(number=0), "RETURN-VALUE", {"place": "fichier"}),
        (returned(sheets=(sheet(number=0),)), "RETURN-VALUE", {"field": "numéro"}),
        (returned(sheets=(sheet(number=10**9),)), "RETURN-VALUE", {"field": "numéro"}),
        (returned(sheets=(sheet(lot=10**6),)), "RETURN-VALUE", {"field": "lot"}),
        (returned(sheets=(sheet(act(line=0)),)), "RETURN-VALUE", {"field": "ligne"}),
        (returned(sheets=(sheet(act(line=100)),)), "RETURN-VALUE", {"field": "ligne"}),
        (returned(sheets=(sheet(act(code="c")),)), "RETURN-VALUE", {"field": "code"}),
        (returned(debts=(debt(number=0),)), "RETURN-VALUE", {"field": "feuille"}),
        (returned(debts=(debt(lot=0),)), "RETURN-VALUE", {"field": "lot"}),
        (returned(organism="01999"), "ORGANISM-FORM", {}),
        (returned(biller="629990012"), "FINESS-KEY", {}),
    ],
)
def test_a_return_that_contradicts_itself_is_refused(found: Return, rule: str, facts: dict[str, Any]) -> None:
    """When it is checked, hence when it is written."""
    for judge in (check_return, write_return):
        with pytest.raises(FseError) as caught:
            judge(found)
        assert caught.value.rule.id == rule
        assert {name: caught.value.facts[name] for name in facts} == facts
        assert str(caught.value)


@pytest.mark.parametrize(
    "found",
    [
        returned(reference="V" * 33),
        returned(others=(OtherPayment("708", 0, ""),)),
        returned(others=(OtherPayment("00708", -1, ""),), transfer_cents=2499),
        paid_nothing(sheet(replace(REJECTED, reasons=(Reason("9301", "é"),)))),
        paid_nothing(sheet(replace(REJECTED, reasons=(Reason("9301", "X" * 31),)))),
        returned(sheets=(sheet(nature="XX"),)),
        returned(sheets=(sheet(act(rate_percent=1000)),)),
        returned(created_on=date(1999, 1, 1)),
    ],
)
def test_what_a_field_cannot_hold_is_not_written(found: Return) -> None:
    """Nothing is cut short or replaced in silence."""
    with pytest.raises(NoemieError) as caught:
        write_return(found)
    assert caught.value.rule.id == "NOEMIE-FIELD"


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


def signed(found: Return = MEANT, by: BillingParty | None = None) -> bytes:
    """Return the return signed by the caisse of the tests, or by somebody else."""
    return sign_return(found, signer(by or party()), NOW)


@cache
def good() -> SealedFile:
    """Return the parts of a sound signed return."""
    return SealedFile.decode(signed(), FileFormat.RETURN)


def refusal(data: bytes, store: TrustStore | None = None) -> FseError:
    """Return why the signed return is not believed."""
    with pytest.raises(FseError) as caught:
        verify_return(data, store or trust())
    return caught.value


def resealed(payload: bytes, purpose: str = "return") -> bytes:
    """Return other content, properly signed by the caisse."""
    seal = make_seal(payload, signer(party()), NOW, purpose).encode()
    return SealedFile(FileFormat.RETURN, payload, (seal,)).encode()


def test_a_signed_return_arrives_as_it_was_given() -> None:
    """The payload is the stream itself."""
    assert verify_return(signed(), trust()) == MEANT
    assert good().payload == BY_HAND


@pytest.mark.parametrize("by", [party("019980000"), party(BILLER)])
def test_one_caisse_does_not_pay_for_another(by: BillingParty) -> None:
    """Neither does the biller himself."""
    error = refusal(signed(by=by))
    assert type(error) is ReturnError
    assert (error.rule.id, error.facts) == ("RETURN-ISSUER", {"organism": "019990000"})


def test_who_is_not_of_this_infrastructure_is_not_believed() -> None:
    """A professional's card, a caisse with other keys, a caisse that was revoked."""
    error = refusal(sign_return(MEANT, signer(cps()), NOW))
    assert type(error) is TrustError
    assert refusal(signed(by=party("019990000", THEIRS))).rule.id == "TRUST-UNKNOWN"
    pki = new_pki()
    pki.revoke(party().certificate, NOW)
    assert refusal(signed(), TrustStore.load(trust_files(pki))).rule.id == "TRUST-REVOKED"


def test_another_content_under_the_seal_is_refused() -> None:
    """A rejected sheet does not become a paid one on the way."""
    error = refusal(replace(good(), payload=good().payload.replace(b"3500", b"3600")).encode())
    assert type(error) is ContentChanged


@pytest.mark.parametrize("purpose", ["arl", "lot", ""])
def test_a_signature_for_something_else_is_no_return(purpose: str) -> None:
    """What a caisse signs for another purpose moves no money."""
    assert type(refusal(resealed(BY_HAND, purpose))) is WrongPurpose


def test_even_a_caisse_has_one_writing_only() -> None:
    """What is wrong goes to quarantine under a rule, never as a crash."""
    assert refusal(resealed(BY_HAND[:-1])).rule.id == "NOEMIE-TRUNCATED"
    assert refusal(resealed(rewritten(46, amount=6751))).rule.id == "NOEMIE-TOTAL"
    assert refusal(resealed(rewritten(1, message=""))).rule.id == "NOEMIE-WRITING"


def test_what_is_not_a_signed_return_is_refused() -> None:
    """One seal, no parts, the right name."""
    for data in (
        b"",
        BY_HAND,
        replace(good(), seals=()).encode(),
        replace(good(), seals=good().seals * 2).encode(),
        replace(good(), parts=(b"",)).encode(),
        replace(good(), format=FileFormat.ARL).encode(),
    ):
        error = refusal(data)
        assert type(error) is FileError
        assert (error.rule.id, error.facts) == ("FILE-FORM", {"expected": "FSE-SIM retour 1"})


def judge(data: bytes) -> None:
    """Verify a return as the gateway does."""
    verify_return(data, trust())


def test_a_changed_bit_is_refused() -> None:
    """Five hundred single-bit changes, chosen once for all: none passes."""
    data = signed()
    sample = Random("bits of a return").sample(range(8 * len(data)), 500)  # noqa: S311 - a sample, not a secret
    assert accepted_changes(data, sample, judge) == []
