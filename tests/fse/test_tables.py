"""The set of tables: whole or refused with its place; versions of the cahier des charges; sites; codes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from stdnum import luhn

import schemas
from fse.code_tables import Adoption, AdoptionState, SpecificationTable, VersionError
from fse.periods import in_force
from fse.table_text import TableError
from fse.tables import TABLE_FILES, Tables, package_tables

TEXTS = {name: schemas.read_text(f"tables/{name}") for name in TABLE_FILES}


def read(**changed: str) -> Tables:
    """Return the tables of the package with other texts (``acts_csv="…"``)."""
    texts = TEXTS | {name.replace("_csv", ".csv"): text for name, text in changed.items()}
    return Tables.read(texts.__getitem__)


def refused(**changed: str) -> TableError:
    """Return why the set is refused; whoever asked still has the tables that he had."""
    before = package_tables()
    with pytest.raises(TableError) as caught:
        read(**changed)
    assert package_tables() is before
    return caught.value


def line_of(text: str, start: str) -> int:
    """Return the number of the first line that begins so."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start))


ACTS, CAISSES, SITES, MARKET = (TEXTS[name] for name in ("acts.csv", "caisses.csv", "sites.csv", "vaccine_market.csv"))
G_2023 = next(line for line in ACTS.splitlines() if line.startswith("G,") and "2650" in line)


def test_the_tables_of_the_package_hold_together() -> None:
    """Protects what is delivered: every table, each code listed, source and certainty on each line."""
    found = read()
    assert len(found.acts.lines) > 50
    assert len(found.natures.lines) == 5
    for table in (
        found.acts,
        found.holidays,
        found.caisses,
        found.vaccines,
        found.habilitations,
        found.sites,
        found.specifications,
    ):
        assert all(line.source and line.certainty for line in table.lines)


def without(name: str, start: str) -> str:
    """Return a table without the lines that begin so."""
    return "\n".join(line for line in TEXTS[name].splitlines() if not line.startswith(start))


def g_2023(old: str, new: str) -> str:
    """Return the acts with another cell in the line of G of 2023."""
    return ACTS.replace(G_2023, G_2023.replace(old, new))


BAD: dict[str, tuple[dict[str, str], tuple[str, str]]] = {
    "a hole of one day in the tariffs of G": (
        {"acts_csv": g_2023("2023-11-01", "2023-11-02")},
        ("TABLE-GAP", "acts.csv"),
    ),
    "two tariffs on one day": ({"acts_csv": g_2023("2023-11-01", "2023-10-31")}, ("TABLE-OVERLAP", "acts.csv")),
    "a negative amount": ({"acts_csv": g_2023(",2650,", ",-2650,")}, ("TABLE-FIELD", "acts.csv")),
    "an exemption not listed": ({"exemptions_csv": without("exemptions.csv", "3,")}, ("TABLE-CODE", "acts.csv")),
    "a nature not listed": ({"natures_csv": without("natures.csv", "30,")}, ("TABLE-CODE", "acts.csv")),
    "a régime not listed": ({"regimes_csv": without("regimes.csv", "91,")}, ("TABLE-CODE", "caisses.csv")),
    "a code twice": ({"natures_csv": TEXTS["natures.csv"] + "10,Encore,own,U,\n"}, ("TABLE-OVERLAP", "natures.csv")),
    "a site whose caisse nobody knows": (
        {"sites_csv": SITES.replace("019980000", "019960000")},
        ("TABLE-CODE", "sites.csv"),
    ),
    "a wrong FINESS": ({"sites_csv": SITES.replace("629990003", "629990004")}, ("TABLE-FIELD", "sites.csv")),
    "a wrong CIP": (
        {"vaccine_market_csv": MARKET.replace("3400935137340", "3400935137341")},
        ("TABLE-FIELD", "vaccine_market.csv"),
    ),
    "a caisse with a hole": (
        {
            "caisses_csv": CAISSES.replace(
                "019970000,CPAM d'un autre département (simulée),80,no,2015-01-01,,",
                "019970000,CPAM d'un autre département (simulée),80,no,2015-01-01,2016-01-01,own,U,\n"
                "019970000,CPAM d'un autre département (simulée),80,no,2016-01-03,,",
            )
        },
        ("TABLE-GAP", "caisses.csv"),
    ),
    "two market prices": (
        {"vaccine_market_csv": MARKET.replace("2024-01-01,2024-12-31", "2024-01-01,2025-01-01")},
        ("TABLE-OVERLAP", "vaccine_market.csv"),
    ),
    "no label": ({"vaccine_market_csv": MARKET.partition("\n")[2]}, ("TABLE-LABEL", "vaccine_market.csv")),
    "a period that ends first": (
        {"habilitations_csv": TEXTS["habilitations.csv"].replace("2023-01-16,,", "2023-01-16,2023-01-15,", 1)},
        ("TABLE-DATES", "habilitations.csv"),
    ),
    "a letter that does not make the price": (
        {"letters_csv": TEXTS["letters.csv"].replace("SP,sage-femme,310", "SP,sage-femme,311")},
        ("TABLE-LETTER", "acts.csv"),
    ),
    "a body merged into nobody": (
        {"organisms_csv": TEXTS["organisms.csv"].replace("62,01624", "62,01625")},
        ("TABLE-CODE", "organisms.csv"),
    ),
    "a body twice": (
        {"organisms_csv": TEXTS["organisms.csv"] + "01624,Encore,62,,own,U,\n"},
        ("TABLE-OVERLAP", "organisms.csv"),
    ),
    "a box that the form has not": (
        {"boxes_708_csv": TEXTS["boxes_708.csv"].replace("02,2,", "02,5,")},
        ("TABLE-FIELD", "boxes_708.csv"),
    ),
    "a box of no régime": (
        {"boxes_708_csv": TEXTS["boxes_708.csv"] + "55,1,own,U,\n"},
        ("TABLE-CODE", "boxes_708.csv"),
    ),
    "a holiday twice": (
        {"holidays_csv": TEXTS["holidays.csv"] + "05-01,national,Encore,Again,own,U\n"},
        ("TABLE-OVERLAP", "holidays.csv"),
    ),
    "a holiday on no day": (
        {"holidays_csv": TEXTS["holidays.csv"] + "13-01,national,Encore,Again,own,U\n"},
        ("TABLE-FIELD", "holidays.csv"),
    ),
    "versions with a hole": (
        {"specifications_csv": TEXTS["specifications.csv"].replace("2026-06-30", "2026-06-29")},
        ("TABLE-GAP", "specifications.csv"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_as_a_whole_with_its_place(name: str) -> None:
    """Protects the program: overlap, gap, unknown code, negative amount; the file and a line; nothing is replaced."""
    changed, (rule, file) = BAD[name]
    assert all(text != TEXTS[key.replace("_csv", ".csv")] for key, text in changed.items())
    error = refused(**changed)
    assert (error.rule.id, error.facts["file"]) == (rule, file)
    assert f"{file}, ligne {error.facts['line']}" in error.message("fr")


def test_the_place_is_the_very_line() -> None:
    """A hole after the old tariff of G is told at the line that ends too soon, with the first day without a price."""
    error = refused(acts_csv=ACTS.replace(G_2023, G_2023.replace("2023-11-01", "2023-11-02")))
    assert (error.facts["line"], error.facts["day"]) == (line_of(ACTS, "G,"), date(2023, 11, 1))


VERSIONS = SpecificationTable.parse(
    "# label: x\ncode,valid_from,valid_to,source,certainty,note\n"
    "1.10,2023-01-01,2025-01-14,own,U,\n1.20,2025-01-15,2026-12-31,own,U,\n1.30,2027-01-01,,own,U,\n"
)


@pytest.mark.parametrize(
    ("code", "on", "state", "until", "days"),
    [
        # the new one is published on 15 January 2025: 18 months later is 15 July 2026, that day included
        ("1.10", date(2025, 1, 14), "compliant", None, None),
        ("1.10", date(2025, 1, 15), "due", date(2026, 7, 15), 546),
        ("1.10", date(2026, 7, 15), "due", date(2026, 7, 15), 0),
        ("1.10", date(2026, 7, 16), "overdue", date(2026, 7, 15), -1),
        ("1.10", date(2027, 2, 1), "overdue", date(2026, 7, 15), -201),
        ("1.20", date(2026, 7, 16), "compliant", None, None),
        ("1.30", date(2025, 1, 15), "compliant", None, None),
    ],
)
def test_eighteen_months_to_adopt(code: str, on: date, state: str, until: date | None, days: int | None) -> None:
    """VERS-01, VERS-05 (protocol art. 8; A44): both sides of the last day, counted by hand."""
    assert VERSIONS.adoption(code, on) == Adoption(AdoptionState(state), until, days)


def test_a_version_that_nobody_knows() -> None:
    """VERSION-UNKNOWN names the known ones."""
    with pytest.raises(VersionError) as caught:
        VERSIONS.adoption("9.99", date(2025, 1, 1))
    assert caught.value.rule.id == "VERSION-UNKNOWN"
    assert "1.10, 1.20, 1.30" in caught.value.to_do("fr")


def test_the_two_lists_of_sites() -> None:
    """SITE-01 to SITE-06: 24 MDS and 25 CPEF of the Pas-de-Calais, every FINESS synthetic, unique and of test range."""
    sites = [site for site in package_tables().sites.lines if site.finess.startswith("62")]
    assert [sum(site.list == kind for site in sites) for kind in ("MDS", "CPEF")] == [24, 25]
    assert len({site.finess for site in sites}) == len(sites)
    assert all(site.synthetic and site.finess.startswith("62999") and luhn.is_valid(site.finess) for site in sites)
    assert any(site.vacant for site in sites)
    payers = {site.territory: site.organism for site in sites}
    assert {territory for territory, code in payers.items() if code == "019980000"} == {
        "Audomarois", "Boulonnais", "Calaisis", "Montreuillois",
    }  # fmt: skip
    found = package_tables().sites.find("629990003", date(2025, 3, 4))
    assert found is not None
    assert found.address == "53 rue de Douai, 62000 Arras"
    assert package_tables().sites.find("629990003", date(2014, 12, 31)) is None


def test_every_code_has_a_price_on_each_day_between_its_first_and_its_last() -> None:
    """No gap: each day of the steps of 2019 to 2025, each code that has a line before and after has one then."""
    lines = package_tables().acts.lines
    for code in {line.code for line in lines}:
        own = [line for line in lines if line.code == code]
        first = min(line.valid_from for line in own)
        day = first
        while day < date(2026, 1, 1):
            later = any(line.valid_from > day for line in own)
            assert not later or any(in_force(line, day) for line in own), (code, day)
            day += timedelta(days=31)


def test_the_order_of_the_lines_changes_nothing() -> None:
    """Protects whoever sorts a table: its lines upside down hold as well, and price the same."""
    head = [line for line in ACTS.splitlines() if line.startswith(("#", "code,"))]
    rows = [line for line in ACTS.splitlines() if line not in head]
    found = read(acts_csv="\n".join([*head, *reversed(rows)]))
    assert set(found.acts.lines) == set(package_tables().acts.lines)
