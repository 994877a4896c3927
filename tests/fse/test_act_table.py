"""The act table and the caisses: loaded as a whole, or refused with file, line and rule."""

from __future__ import annotations

import csv
import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import schemas
from fse.act_table import ActTable, act_table
from fse.act_window import CaseFacts, Measure, Window, WindowKind, add_months
from fse.caisses import CaisseTable, caisse_table
from fse.identifiers import OrganismCode
from fse.table_text import TableError

LABEL = "# label: acts under test, version 1\n"
HEADER = (
    "code,label,letter,coefficient,subject,titre,professions,pediatrician,window,window_from,window_to,cents,"
    "rate_percent,nature,exemption,valid_from,valid_to,source,licence,certainty,note\n"
)
GOOD = {
    "code": "ZZ1", "label": "x", "letter": "ZZ", "coefficient": "1.5", "subject": "consultation", "titre": "I",
    "professions": "medecin|sage-femme", "pediatrician": "", "window": "", "window_from": "", "window_to": "",
    "cents": "1000", "rate_percent": "70", "nature": "10", "exemption": "0", "valid_from": "2020-01-01",
    "valid_to": "2020-12-31", "source": "x", "licence": "own", "certainty": "U", "note": "",
}  # fmt: skip


def text_of(*changes: dict[str, str]) -> str:
    """Return a table with one line for each set of changed cells."""
    return LABEL + HEADER + "".join(",".join((GOOD | change).values()) + "\n" for change in changes)


def refusal(text: str) -> TableError:
    """Return the error that refuses ``text``."""
    with pytest.raises(TableError) as caught:
        ActTable.parse(text, "mine.csv")
    assert "mine.csv, ligne" in caught.value.message("fr")
    assert "mine.csv, line" in caught.value.message("en")
    return caught.value


def test_package_table_is_ours_and_says_so() -> None:
    """The package's table is labelled as not the Annexe 1.1, with the digest of its text."""
    version = act_table().version
    assert "not Annexe 1.1" in version.label
    assert version.digest == hashlib.sha256(schemas.read_bytes("tables/acts.csv")).hexdigest()


def test_package_table_covers_the_service() -> None:
    """Every code that a PMI service needs here has a line, and each reading of ours is marked."""
    table = act_table()
    codes = {line.code for line in table.lines}
    assert codes == {
        "COE", "COD", "COH", "COK", "G", "MEG", "C", "MSF", "EPP", "SP12", "SP14", "SFR", "CCP", "IC", "FHV", "FMV",
        "VACCIN", "IST",
    }  # fmt: skip
    assert all("U:" in (line.note or "") for line in table.lines if line.certainty == "U")
    assert {line.code: line.subject for line in table.lines if line.cents is None} == {
        "VACCIN": "vaccine",
        "IST": "ist",
    }
    assert [table.subject(code) for code in ("COE", "FMV", "VACCIN", "IST", "G", "ZZ1")] == [
        "child-exam", "ivg", "vaccine", "ist", "consultation", None,
    ]  # fmt: skip


@pytest.mark.parametrize("pediatrician", [False, True])
@pytest.mark.parametrize(
    "on", [date(2019, 9, 1), date(2022, 5, 5), date(2024, 3, 4), date(2025, 3, 4), date(2026, 1, 5)]
)
def test_child_examinations_leave_no_gap_and_no_overlap(on: date, *, pediatrician: bool) -> None:
    """On each day of life under six exactly one examination fits, save days 9 to 12 where none does."""
    table = act_table()
    born = on
    while add_months(born, 72) > on:
        facts = CaseFacts(on=on, birth_date=born)
        found = [
            code
            for code in ("COE", "COD", "COH", "COK")
            if table.find(code, "medecin", facts, pediatrician=pediatrician) is not None
        ]
        assert len(found) == (0 if 9 <= (on - born).days <= 12 else 1), born
        born -= timedelta(days=1)


def test_fictitious_table_shares_no_code() -> None:
    """The table for tests can never be taken for the other one."""
    fictitious = act_table("tables_fictitious")
    assert "fictitious" in fictitious.version.label
    assert {line.code for line in fictitious.lines}.isdisjoint({line.code for line in act_table().lines})


def test_find_takes_the_line_of_the_day() -> None:
    """Both days of a period belong to it, and the next line begins the day after."""
    table = act_table("tables_fictitious")
    found = {
        on: line.cents if (line := table.find("ZZ1", "medecin", CaseFacts(on=on))) else None
        for on in (date(2019, 12, 31), date(2020, 1, 1), date(2024, 6, 30), date(2024, 7, 1))
    }
    assert list(found.values()) == [None, 1000, 1000, 1101]
    assert table.find("ZZ1", "infirmier", CaseFacts(on=date(2024, 7, 1))) is None
    assert table.acts("ZZ9") == ()


def test_lines_never_change() -> None:
    """A loaded line is frozen."""
    line = act_table().lines[0]
    with pytest.raises(ValidationError, match="frozen"):
        line.cents = 1  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"code": "zz1"}, "code"),
        ({"code": ""}, "code"),
        ({"label": ""}, "label"),
        ({"coefficient": "-1"}, "coefficient"),
        ({"subject": "dental"}, "subject"),
        ({"titre": "III"}, "titre"),
        ({"professions": "dentiste"}, "professions"),
        ({"professions": ""}, "professions"),
        ({"pediatrician": "maybe"}, "pediatrician"),
        ({"window": "weeks"}, "window"),
        ({"window_from": "28d"}, "window_from"),
        ({"window_to": "d9"}, "window_to"),
        ({"cents": "0"}, "cents"),
        ({"cents": "-5"}, "cents"),
        ({"cents": "10.50"}, "cents"),
        ({"rate_percent": "101"}, "rate_percent"),
        ({"nature": "20"}, "nature"),
        ({"exemption": "x"}, "exemption"),
        ({"valid_from": ""}, "valid_from"),
        ({"valid_from": "20200101"}, "valid_from"),
        ({"valid_from": "2020-02-30"}, "valid_from"),
        ({"valid_to": "1700000000"}, "valid_to"),
        ({"licence": "GPL"}, "licence"),
        ({"certainty": "C"}, "certainty"),
    ],
)
def test_a_wrong_cell_names_line_and_column(change: dict[str, str], column: str) -> None:
    """One wrong cell refuses the whole table, naming its line, its column and what is expected."""
    error = refusal(text_of({}, change))
    assert (error.rule.id, error.facts["line"], error.facts["column"]) == ("TABLE-FIELD", 4, column)
    assert error.facts["expected"]
    assert "mine.csv, ligne 4" in str(error)


WINDOW = {"window": "age", "window_from": "1m", "window_to": "6y"}
WEEKS = {"window": "pregnancy-week", "window_from": "1w", "window_to": "6w"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"valid_to": "2019-12-31"}, "TABLE-DATES"),
        ({"window": "age"}, "TABLE-WINDOW"),
        ({"window_from": "1d"}, "TABLE-WINDOW"),
        (WINDOW | {"window_to": ""}, "TABLE-WINDOW"),
        (WINDOW | {"window_to": "1m"}, "TABLE-WINDOW"),
        (WINDOW | {"window_from": "1w"}, "TABLE-WINDOW"),
        (WEEKS | {"window_to": "6m"}, "TABLE-WINDOW"),
        ({"cents": ""}, "TABLE-PRICE"),
        ({"rate_percent": ""}, "TABLE-PRICE"),
        ({"cents": "", "rate_percent": ""}, "TABLE-PRICE"),
        ({"subject": "vaccine"}, "TABLE-PRICE"),
        ({"nature": "30", "titre": "II"}, "TABLE-NATURE"),
        ({"nature": "30", "exemption": "3"}, "TABLE-NATURE"),
        ({"rate_percent": "100"}, "TABLE-NATURE"),
    ],
)
def test_a_line_that_contradicts_itself(change: dict[str, str], rule: str) -> None:
    """Cells that cannot hold together refuse the table, at their line."""
    error = refusal(text_of({}, change))
    assert (error.rule.id, error.facts["line"]) == (rule, 4)


@pytest.mark.parametrize(
    "change",
    [
        {"valid_to": "2020-01-01"},
        WINDOW,
        WEEKS,
        {"cents": "", "rate_percent": "", "subject": "ist"},
        {"nature": "30", "rate_percent": "100"},
        {"rate_percent": "100", "exemption": "3"},
    ],
)
def test_lines_that_hold(change: dict[str, str]) -> None:
    """The same cells are accepted when they do hold together."""
    assert len(ActTable.parse(text_of(change)).lines) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({}, {"valid_from": "2020-12-31", "valid_to": ""}),
        ({"valid_from": "2020-12-31", "valid_to": ""}, {}),
        ({"valid_to": ""}, {"valid_from": "2030-01-01", "valid_to": ""}),
        ({}, {"professions": "sage-femme"}),
        ({"pediatrician": "yes"}, {"pediatrician": "yes"}),
        ({"pediatrician": "yes"}, {}),
        ({}, WINDOW),
        (WINDOW, {}),
        (WINDOW, WEEKS),
        (WINDOW, WINDOW | {"window_from": "5y", "window_to": "7y"}),
    ],
)
def test_two_prices_for_one_act(one: dict[str, str], other: dict[str, str]) -> None:
    """Two lines that could price the same act refuse the table, and both are named."""
    error = refusal(text_of(one, {"code": "ZZ8"}, other))
    assert error.rule.id == "TABLE-OVERLAP"
    assert (error.facts["line"], error.facts["other_line"], error.facts["code"]) == (5, 3, "ZZ1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"code": "ZZ2"}),
        ({}, {"valid_from": "2021-01-01", "valid_to": ""}),
        ({}, {"valid_from": "2019-01-01", "valid_to": "2019-12-31"}),
        ({"professions": "medecin"}, {"professions": "sage-femme"}),
        ({"pediatrician": "yes"}, {"pediatrician": "no"}),
        (WINDOW, WINDOW | {"window_from": "6y", "window_to": "7y"}),
        (WINDOW, WINDOW | {"window_from": "27d", "window_to": "1m"}),
    ],
)
def test_two_prices_for_two_cases(one: dict[str, str], other: dict[str, str]) -> None:
    """Lines that part by code, period, profession, speciality or window stand together."""
    assert len(ActTable.parse(text_of(one, other)).lines) == 2


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("", "TABLE-LABEL", 1),
        (HEADER, "TABLE-LABEL", 1),
        (LABEL, "TABLE-HEADER", 1),
        (LABEL + "# remark\ncode,label\n", "TABLE-HEADER", 3),
        (LABEL + HEADER.replace("code,", "Code,"), "TABLE-HEADER", 2),
        (LABEL + HEADER + "ZZ1,x\n", "TABLE-LINE", 3),
        (LABEL + HEADER + "\n# remark\n" + ",".join(GOOD.values()) + ",more\n", "TABLE-LINE", 5),
        (LABEL + HEADER + '"ZZ1\n', "TABLE-LINE", 3),
        (LABEL + " " * 2_000_000, "TABLE-SIZE", 1),
    ],
)
def test_text_that_is_no_table(text: str, rule: str, line: int) -> None:
    """A text without label, header or whole lines, or of endless size, is refused where it goes wrong."""
    error = refusal(text)
    assert (error.rule.id, error.facts["line"]) == (rule, line)


def test_an_empty_table_holds() -> None:
    """A table with no fact prices nothing, and is no error."""
    table = ActTable.parse(LABEL + HEADER)
    assert (table.lines, table.version.label) == ((), "acts under test, version 1")


@pytest.mark.parametrize(
    "name", ["tables/acts.csv", "tables/caisses.csv", "tables/holidays.csv", "tables_fictitious/acts.csv"]
)
def test_every_row_has_source_and_certainty(name: str) -> None:
    """No fact stands without its source and its mark, as the csv module reads the file."""
    lines = [line for line in schemas.read_text(name).splitlines() if not line.startswith("#")]
    rows: list[dict[str, Any]] = list(csv.DictReader(lines))
    assert rows
    assert all(row["source"] and row["certainty"] in {"A", "B", "U"} for row in rows)


def test_readme_lists_every_table() -> None:
    """Each table file is described in the README beside it."""
    folder = Path(schemas.__file__).parent / "tables"
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"`{entry.name}`" in text for entry in folder.iterdir() if entry.suffix in {".csv", ".toml"})


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 2, 29), 72, date(2030, 2, 28)),
        (date(2024, 12, 15), 1, date(2025, 1, 15)),
        (date(2024, 7, 4), 8, date(2025, 3, 4)),
        (date(2024, 7, 4), 0, date(2024, 7, 4)),
    ],
)
def test_calendar_months(start: date, months: int, expected: date) -> None:
    """Months keep the day of the month, or stop at the last one."""
    assert add_months(start, months) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("0d", (0, 0)), ("27d", (0, 27)), ("8m", (8, 0)), ("6y", (72, 0)), ("6w", (0, 6))]
)
def test_measures(text: str, expected: tuple[int, int]) -> None:
    """A bound is read as months and days."""
    measure = Measure.read(text)
    assert (measure.months, measure.days) == expected


def test_window_without_its_fact() -> None:
    """A window cannot say yes or no when the fact it counts from is missing."""
    for kind in WindowKind:
        assert Window(kind, Measure(0, 1), Measure(0, 6)).holds(CaseFacts(on=date(2025, 3, 4))) is None


@pytest.mark.parametrize(("days", "week"), [(0, 1), (6, 1), (7, 2), (34, 5), (35, 6), (48, 7), (49, 8)])
def test_week_counted_from_the_start(days: int, week: int) -> None:
    """The week in progress is counted from the start of pregnancy, the first being 1; a given week wins."""
    start = date(2025, 1, 6)
    assert CaseFacts(on=start + timedelta(days=days), pregnancy_start=start).week_in_progress == week
    assert CaseFacts(on=start, pregnancy_start=start, week=4).week_in_progress == 4


CAISSES = "# label: caisses under test\ncode,name,department,in_convention,valid_from,valid_to,source,certainty,note\n"


def test_simulated_caisses() -> None:
    """The package knows the simulated caisses, who is party to the convention, and no real code."""
    table, on = caisse_table(), date(2025, 3, 4)
    assert "simulated" in table.version.label
    assert [line.code for line in table.convention(on)] == ["019990000", "019980000", "919990506"]
    artois = table.find("019990000", on)
    assert artois is not None
    assert (artois.name, artois.department) == ("CPAM de l'Artois (simulée)", "62")
    assert artois.organism == OrganismCode("01", "999", "0000")
    other = table.find("019970000", on)
    assert other is not None
    assert not other.in_convention
    assert {line.code[2:5] for line in table.lines} <= {"999", "998", "997"}


def test_unknown_caisse() -> None:
    """A code that no line holds, or not on that day, is not found."""
    assert caisse_table().find("016240000", date(2025, 3, 4)) is None
    assert caisse_table().find("019990000", date(2014, 12, 31)) is None
    assert caisse_table().convention(date(2014, 12, 31)) == ()


def test_dated_caisses() -> None:
    """A caisse may leave the convention: its two lines follow one another."""
    rows = "019990000,A,62,yes,2015-01-01,2024-12-31,x,U,\n019990000,A,62,no,2025-01-01,,x,U,\n"
    table = CaisseTable.parse(CAISSES + rows)
    assert len(table.convention(date(2024, 12, 31))) == 1
    assert table.convention(date(2025, 1, 1)) == ()


@pytest.mark.parametrize(
    ("rows", "rule", "line"),
    [
        ("019990000,A,62,yes,2015-01-01,2014-12-31,x,U,\n", "TABLE-DATES", 3),
        ("019990000,A,62,yes,2015-01-01,,x,U,\n019990000,A,62,no,2025-01-01,,x,U,\n", "TABLE-OVERLAP", 4),
        ("019990000,A,62,no,2025-01-01,,x,U,\n019990000,A,62,yes,2015-01-01,,x,U,\n", "TABLE-OVERLAP", 4),
        ("01999,A,62,yes,2015-01-01,,x,U,\n", "TABLE-FIELD", 3),
    ],
)
def test_refused_caisses(rows: str, rule: str, line: int) -> None:
    """A caisse table is refused as a whole, at the line that breaks it."""
    with pytest.raises(TableError) as caught:
        CaisseTable.parse(CAISSES + rows)
    assert (caught.value.rule.id, caught.value.facts["line"]) == (rule, line)
