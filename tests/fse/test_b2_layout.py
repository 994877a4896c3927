"""The layouts of the norme B2 hold together: 128 characters, no gap, no overlap, typed records of the same fields."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

import schemas
from fse.b2 import RECORDS, layouts
from fse.b2.layout import RECORD_LENGTH, recognise
from tests.fse.b2_files import by_hand

TYPES = ["000", "1", "2", "2S", "3", "3S", "3E", "3F", "3H", "4", "4S", "4E", "4B", "4H", "4M", "5", "6", "999"]
KINDS = set(schemas.read_toml("b2/kinds.toml"))


def test_every_record_of_the_norm_is_there_once() -> None:
    """A record type that is missing would make whole files unreadable."""
    assert sorted(layouts()) == sorted(TYPES) == sorted(RECORDS)


@pytest.mark.parametrize("name", TYPES)
def test_each_position_belongs_to_exactly_one_field(name: str) -> None:
    """A gap or an overlap would shift or overwrite what follows."""
    taken = [
        position
        for field in layouts()[name].fields
        for start in field.starts
        for position in range(start, start + field.length)
    ]
    assert sorted(taken) == list(range(1, RECORD_LENGTH + 1))


@pytest.mark.parametrize("name", TYPES)
def test_a_layout_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    """Whoever reads the data must see source, certainty, labels in two languages, and only known kinds and lists."""
    layout = layouts()[name]
    assert layout.source
    assert layout.certainty in {"two-sources", "one-source", "uncertain"}
    codes = schemas.read_toml("b2/codes.toml")
    names = [field.name for field in layout.named]
    assert len(names) == len(set(names))
    for field in layout.fields:
        assert field.kind in KINDS
        assert field.certainty in {"two-sources", "one-source", "uncertain"}
        assert not field.codes or field.codes in codes
        assert bool(field.name) == bool(field.fr) == bool(field.en)
        assert bool(field.value) == (field.kind in {"mark", "constant"})
        assert len(field.value) in {0, field.length}
        assert field.expected("fr") != field.expected("en") or field.kind == "mark"


@pytest.mark.parametrize("name", TYPES)
def test_a_typed_record_has_the_fields_of_its_layout(name: str) -> None:
    """A field of the class that is not in the data, or the other way round, would be lost or refused."""
    ours = {field.name: field for field in fields(RECORDS[name])}
    layout = layouts()[name]
    assert set(ours) == {field.name for field in layout.named}
    for field in layout.named:
        if field.name != "rank":  # 000 unless told
            assert (ours[field.name].default is MISSING) == field.required, field.name


@pytest.mark.parametrize(
    ("name", "field", "at", "length"),
    [
        ("000", "file_id", 50, 6),  # each worked from the lists of positions of the sources, one or two a record
        ("1", "organism", 17, 3),
        ("2", "nature", 77, 2),
        ("2", "birth_on", 96, 6),
        ("2S", "pathway", 121, 1),
        ("3", "amo", 94, 8),
        ("3S", "origin", 115, 1),
        ("3E", "prescriber_rpps", 42, 11),
        ("3F", "gap", 100, 7),
        ("3H", "total", 91, 7),
        ("4", "amc", 123, 6),
        ("4S", "amo_forced", 71, 1),
        ("4E", "performer_rpps", 64, 11),
        ("4H", "margin", 74, 7),
        ("4M", "done_on", 65, 6),
        ("5", "stay_expense", 115, 8),
        ("6", "lot", 52, 3),
        ("999", "records", 56, 8),
    ],
)
def test_fields_stand_where_the_sources_say(name: str, field: str, at: int, length: int) -> None:
    """A whole zone moved by one character still fills 128 positions, and is wrong all the same."""
    found = layouts()[name].field(field)
    assert (found.at, found.length) == (at, length)


def test_repeated_fields_stand_at_their_steps() -> None:
    """4B holds five blocks of date, quantity and code; 4M sixteen teeth and twice four modifiers."""
    assert layouts()["4B"].field("nabm").starts == (57, 73, 89, 105, 121)
    assert layouts()["4M"].field("teeth").starts[-1] == 101
    assert layouts()["4M"].field("complementary_modifiers").starts == (104, 105, 106, 107)
    with pytest.raises(KeyError):
        layouts()["4M"].field("nothing")


def test_records_are_told_apart_by_their_marks() -> None:
    """A 2S read as a 2, or a 3F as a 3, would put every zone into a wrong field."""
    texts = {name: by_hand(name).decode() for name in ("visits", "sub_records")}
    kinds = {
        name: [recognise(text[start : start + 128]) for start in range(0, len(text), 128)]
        for name, text in texts.items()
    }
    assert [one and one.type for one in kinds["visits"]] == (
        ["000", "1", "2", "2S", "4", "4S", "4E", "4", "5", "2", "3", "3S", "3E", "3F", "3F", "3H", "5", "6", "999"]
    )
    assert [one and one.type for one in kinds["sub_records"]] == (
        ["000", "1", "2", "4", "4S", "4E", "4B", "4B", "4H", "4M", "5", "6", "999"]
    )
    assert recognise("7" * 128) is None


def test_every_record_may_stand_somewhere() -> None:
    """A type that no other may precede could never be in a sound file."""
    order = schemas.read_toml("b2/order.toml")
    allowed = {name for names in order["follows"].values() for name in names}
    assert allowed == {*TYPES, "end"}
    assert set(order["follows"]) == {*TYPES, "start"}
    with_sequence = {name for name in TYPES if "sequence" in {field.name for field in layouts()[name].named}}
    assert set(order["most"]) == with_sequence
