"""A day lived through: reproducible, each row from its own facts alone, every consultation to its right end."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fse.deadlines import paris_date
from fse.encounter import EncounterError
from gateway.cli.demo import rows_of
from gateway.day import live_day, read_day
from gateway.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.day import DayResult
    from gateway.journal import Entry


DAY: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "examples" / "journee-pmi.json").read_text(encoding="utf-8")
)


def live(day: dict[str, Any], folder: Path, seed: str = "test") -> DayResult:
    """Live through ``day`` quietly."""

    def hush(_at: datetime, _news: object) -> None:
        """Say nothing."""

    folder.mkdir()
    return live_day(read_day(json.dumps(day).encode()), folder, seed=seed, tell=hush)


def printed(result: DayResult) -> dict[tuple[str, int], tuple[str, ...]]:
    """Return the cells of the table that a person reads, by consultation and part."""
    keys = [(row.reply.reference, row.reply.part) for row in result.rows]
    return dict(zip(keys, rows_of(result), strict=True))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> DayResult:
    """Return the day of the examples, as it stands."""
    return live(DAY, tmp_path_factory.mktemp("day") / "plain")


def encounter(day: dict[str, Any], reference: str) -> dict[str, Any]:
    """Return one consultation of ``day``."""
    (found,) = (one for one in day["encounters"] if one["reference"] == reference)
    assert isinstance(found, dict)
    return found


# Worked by hand from the file, CSS R161-47 and the convention's articles 6 and 10: outcome, state, last day, cents.
# Tuesday 4 March 2025 + 8 jours ouvrés = Friday 14 March; paper that leaves with its month: 31 March.
WINDOW, MONTH = date(2025, 3, 14), date(2025, 3, 31)
EXPECTED: list[tuple[str, int, str, str, date | None, int]] = [
    ("C01", 0, "secured", "sheet.acknowledged", WINDOW, 3500),  # 1 month: COD
    ("C02", 0, "secured", "sheet.acknowledged", WINDOW, 5400),  # 6 days: COE, maternité
    ("C03", 0, "secured", "sheet.acknowledged", WINDOW, 5400),  # 9 months: COE
    ("C04", 0, "secured", "sheet.acknowledged", WINDOW, 5400),  # 24 months: COE
    ("C04", 1, "form-708", "paper.to_print", MONTH, 2000),  # its vaccine
    ("C05", 0, "secured", "sheet.acknowledged", WINDOW, 3500),  # 4 years
    ("C06", 0, "secured", "sheet.duplicata_due", WINDOW, 3500),  # caisse behind the concentrator that is down
    ("C07", 0, "secured", "sheet.duplicata_due", WINDOW, 3500),
    ("C08", 0, "secured", "sheet.acknowledged", WINDOW, 3500),  # mutual section
    ("C09", 0, "secured", "sheet.duplicata_due", WINDOW, 2650),  # midwife, before the 6th month: C + MSF
    ("C10", 0, "secured", "sheet.acknowledged", WINDOW, 2650),  # midwife, after it
    ("C11", 0, "degraded", "sheet.duplicata_due", WINDOW, 3500),  # card out of order
    ("C12", 0, "degraded", "sheet.acknowledged", WINDOW, 3500),  # no card
    ("C13", 0, "degraded", "sheet.acknowledged", WINDOW, 3500),  # opposed card
    ("C14", 0, "refused", "", None, 0),  # another caisse
    ("C15", 0, "plain-paper", "paper.to_print", MONTH, 7400 + 9653),  # anonymous IVG, week 6
    ("C16", 0, "secured", "sheet.acknowledged", WINDOW, 7400 + 9653),  # IVG with identity
    ("C17", 0, "form-708", "paper.to_print", MONTH, 2000),
    ("C18", 0, "refused", "", None, 0),  # outside the table
    ("C19", 0, "refused", "", None, 0),  # COE at 10 months
]


def test_every_consultation_comes_to_its_right_end(plain: DayResult) -> None:
    """The whole day, against a table worked by hand."""
    found = [
        (row.reply.reference, row.reply.part, row.reply.outcome, row.state, row.reply.deadline, row.reply.total_cents)
        for row in plain.rows
    ]
    assert found == EXPECTED


def test_the_three_incidents_happen(plain: DayResult) -> None:
    """Altered and sent again; silent and sent again after 2 jours ouvrés; out of reach until a duplicata is due."""
    lots = {(lot.organism, lot.mode): lot.record for lot, _ in plain.lots}
    altered, silent = lots["019990000", "securise"], lots["019990000", "degrade"]
    assert (altered.state, altered.emissions) == ("positive", 2)
    assert (silent.state, silent.emissions) == ("positive", 2)
    assert silent.first_failure_on == date(2025, 3, 6)  # Tuesday 4 + 2 jours ouvrés
    for mode in ("securise", "degrade"):
        down = lots["019980000", mode]
        assert (down.state, down.emissions) == ("abandoned", 0)
    assert (lots["919990506", "securise"].state, lots["919990506", "securise"].emissions) == ("positive", 1)


def test_a_seed_repeats_the_day(plain: DayResult, tmp_path: Path) -> None:
    """Keys, sheets, lots, acknowledgements and papers are the same at each run of a seed, others with another seed."""
    assert live(DAY, tmp_path / "again").run_digest == plain.run_digest
    assert live(DAY, tmp_path / "other", seed="other").run_digest != plain.run_digest


def test_shuffling_changes_no_row(plain: DayResult, tmp_path: Path) -> None:
    """The file's order says nothing: the day goes by its hours."""
    day = deepcopy(DAY)
    one_way, other_way = day["encounters"][::2], day["encounters"][1::2]
    day["encounters"] = other_way[::-1] + one_way
    assert printed(live(day, tmp_path / "shuffled")) == printed(plain)


def _other_act(day: dict[str, Any]) -> None:
    encounter(day, "C01")["acts"] = [{"code": "G"}, {"code": "MEG"}]


def _no_card(day: dict[str, Any]) -> None:
    encounter(day, "C03")["vitale"] = "absent"


def _anonymous(day: dict[str, Any]) -> None:
    encounter(day, "C16")["patient"] = {"kind": "anonymous", "minor": False}


def _not_on_card(day: dict[str, Any]) -> None:
    encounter(day, "C05")["patient"]["beneficiary"]["birth_date"] = "2021-02-16"
    del encounter(day, "C05")["patient"]["beneficiary"]["nir"]


def _late(day: dict[str, Any]) -> None:
    encounter(day, "C10")["acts"] = [{"code": "C", "on": "2025-02-03"}]


def _no_cps(day: dict[str, Any]) -> None:
    encounter(day, "C08")["cps"] = "unusable"


def _unknown_act(day: dict[str, Any]) -> None:
    encounter(day, "C02")["acts"] = [{"code": "ZZZ"}]


def _found_card(day: dict[str, Any]) -> None:
    del encounter(day, "C12")["vitale"]


def _known_act(day: dict[str, Any]) -> None:
    encounter(day, "C18")["acts"] = [{"code": "COE"}]


def _unknown_professional(day: dict[str, Any]) -> None:
    encounter(day, "C17")["professional"]["rpps"] = "99700000047"


@pytest.mark.parametrize(
    ("edits", "changed"),
    [
        ((_other_act, _no_card, _anonymous, _not_on_card, _late), {"C01", "C03", "C16", "C05", "C10"}),
        ((_no_cps, _unknown_act, _found_card, _known_act, _unknown_professional), {"C08", "C02", "C12", "C18", "C17"}),
    ],
)
def test_editing_five_consultations_changes_exactly_their_rows(
    edits: tuple[Callable[[dict[str, Any]], None], ...], changed: set[str], plain: DayResult, tmp_path: Path
) -> None:
    """A row depends on its own facts, not on its neighbours, numbers or lots."""
    day = deepcopy(DAY)
    for edit in edits:
        edit(day)
    before, after = printed(plain), printed(live(day, tmp_path / "edited"))
    if _unknown_professional in edits:
        (cells,) = (cells for key, cells in after.items() if key[0] == "C17")
        assert "WALLET-CPS" in cells[2]
    differing = {key[0] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert differing == changed


@pytest.mark.parametrize(
    ("change", "rule", "place"),
    [
        (lambda day: day["encounters"].append(day["encounters"][0]), "DAY-REFERENCE", "C01"),
        (lambda day: day["encounters"][2]["acts"].clear(), "ENC-VALUE", "encounters[2].acts"),
        (lambda day: day.update(colour="blue"), "ENC-UNKNOWN", "colour"),
        (lambda day: day.pop("encounters"), "ENC-MISSING", "encounters"),
        (lambda day: day["incidents"][0].update(kind="flood"), "ENC-VALUE", "incidents[0].kind"),
    ],
)
def test_a_wrong_day_is_refused_with_its_place(
    change: Callable[[dict[str, Any]], object], rule: str, place: str
) -> None:
    """A day file that cannot be used names the first thing that is wrong and where."""
    day = deepcopy(DAY)
    change(day)
    with pytest.raises(EncounterError) as caught:
        read_day(json.dumps(day).encode())
    assert caught.value.rule.id == rule
    assert place in str(caught.value)


ANONYMOUS = {"kind": "anonymous", "minor": True}


INVOICE = {
    "finess": "629990037",
    "rpps": "99700000021",
    "family_name": "EXEMPLAIRE",
    "first_name": "Dominique",
    "rate_percent": 70,
    "cents": 2100,
}


def _with_anonymous_care(day: dict[str, Any]) -> None:
    """Put two more anonymous consultations between the others: an IVG, and a delegated act with an act not provided."""
    ivg = encounter(day, "C15")
    recap = [{"code": "COD", "by": "delegated", "invoice": INVOICE}, {"code": "COD"}]
    day["encounters"] += [
        ivg | {"reference": "SECRET-1", "at": "2025-03-04T08:01:00+01:00"},
        ivg | {"reference": "SECRET-2", "at": "2025-03-04T10:17:00+01:00", "acts": recap},
    ]


def test_anonymous_care_stands_outside_the_order_of_the_day(tmp_path: Path) -> None:
    """Convention 10.3: in what is kept and told of a day, no reference and no place in time of an anonymous visit."""
    day = deepcopy(DAY)
    _with_anonymous_care(day)
    told: list[tuple[datetime, str, str]] = []

    def listen(at: datetime, news: Reply | Entry) -> None:
        told.append((at, news.reference, news.reason) if isinstance(news, Reply) else (at, "lot", news.name))

    (tmp_path / "day").mkdir()
    result = live_day(read_day(json.dumps(day).encode()), tmp_path / "day", seed="test", tell=listen)
    rows = json.loads((result.folder / "resultat.json").read_text(encoding="utf-8"))
    assert [row["reference"] for row in rows[:-4]] == [one[0] for one in EXPECTED if one[0] != "C15"]
    last = [(row["reference"], row["issue"], row["motif"]) for row in rows[-4:]]
    assert last == [
        (None, "plain-paper", "ivg-anonymous"),
        (None, "plain-paper", "ivg-anonymous"),
        (None, "recap", "delegated-anonymous"),
        (None, "refused", "anonymity-not-provided"),
    ]
    for name in ("SECRET", "C15"):
        assert name not in (result.folder / "resultat.json").read_text(encoding="utf-8")
    first = [one for one in told if paris_date(one[0]) == date(2025, 3, 4)]
    assert first[-4:] == [(first[-1][0], "", reason) for _, _, reason in last]
    assert "" not in {reference for _, reference, _ in told[: len(first) - 4] + told[len(first) :]}
    assert {"SECRET-1", "SECRET-2", "C15"} <= {row.reply.reference for row in result.rows}


def test_an_anonymous_paper_is_called_what_it_is(tmp_path: Path) -> None:
    """The list of delegated acts is not called a paper sheet because the patient has no name."""
    day = deepcopy(DAY)
    _with_anonymous_care(day)
    day["encounters"] = day["encounters"][-2:]
    rows = live(day, tmp_path / "day").rows
    found = {row.reply.reason: tuple(expected.paper for expected in row.expected) for row in rows}
    assert found == {"ivg-anonymous": ("plain",), "delegated-anonymous": ("recap",), "anonymity-not-provided": ()}


def test_what_is_left_is_for_the_owner_alone(plain: DayResult) -> None:
    """Everything the day wrote is readable by its owner only: sheets and papers name people."""
    private = [path for path in plain.folder.rglob("*") if path.is_file() and "trust" not in path.parts]
    assert len(private) > 30
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}


def test_the_event_log_names_nobody(plain: DayResult) -> None:
    """No NIR, no name of a patient in the log."""
    log = (plain.folder / "evenements.jsonl").read_text(encoding="utf-8")
    assert log.count("\n") > 100
    for one in DAY["encounters"]:
        if one["patient"]["kind"] == "identified":
            insured = one["patient"]["insured"]
            assert insured["nir"][:13] not in log
            assert insured["family_name"] not in log
