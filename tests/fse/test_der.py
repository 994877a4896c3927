"""DER: asn1crypto is the judge of what is written, and says what was read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import core
from hypothesis import example, given
from hypothesis import strategies as st

from fse import der
from fse.der import DerError

LENGTHS = st.sampled_from([0, 1, 126, 127, 128, 129, 255, 256, 257, 65535, 65536, 70000])


class Strings(core.SetOf):  # type: ignore[misc]  # asn1crypto ships no types
    """A SET OF OCTET STRING."""

    _child_spec = core.OctetString


@given(st.integers(0, 2**200))
@example(0)
@example(127)
@example(128)
def test_integers(value: int) -> None:
    """Certificate serial numbers are written as DER asks, sign bit included."""
    assert der.integer(value) == core.Integer(value).dump()


def test_a_negative_integer_is_refused() -> None:
    """A certificate with a forbidden serial number is a fault of the data, not of the program."""
    with pytest.raises(DerError):
        der.integer(-1)


@given(LENGTHS)
def test_octet_strings_of_every_form_of_length(size: int) -> None:
    """Short and long lengths, each in its shortest form."""
    assert der.octets(bytes(size)) == core.OctetString(bytes(size)).dump()


@given(st.text())
def test_texts(value: str) -> None:
    """A purpose may hold any character."""
    assert der.utf8(value) == core.UTF8String(value).dump()


@given(st.tuples(st.integers(0, 1), st.integers(0, 39)), st.lists(st.integers(0, 2**128), max_size=6))
@example((1, 2), [840, 113549, 1, 7, 1])
def test_object_identifiers(first: tuple[int, int], rest: list[int]) -> None:
    """Arcs of any size, those of a UUID included."""
    dotted = ".".join(map(str, (*first, *rest)))
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


def test_our_own_identifiers() -> None:
    """The arc of our attributes is below 2.25, whose second number does not fit in 40."""
    dotted = "2.25.211780421374440933141047428433180243861.1"
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


@given(st.lists(st.binary(max_size=200)))
def test_sets_are_sorted(values: list[bytes]) -> None:
    """One order only, whatever the order given: the bytes that are signed depend on it."""
    expected = Strings(values).dump(force=True)
    assert der.set_of(map(der.octets, values)) == expected
    assert der.set_of(map(der.octets, reversed(values))) == expected


def test_null_and_constructed_elements() -> None:
    """The three that no property above has written."""
    assert der.null() == core.Null().dump()
    assert der.sequence(der.integer(1), der.null()) == bytes.fromhex("3005 020101 0500")
    assert der.context(0, der.integer(1)) == bytes.fromhex("a003 020101")


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        (datetime(2025, 3, 4, 10, 0, 7, 999999, UTC), b"\x17\x0d250304100007Z"),
        (datetime(2025, 3, 4, 0, 30, tzinfo=timezone(timedelta(hours=1))), b"\x17\x0d250303233000Z"),
        (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), b"\x17\x0d491231235959Z"),
        (datetime(2050, 1, 1, tzinfo=UTC), b"\x18\x0f20500101000000Z"),
    ],
)
def test_times(instant: datetime, written: bytes) -> None:
    """RFC 5652, 11.3: UTCTime until 2049 and GeneralizedTime after, in UTC, to the second."""
    assert der.time(instant) == written


@given(LENGTHS, st.binary(max_size=20))
def test_what_is_written_is_read(size: int, following: bytes) -> None:
    """The body and what follows it come apart at the right place."""
    assert der.read(der.octets(bytes(size)) + following, 0x04) == (bytes(size), following)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("", id="nothing"),
        pytest.param("04", id="no length"),
        pytest.param("0501 00", id="another tag"),
        pytest.param("0402 00", id="bytes missing"),
        pytest.param("0480 00 0000", id="indefinite length (BER)"),
        pytest.param("048101 00", id="long form of a short length (BER)"),
        pytest.param("04820001 00", id="leading zero in the length (BER)"),
        pytest.param("0482 01", id="length cut"),
        pytest.param("04ff" + "ff" * 126, id="absurd length"),
    ],
)
def test_what_is_not_der_is_refused(data: str) -> None:
    """One writing for one content: any other form of the same length is refused."""
    with pytest.raises(DerError):
        der.read(bytes.fromhex(data), 0x04)


@given(st.binary(max_size=300))
@example(bytes.fromhex("048101 00"))
def test_whatever_is_read_would_be_written_the_same(data: bytes) -> None:
    """The reader accepts no bytes that the writer would not have written."""
    try:
        body, rest = der.read(b"\x04" + data, 0x04)
    except DerError:
        return
    assert der.octets(body) + rest == b"\x04" + data
