"""Records and files of the norme B2, both ways: exact on files written by hand, strict on everything else."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.b2 import RECORDS, B2Error, B2File, check_bytes, decode_record, encode_record, layouts, read_json, write_json
from fse.b2.acts import Act, ActBiology, ActCcam
from fse.b2.envelope import FileStart
from fse.b2.file import scan_file
from tests.fse.b2_files import by_hand, sub_records, told, visits

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from fse.b2.layout import Field

DAY = date(2025, 3, 10)
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@pytest.mark.parametrize("name", ["visits", "sub_records"])
def test_files_by_hand_decode_and_encode_exactly(name: str) -> None:
    """The files were written character by character from the layouts of the sources, without this encoder."""
    data = by_hand(name)
    assert B2File.decode(data).encode() == data
    assert check_bytes(data) == ()
    assert read_json(write_json(B2File.decode(data))).encode() == data


def test_a_file_by_hand_reads_as_it_was_meant() -> None:
    """Values are those that the hand wrote, not only characters that come out again."""
    act = visits().records[4]
    assert isinstance(act, Act)
    assert (act.act, act.coefficient, act.unit_price, act.fee, act.care_on) == (
        "SP", Decimal("12.00"), 320, 3840, date(2025, 3, 4),
    )  # fmt: skip
    assert (act.specialty, act.performer, act.prescriber) == ("21", "629990003", None)
    other = sub_records().records[3]
    assert isinstance(other, Act)
    assert (other.act, other.coefficient, other.amc, other.qualifier) == ("KE  N", Decimal("123.50"), 1000, "D")
    biology, ccam = sub_records().records[6], sub_records().records[9]
    assert isinstance(biology, ActBiology)
    assert biology.nabm == ("00001104", "00000126", None, None, None)
    assert biology.done_on == (date(2025, 3, 31), date(2025, 3, 31), None, None, None)
    assert isinstance(ccam, ActCcam)
    assert (ccam.ccam, ccam.modifiers, ccam.teeth[0], ccam.teeth[15]) == (
        "DEQP003",
        ("F", "U", None, None),
        "11",
        "38",
    )
    assert ccam.complementary_modifiers == (None, "7", None, None)


def _value(field: Field) -> SearchStrategy[Any]:
    if field.kind == "text":
        words = st.text(CAPITALS + " ", min_size=1, max_size=field.length).filter(lambda text: text == text.strip())
        found: SearchStrategy[Any] = words if field.required else st.none() | words
    elif field.kind == "digits":
        numbers = st.text("0123456789", min_size=field.length, max_size=field.length)
        found = numbers if field.required else st.none() | numbers.filter(lambda text: text.strip("0"))
    elif field.kind == "date":
        days = st.dates(date(1927, 1, 1), date(2026, 12, 31))
        days = days if field.name != "created_on" else st.dates(date(2000, 1, 1), date(2099, 12, 31))
        days = days.filter(lambda day: day.strftime("%y%m%d") != "000000")
        found = days if field.required else st.none() | days
    else:
        whole = st.integers(0, 10**field.length - 1)
        found = whole.map(lambda n: Decimal(n).scaleb(-field.decimals)) if field.kind == "decimal" else whole
    return st.tuples(*[found] * field.times) if field.times > 1 else found


def records() -> SearchStrategy[tuple[str, dict[str, Any]]]:
    """Return any record that can be written."""
    return st.sampled_from(sorted(layouts())).flatmap(
        lambda kind: st.tuples(
            st.just(kind), st.fixed_dictionaries({field.name: _value(field) for field in layouts()[kind].named})
        )
    )


@given(records())
def test_what_can_be_written_reads_back_the_same(record: tuple[str, dict[str, Any]]) -> None:
    """A value that came back different would bill something else."""
    kind, values = record
    text = encode_record(kind, values, DAY)
    assert len(text) == 128
    assert decode_record(text, DAY) == (kind, values)
    assert encode_record(kind, decode_record(text, DAY)[1], DAY) == text


@given(st.sampled_from(["visits", "sub_records"]), st.data())
def test_what_can_be_read_writes_back_the_same(name: str, data: st.DataObject) -> None:
    """One byte changed is refused with its place, or read as what it says: never lost, never repaired."""
    changed = bytearray(by_hand(name))
    index = data.draw(st.integers(0, len(changed) - 1))
    changed[index] = data.draw(st.integers(0, 255))
    unreadable = scan_file(bytes(changed))[1]
    if unreadable:
        told(unreadable)
    else:
        assert B2File.decode(bytes(changed)).encode() == bytes(changed)


@given(st.binary(max_size=400))
def test_any_bytes_are_judged_without_a_crash(data: bytes) -> None:
    """Whoever sends rubbish gets findings."""
    assert check_bytes(data)


BAD: dict[str, list[tuple[Any, str]]] = {
    "text": [
        ("é", "B2-CHARSET"), ("a", "B2-CHARSET"), ("D'UN", "B2-CHARSET"), ("A\n", "B2-CHARSET"), ("", "B2-VALUE"),
        (" A", "B2-VALUE"), ("A ", "B2-VALUE"), (7, "B2-VALUE"), ("A" * 129, "B2-WIDTH"),
    ],
    "digits": [("1X", "B2-VALUE"), ("", "B2-VALUE"), (1, "B2-VALUE"), ("1" * 129, "B2-WIDTH"), ("٣", "B2-VALUE")],
    "numeric": [(-1, "B2-VALUE"), ("1", "B2-VALUE"), (True, "B2-VALUE"), (None, "B2-MISSING"), (10**129, "B2-WIDTH")],
    "amount": [(-1, "B2-VALUE"), (1.5, "B2-VALUE"), (Decimal(1), "B2-VALUE"), (10**129, "B2-WIDTH")],
    "decimal": [
        (Decimal("0.00001"), "B2-VALUE"), (Decimal(-1), "B2-VALUE"), (Decimal("NaN"), "B2-VALUE"), (1.5, "B2-VALUE"),
        (Decimal(10**6), "B2-WIDTH"), (Decimal("1E+999999"), "B2-WIDTH"), (Decimal("1E-999999"), "B2-VALUE"),
        (Decimal("1." + "0" * 40 + "1"), "B2-VALUE"),
    ],
    "date": [
        ("250304", "B2-VALUE"), (datetime(2025, 3, 4), "B2-VALUE"),  # noqa: DTZ001 - a moment is no day, in any zone
        (date(1899, 1, 1), "B2-VALUE"), (date(2200, 1, 1), "B2-VALUE"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(layouts()))
def test_each_field_refuses_what_it_cannot_hold(kind: str) -> None:
    """Nothing is cut or bent to fit: the error names record, positions, field and rule."""
    good = (
        next(one for file in (visits(), sub_records()) for one in file.records if one.type == kind)
        if (kind in {one.type for file in (visits(), sub_records()) for one in file.records})
        else None
    )
    assert good is not None, "the files by hand hold every type of record"
    for field in layouts()[kind].named:
        wrong = list(BAD[field.kind])
        if field.required:
            wrong.append((None, "B2-MISSING"))
        if field.kind == "digits" and not field.required:
            wrong.append(("0" * field.length, "B2-VALUE"))
        for value, rule in wrong:
            rest = good.values[field.name]
            given_value = (value, *rest[1:]) if isinstance(rest, tuple) else value
            with pytest.raises(B2Error) as caught:
                encode_record(kind, good.values | {field.name: given_value}, DAY, rank=5)
            facts = caught.value.facts
            assert (caught.value.rule.id, facts["field"]) == (rule, field.name), (field.name, value)
            assert (facts["rank"], facts["record"], facts["position"]) == (5, kind, field.position)


def put(rank: int, position: int, text: str, name: str = "visits") -> bytes:
    """Return a file by hand with ``text`` from ``position`` of the record ``rank`` on."""
    start = (rank - 1) * 128 + position - 1
    return by_hand(name)[:start] + text.encode("latin-1") + by_hand(name)[start + len(text) :]


@pytest.mark.parametrize(
    ("rank", "at", "text", "expected"),
    [
        (5, 70, "250230", ("B2-VALUE", 5, "4", "70-75", "care_on")),  # 30 February
        (5, 70, "000000", ("B2-MISSING", 5, "4", "70-75", "care_on")),
        (5, 76, "     ", ("B2-MISSING", 5, "4", "76-80", "act")),
        (5, 76, " SP  ", ("B2-VALUE", 5, "4", "76-80", "act")),
        (5, 77, "é", ("B2-CHARSET", 5, "4", "77", "act")),
        (5, 108, "  38400"[:7], ("B2-VALUE", 5, "4", "108-114", "amo")),
        (5, 11, "X", ("B2-VALUE", 5, "4", "11", "")),
        (1, 83, "129", ("B2-VALUE", 1, "000", "83-85", "")),
        (2, 82, "062008", ("B2-VALUE", 2, "1", "82-87", "")),
        (12, 54, "2503 1", ("B2-VALUE", 12, "3S", "54-59", "prescribed_on")),
        (3, 1, "8", ("B2-RECORD", 3, "?", "1-3", "")),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    rank: int, at: int, text: str, expected: tuple[str, int, str, str, str]
) -> None:
    """An error in a file of thousands of characters is found by rank, positions and rule."""
    assert told(check_bytes(put(rank, at, text))) == [expected]


def test_every_unreadable_field_is_told_not_only_the_first() -> None:
    """Whoever corrects a file wants one list."""
    data = bytearray(put(5, 70, "250230"))
    data[7 * 128 + 75 : 7 * 128 + 80] = b"     "
    assert [one[:2] for one in told(check_bytes(bytes(data)))] == [("B2-VALUE", 5), ("B2-MISSING", 8)]


@pytest.mark.parametrize("data", [b"", b"0" * 127, by_hand("visits") + b"\n", by_hand("visits")[:-1]])
def test_a_length_that_is_no_number_of_records_is_refused(data: bytes) -> None:
    """B2-LENGTH: line ends, or a file that was cut, shift every zone after them."""
    assert "B2-LENGTH" in [one[0] for one in told(check_bytes(data))]
    with pytest.raises(B2Error):
        B2File.decode(data)


def test_two_digits_of_a_year_mean_the_hundred_years_to_next_year() -> None:
    """A grandmother of 1927 and a child of 2026 in a file of 2025; the date of a file is always of this century."""
    text = encode_record("2", visits().records[2].values | {"birth_on": date(1927, 5, 2)}, DAY)
    assert text[95:101] == "270502"
    assert decode_record(text, DAY)[1]["birth_on"] == date(1927, 5, 2)
    assert decode_record(text, date(2026, 1, 1))[1]["birth_on"] == date(2027, 5, 2)
    with pytest.raises(B2Error):
        encode_record("2", visits().records[2].values | {"birth_on": date(1926, 12, 31)}, DAY)
    start = visits().records[0]
    assert isinstance(start, FileStart)
    late = encode_record("000", start.values | {"created_on": date(2099, 12, 31)}, DAY)
    assert decode_record(late, DAY)[1]["created_on"] == date(2099, 12, 31)
    assert B2File(()).day - timedelta(days=1) > date(2090, 1, 1)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "B2-JSON"),
        ("[]", "B2-JSON"),
        ('{"format": "x", "records": []}', "B2-JSON"),
        ('{"format": "FSE-SIM b2 1", "records": {}}', "B2-JSON"),
        ('{"format": "FSE-SIM b2 1", "records": [7]}', "B2-JSON"),
        ('{"format": "FSE-SIM b2 1", "records": [{"record": "8"}]}', "B2-RECORD"),
        ('{"format": "FSE-SIM b2 1", "records": [{"record": "6", "colour": "X"}]}', "B2-FIELD"),
        ('{"format": "FSE-SIM b2 1", "records": [{"record": "4B", "done_on": "2025-01-01"}]}', "B2-JSON"),
        ('{"format": "FSE-SIM b2 1", "records": [{"record": "4B", "done_on": ["2025-01-01"]}]}', "B2-MISSING"),
        ('{"format": "FSE-SIM b2 1", "records": [{"record": "1", "lot_on": "2025-13-01"}]}', "B2-JSON"),
        ('{"format": "FSE-SIM b2 1", "records": [{"record": "3", "coefficient": "x"}]}', "B2-JSON"),
        ('{"format": "FSE-SIM b2 1", "records": [{"record": "6", "total": 1.5}]}', "B2-JSON"),
        ('{"format": "FSE-SIM b2 1", "records": [{"record": "6", "biller": "1", "lot": "001"}]}', "B2-VALUE"),
    ],
)
def test_json_that_is_no_file_is_refused(text: str, rule: str) -> None:
    """JSON comes from any program: every wrong form ends in a rule, with the rank of the record."""
    with pytest.raises(B2Error) as caught:
        read_json(text)
    assert caught.value.rule.id == rule
    assert caught.value.facts["rank"] == 1


def test_an_unknown_record_or_field_is_refused() -> None:
    """A misspelt field would otherwise be billed as absent."""
    for kind, values, rule in (("9", {}, "B2-RECORD"), ("6", {"colour": "X"}, "B2-FIELD")):
        with pytest.raises(B2Error) as caught:
            encode_record(kind, values, DAY)
        assert caught.value.rule.id == rule


def test_a_repeated_field_takes_exactly_its_number_of_values() -> None:
    """A tooth too many, or a list where one value belongs, has no place."""
    end, ccam = sub_records().records[11], sub_records().records[9]
    for record, name, value in ((end, "total", (1, 2)), (ccam, "teeth", ("11",) * 17), (ccam, "teeth", "11")):
        with pytest.raises(B2Error) as caught:
            encode_record(record.type, record.values | {name: value}, DAY)
        assert (caught.value.rule.id, caught.value.facts["field"]) == ("B2-VALUE", name)


def test_a_record_alone_is_refused_with_its_first_error() -> None:
    """Whoever reads one record gets the leftmost error, not a part of the values."""
    text = by_hand("visits").decode()[4 * 128 : 5 * 128]
    assert decode_record(text, DAY)[0] == "4"
    with pytest.raises(B2Error) as caught:
        decode_record(text[:69] + "251301" + "     " + text[80:], DAY)
    assert caught.value.facts["field"] == "care_on"


def test_no_text_of_a_record_shows_a_whole_nir() -> None:
    """Logs print values: the number of a person is masked there."""
    shown = repr(visits())
    assert "1850362041999" not in shown
    assert "2210562041997" not in shown
    assert json.loads(write_json(visits()))["records"][2]["nir"] == "1850362041999"
    assert set(RECORDS) == set(layouts())
