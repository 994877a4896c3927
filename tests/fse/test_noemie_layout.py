"""The data of NOEMIE: lengths typed from the public description, sources, codes, our tree and our rejection table."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import schemas
from fse.noemie import rejections
from fse.noemie.layout import code_lists, layouts
from fse.noemie.rejections import RejectionKind
from fse.noemie.tree import node_kinds

PAGE = Path(__file__).parents[2] / "docs" / "noemie.md"

# Typed from the public description of the entities, not from schemas/noemie: length of each field, then the total.
LENGTHS = {
    "000": ((2, 14, 6, 2, 14, 6, 2, 6, 6, 4, 2, 1, 1, 1, 1, 11, 3, 6, 37), 128),
    "010": ((7, 1), 14),
    "020": ((15,), 21),
    "040": ((15,), 21),
    "070": ((6,), 12),
    "071": ((6, 32, 32, 10), 86),
    "080": ((6, 3), 15),
    "081": ((2, 14), 22),
    "100": ((9,), 15),
    "102": ((9, 6, 3, 6, 1, 6, 1, 2), 40),
    "103": ((13, 2, 25, 25, 15, 13, 2, 6, 1, 25, 15, 4), 152),
    "110": ((13, 2, 1, 25, 26, 15), 88),
    "120": ((6, 1, 25, 15, 4), 57),
    "150": ((2,), 8),
    "160": ((17,), 23),
    "198": ((8, 1, 8, 1), 24),
    "199": ((8, 1, 8, 1, 10, 15), 49),
    "210": ((2, 2, 1, 2, 3, 6, 6, 6, 8, 8, 3, 8, 1, 3, 2, 3, 5, 3, 8, 2, 3, 8, 3, 8, 8), 118),
    "220": ((2, 2, 1, 2, 3, 6, 6, 8, 8, 3, 8, 1, 3, 2, 3, 5, 3, 8, 2, 3, 8, 3, 8, 8, 5, 1), 118),
    "250": ((2, 10, 6, 3, 3, 8, 1, 8), 47),
    "261": ((5, 8), 19),
    "262": ((128,), 134),
    "290": ((2, 10, 80), 98),
    "294": ((4, 86, 1, 1, 5, 6, 9, 3, 2, 30), 153),
    "295": ((1, 128), 135),
    "990": ((17, 8, 11, 1), 43),
    "999": ((2, 14, 6, 2, 14, 6, 2, 6, 8, 1, 18, 3, 11, 1, 11, 20), 128),
}


def test_the_entities_are_those_described() -> None:
    """None forgotten, none invented."""
    assert set(layouts()) == set(LENGTHS)


@pytest.mark.parametrize("kind", LENGTHS)
def test_each_field_has_the_length_that_was_described(kind: str) -> None:
    """Field by field, from the first character after the mark to the delimiter; the total ties."""
    layout, (lengths, total) = layouts()[kind], LENGTHS[kind]
    assert tuple(field.len for field in layout.fields) == lengths
    assert layout.length == total == sum(lengths) + (3 if kind in {"000", "999"} else 6)
    assert layout.fields[0].start == (4 if kind in {"000", "999"} else 6)
    assert all(after.start == before.start + before.len for before, after in pairwise(layout.fields))


@pytest.mark.parametrize(
    ("kind", "name", "start"),
    [
        ("000", "file_id", 50), ("000", "created_on", 56), ("000", "flow", 71), ("000", "message", 92),
        ("999", "records", 56), ("999", "lots", 83), ("999", "amount", 86), ("999", "sign", 97),
    ],
)  # fmt: skip
def test_the_first_and_the_last_are_placed_as_in_b2(kind: str, name: str, start: int) -> None:
    """The positions printed in the description of the B2 records 000 and 999."""
    assert next(field.start for field in layouts()[kind].fields if field.name == name) == start


@pytest.mark.parametrize("kind", LENGTHS)
def test_each_entity_says_where_it_comes_from(kind: str) -> None:
    """Source, certainty, two languages, one name for one field, and lists of codes that exist."""
    layout = layouts()[kind]
    assert layout.source
    assert layout.certainty in {"one-source", "two-sources", "uncertain"}
    names = [field.name for field in layout.named]
    assert len(names) == len(set(names))
    for field in layout.named:
        assert field.kind in {"text", "digits", "number", "cents", "rate", "date"}
        assert field.fr
        assert field.en
        assert not field.codes or field.codes in code_lists()


def test_each_list_of_codes_says_the_same_codes_in_both_languages() -> None:
    """And whose it is."""
    for known in code_lists().values():
        assert known.source
        assert set(known.fr) == set(known.en)


def test_the_tree_stands_on_known_entities_level_by_level() -> None:
    """Each place is one deeper than what it stands within; entity and level name one place."""
    entries = schemas.read_toml("noemie/tree.toml")["node"]
    assert len(node_kinds()) == len(entries)
    for entry in entries.values():
        above = 0 if entry["within"] == "file" else int(entries[entry["within"]]["level"])
        assert int(entry["level"]) == above + 1
        assert entry["entity"] in layouts()


@pytest.mark.parametrize("code", sorted(rejections()))
def test_a_rejection_code_is_ours_whole_and_fits_its_field(code: str) -> None:
    """In 9xxx, in two languages, with place and action; its label fits the shorter of the two entities (80)."""
    known = rejections()[code]
    assert len(code) == 4
    assert code[0] == "9"
    assert known.level in {"F", "L", "FL"}
    assert known.family in {"business", "settings", "technical", "caisse"}
    assert 0 < len(known.label) <= 80
    assert known.label.isascii()
    assert "@" not in known.label
    for language in ("fr", "en"):
        assert known.words(language).endswith(".")
        assert known.to_do(language).endswith(".")
        assert known.place(language)


def test_only_what_was_refused_is_corrected_by_a_new_sheet() -> None:
    """A deferral is awaited and a signal read: a new sheet for either would be billed twice."""
    assert {one.kind for one in rejections().values()} == set(RejectionKind)
    assert {one.kind for one in rejections().values() if one.correctable} <= {
        RejectionKind.REJECTION,
        RejectionKind.REDUCTION,
    }


def test_a_label_is_the_french_sentence_without_accents() -> None:
    """As the alphabet of an entity asks."""
    assert rejections()["9402"].label == "L'ACTE A DEJA ETE PAYE : MEME BENEFICIAIRE, MEME ACTE, MEME JOUR."


def test_the_page_tells_our_tree_and_our_codes_as_they_are() -> None:
    """Whoever writes a reader from the page must not be told something else."""
    page = PAGE.read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")
    ]
    places = [(row[0].strip("`"), row[1]) for row in rows if row[0].startswith("`")]
    assert places == list(node_kinds())
    codes = {row[0]: (row[1], row[3], row[2]) for row in rows if row[0] in rejections()}
    expected = {
        code: (one.kind.value, "yes" if one.correctable else "no", one.fr) for code, one in rejections().items()
    }
    assert codes == expected
