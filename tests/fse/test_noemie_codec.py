"""The NOEMIE codec: what is read is written again exactly, and what is broken is named with its place."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fse.noemie import MAX_BYTES, Entity, NoemieError, UnknownEntity, decode, encode, unpack
from fse.noemie.layout import code_lists, layouts
from tests.fse.noemie_builders import BY_HAND, PIECES

if TYPE_CHECKING:
    from collections.abc import Callable

    from fse.noemie.fields import Value
    from fse.noemie.layout import Field

PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "@")


def refusal(data: bytes) -> NoemieError:
    """Return why the stream is not read."""
    with pytest.raises(NoemieError) as caught:
        decode(data)
    return caught.value


def changed(rank: int, piece: bytes) -> bytes:
    """Return the stream written by hand with another entity in the place ``rank``."""
    return b"".join([*PIECES[: rank - 1], piece, *PIECES[rank:]])


def counting(*pieces: bytes) -> bytes:
    """Return the stream written by hand with ``pieces`` before its end, which counts them."""
    end = PIECES[-1].replace(b"00000046", b"%08d" % (46 + len(pieces)))
    return b"".join([*PIECES[:-1], *pieces, end])


# ------------------------------------------------------------------------------------------------- the file by hand


def test_the_file_written_by_hand_is_read_and_written_again() -> None:
    """Not one character differs."""
    stream = decode(BY_HAND)
    assert encode(stream.entities) == BY_HAND
    assert [one.kind for one in stream.entities] == [piece[:3].decode() for piece in PIECES]
    assert stream.unknown == ()


def test_each_kind_of_value_is_what_was_written() -> None:
    """Text without its padding, digits as they stand, numbers, cents, rates, days, and none where there is none."""
    entities = decode(BY_HAND).known
    transfer, invoice, amo, act = entities[1], entities[4], entities[6], entities[7]
    assert transfer.values == {
        "day": date(2025, 3, 10),
        "reference": "VIR-2025-03-10-0001",
        "label": "VIREMENT SIMULE",
        "payer": "019990000",
    }
    assert (invoice.kind, invoice.level, invoice.text("number"), invoice.text("nature")) == (
        "102",
        "04",
        "000000007",
        "AS",
    )
    assert (amo.rank, amo.position) == (7, 444)  # 128 + 86 + 22 + 15 + 40 + 152 characters before it
    assert (amo.number("requested"), amo.text("state"), amo.signed("paid")) == (3500, "P", 3500)
    assert (act.day("prescribed_on"), act.day("begins_on"), act.number("rate")) == (None, date(2025, 3, 4), 100)
    assert (entities[44].kind, entities[44].signed("amount")) == ("990", 6750)
    assert [one.signed("amount") for one in entities if one.kind == "250"] == [-1000]


def test_a_stream_may_be_compressed() -> None:
    """As inside a mail; decompressed within bounds, whole, and alone."""
    packed = gzip.compress(BY_HAND)
    assert unpack(packed) == unpack(BY_HAND) == BY_HAND
    for broken in (packed[:-1], packed + b"x", packed[:2] + b"x" * 20):
        with pytest.raises(NoemieError) as caught:
            unpack(broken)
        assert caught.value.rule.id == "NOEMIE-PACKED"
    with pytest.raises(NoemieError) as caught:
        unpack(gzip.compress(b"0" * (MAX_BYTES + 1)))
    assert caught.value.rule.id == "NOEMIE-SIZE"


# ------------------------------------------------------------------------------------------------- unknown entities


def test_an_unknown_entity_is_skipped_reported_and_kept() -> None:
    """Never an error by itself: whoever reads values does not see it, whoever writes the stream keeps it."""
    data = counting(b"77703WHATEVER 1, 2@")
    stream = decode(data)
    assert [(one.kind, one.level, one.body) for one in stream.unknown] == [("777", "03", "WHATEVER 1, 2")]
    assert "777" not in {one.kind for one in stream.known}
    assert encode(stream.entities) == data
    report = stream.unknown[0].report
    assert report.rule.severity == "warning"
    assert report.rule.id == "NOEMIE-UNKNOWN"
    position = len(BY_HAND) - 128 + 1
    assert report.facts == {"rank": 46, "kind": "777", "position": position, "size": 19}


def test_an_unknown_entity_has_an_end_too() -> None:
    """A long run without delimiter is not swallowed."""
    error = refusal(counting(b"77703" + b"X" * 5000))
    assert (error.rule.id, error.facts["rank"]) == ("NOEMIE-TRUNCATED", 46)


# --------------------------------------------------------------------------------------------------------- refusals


AMO = PIECES[6]


@pytest.mark.parametrize(
    ("data", "rule", "facts"),
    [
        (b"", "NOEMIE-FRAME", {"rank": 0}),
        (b"000", "NOEMIE-TRUNCATED", {"rank": 1, "position": 1}),
        (BY_HAND[:-1], "NOEMIE-TRUNCATED", {"rank": 46, "position": len(BY_HAND) - 127}),
        (BY_HAND[:-128], "NOEMIE-FRAME", {"rank": 45, "kind": "990"}),
        (BY_HAND + b"\n", "NOEMIE-MARK", {"rank": 47, "position": len(BY_HAND) + 1}),
        (BY_HAND + PIECES[6], "NOEMIE-FRAME", {"rank": 46, "kind": "999"}),
        (BY_HAND[128:], "NOEMIE-FRAME", {"rank": 1, "kind": "071"}),
        (PIECES[0] + BY_HAND, "NOEMIE-FRAME", {"rank": 2, "kind": "000", "position": 129}),
        (BY_HAND.replace(b"00000046", b"00000045"), "NOEMIE-COUNT", {"stated": 45, "found": 46, "rank": 46}),
        (changed(7, AMO.replace(b"198", b"1 8")), "NOEMIE-MARK", {"rank": 7, "position": 444}),
        (changed(7, AMO.replace(b"19805", b"198 5")), "NOEMIE-MARK", {"rank": 7, "position": 444}),
        (changed(7, b"1980@"), "NOEMIE-MARK", {"rank": 7, "position": 444}),
        (changed(7, AMO[:-2] + b"@"), "NOEMIE-LENGTH", {"rank": 7, "kind": "198", "found": 23, "expected": 24}),
        (changed(7, AMO[:-1] + b" @"), "NOEMIE-LENGTH", {"rank": 7, "kind": "198", "found": 25, "expected": 24}),
        (changed(7, AMO.replace(b"P@", b"X@")), "NOEMIE-FIELD", {"rank": 7, "position": 466, "field": "Signe"}),
        (changed(7, AMO.replace(b"P@", b" @")), "NOEMIE-FIELD", {"rank": 7, "position": 466, "expected": "une valeur"}),
        (changed(7, AMO.replace(b"00003500P", b"    3500P", 1)), "NOEMIE-FIELD", {"rank": 7, "position": 449}),
        (changed(7, AMO.replace(b"3500P", b"350\xc9P", 1)), "NOEMIE-CHARSET", {"rank": 7, "position": 456}),
        (BY_HAND.replace(b"VIR-", b"VIR\x1b"), "NOEMIE-CHARSET", {"rank": 2, "position": 143}),
        (BY_HAND.replace(b"01250310", b"01250230", 1), "NOEMIE-FIELD", {"rank": 2}),
        (BY_HAND.replace(b"SIMULATION - SANS", b"SIMULATION @ SANS"), "NOEMIE-CHARSET", {"rank": 1, "position": 103}),
        (b"0" * (MAX_BYTES + 1), "NOEMIE-SIZE", {"limit": MAX_BYTES, "unit": "octets"}),
        (PIECES[0] + b"77701@" * 50_000, "NOEMIE-SIZE", {"limit": 50_000, "unit": "entités"}),
    ],
)  # fmt: skip
def test_what_is_broken_is_named_with_its_place(data: bytes, rule: str, facts: dict[str, Any]) -> None:
    """Rank and position are counted by hand from the file written by hand."""
    error = refusal(data)
    assert error.rule.id == rule
    assert {name: error.facts[name] for name in facts} == facts
    assert str(error)


def test_an_error_holds_no_identity() -> None:
    """The value of a wrong field is not repeated: it may be a NIR."""
    error = refusal(BY_HAND.replace(b"1850362041999" + b"78", b"1850362041999" + b"7X"))
    assert error.rule.id == "NOEMIE-FIELD"
    assert "1850362041999" not in str(error) + repr(error.facts)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda one: replace(one, values={**one.values, "requested": -1}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "requested": 10**8}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "requested": "3500"}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "requested": None}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "state": "PP"}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "state": " "}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "state": "@"}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "state": 1}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "sign": ""}), "NOEMIE-FIELD"),
        (lambda one: replace(one, values={**one.values, "other": ""}), "NOEMIE-FIELDS"),
        (lambda one: replace(one, values={"state": "P"}), "NOEMIE-FIELDS"),
        (lambda one: replace(one, level="5"), "NOEMIE-MARK"),
        (lambda _: UnknownEntity("777", "", "X"), "NOEMIE-MARK"),
        (lambda _: UnknownEntity("777", "01", "X@07001250310"), "NOEMIE-CHARSET"),
        (lambda _: UnknownEntity("777", "01", "é"), "NOEMIE-CHARSET"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(change: Callable[[Any], Any], rule: str) -> None:
    """A value that does not fit, a field too many or missing, a delimiter inside a text."""
    entities = list(decode(BY_HAND).entities)
    entities[6] = change(entities[6])
    with pytest.raises(NoemieError) as caught:
        encode(entities)
    assert caught.value.rule.id == rule
    assert caught.value.facts["rank"] == 7


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2100, 1, 1), "250310"])
def test_a_day_of_another_century_is_not_written(day: object) -> None:
    """Two digits of year stand for 2000 to 2099."""
    entities: list[Any] = list(decode(BY_HAND).entities)
    entities[1] = replace(entities[1], values={**entities[1].values, "day": day})
    with pytest.raises(NoemieError) as caught:
        encode(entities)
    assert caught.value.rule.id == "NOEMIE-FIELD"


# ------------------------------------------------------------------------------------------------------- properties


def values_of(field: Field) -> st.SearchStrategy[Value]:
    """Return any value that ``field`` may hold."""
    if field.kind == "date":
        days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
        return days if field.required else st.none() | days
    if field.kind in {"number", "cents", "rate"}:
        return st.integers(0, 10**field.len - 1)
    known = code_lists().get(field.codes)
    if known is not None and known.closed:
        return st.sampled_from(sorted(known.fr) + ([""] if not field.required and field.kind == "text" else []))
    if field.kind == "digits":
        return st.text("0123456789", min_size=field.len, max_size=field.len)
    least = 1 if field.required else 0
    text = st.text(PRINTABLE, min_size=least, max_size=field.len).map(lambda one: one.rstrip(" "))
    return text.filter(bool) if field.required else text


def entities_of(kind: str) -> st.SearchStrategy[Entity]:
    """Return any entity of the type ``kind``, wherever it stands."""
    layout = layouts()[kind]
    level = st.just("") if layout.bare else st.text("0123456789", min_size=2, max_size=2)
    values = st.fixed_dictionaries({field.name: values_of(field) for field in layout.named})
    return st.builds(Entity, st.just(kind), level, values)


UNKNOWN = st.builds(
    UnknownEntity,
    st.text("0123456789", min_size=3, max_size=3).filter(lambda kind: kind not in layouts()),
    st.text("0123456789", min_size=2, max_size=2),
    st.text(PRINTABLE, max_size=60),
)
INNER = st.one_of(UNKNOWN, *(entities_of(kind) for kind in sorted(layouts()) if kind not in {"000", "999"}))


@given(entities_of("000"), st.lists(INNER, max_size=8), entities_of("999"))
def test_any_stream_is_read_as_it_was_written(first: Entity, inner: list[Entity | UnknownEntity], last: Entity) -> None:
    """Every type of entity, every value, unknown ones between: encode then decode is nothing."""
    last = replace(last, values={**last.values, "records": len(inner) + 2})
    written = encode([first, *inner, last])
    assert list(decode(written).entities) == [first, *inner, last]
    assert encode(decode(written).entities) == written


@given(st.integers(0, len(BY_HAND) - 1), st.integers(0, 255))
@example(0, 0x40)
@example(len(BY_HAND) - 1, 0x40)
def test_one_changed_byte_is_refused_or_read_for_what_it_is(at: int, byte: int) -> None:
    """Decode after a change either names what is wrong or gives a stream whose writing is those bytes."""
    data = BY_HAND[:at] + bytes((byte,)) + BY_HAND[at + 1 :]
    try:
        stream = decode(data)
    except NoemieError as error:
        assert str(error)  # noqa: PT017 - most changes are refused, and each refusal can be told
    else:
        assert encode(stream.entities) == data


@given(st.integers(0, len(BY_HAND) - 1))
def test_a_cut_stream_is_refused(at: int) -> None:
    """Wherever it is cut."""
    with pytest.raises(NoemieError):
        decode(BY_HAND[:at])


@given(st.integers(0, len(PIECES) - 1), st.integers(0, len(PIECES) - 1))
def test_an_entity_lost_or_doubled_is_refused(lost: int, doubled: int) -> None:
    """The count of 999 holds the whole."""
    for pieces in (PIECES[:lost] + PIECES[lost + 1 :], PIECES[:doubled] + PIECES[doubled:][:1] + PIECES[doubled:]):
        with pytest.raises(NoemieError):
            decode(b"".join(pieces))


@given(st.binary(max_size=400))
@example(b"000" + b" " * 125)
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    """No other error than ours, whatever arrives."""
    with pytest.raises(NoemieError):
        decode(data)
    with pytest.raises(NoemieError):
        decode(PIECES[0] + data)
