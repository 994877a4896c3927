"""The cross-check rules of a B2 file: each with what it accepts and what it refuses, worked from the files by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from fse.b2 import B2File, check, check_bytes, is_sound
from fse.b2.file import RECORDS
from tests.fse.b2_files import by_hand, changed, findings, inserted, sub_records, told, visits, without

if TYPE_CHECKING:
    from fse.b2 import B2Error

# visits, by rank: 1 000 · 2 1 · 3 2 · 4 2S · 5 4 · 6 4S · 7 4E · 8 4 · 9 5 · 10 2 · 11 3 · 12 3S · 13 3E · 14 3F
#                  15 3F · 16 3H · 17 5 · 18 6 · 19 999
# sub_records:     1 000 · 2 1 · 3 2 · 4 4 · 5 4S · 6 4E · 7 4B · 8 4B · 9 4H · 10 4M · 11 5 · 12 6 · 13 999


def rules(file: B2File) -> set[str]:
    """Return the rules that a file breaks."""
    return {one.rule.id for one in check(file)}


def of(rule: str, file: B2File) -> B2Error:
    """Return the first finding of ``rule``."""
    return next(one for one in check(file) if one.rule.id == rule)


def test_the_files_by_hand_are_sound() -> None:
    """Every rule accepts them: the pair of each refusal below."""
    assert findings(visits()) == findings(sub_records()) == []


@pytest.mark.parametrize(
    ("rank", "changes", "rule", "place"),
    [
        # record 5 of the first invoice: lines 5, 6, 7, 8 are four; 38.40 + 23.00 = 61.40; AMO 38.40 + 16.10 = 54.50
        (9, {"lines": 3}, "B2-COUNT", (9, "5", "39-41", "lines")),
        (9, {"act_fees": 6139}, "B2-TOTAL", (9, "5", "58-65", "act_fees")),
        (9, {"act_amo": 5451}, "B2-TOTAL", (9, "5", "66-73", "act_amo")),
        (9, {"act_amc": 1}, "B2-TOTAL", (9, "5", "90-97", "act_amc")),
        (17, {"stay_base": 7401}, "B2-TOTAL", (17, "5", "42-49", "stay_base")),
        (17, {"stay_amo": 0}, "B2-TOTAL", (17, "5", "50-57", "stay_amo")),
        (17, {"stay_amc": 7}, "B2-TOTAL", (17, "5", "82-89", "stay_amc")),
        (17, {"stay_expense": 7399}, "B2-TOTAL", (17, "5", "115-122", "stay_expense")),
        (9, {"insured_share": 691}, "B2-SHARE", (9, "5", "74-81", "insured_share")),  # 61.40 - 54.50 = 6.90
        # one identity an invoice
        (8, {"biller": "629990003"}, "B2-SAME", (8, "4", "2-10", "biller")),
        (6, {"nir_key": "79"}, "B2-SAME", (6, "4S", "25-26", "nir_key")),
        (4, {"rank": "001"}, "B2-SAME", (4, "2S", "27-29", "rank")),
        (7, {"invoice": "000000040"}, "B2-SAME", (7, "4E", "27-35", "invoice")),
        (9, {"nir": "2900762041998"}, "B2-SAME", (9, "5", "12-24", "nir")),
        # identifiers: 97 - 1850362041999 mod 97 is 78; a birth month 19 is none; RPPS and FINESS by Luhn
        (4, {"own_nir_key": "95"}, "B2-NIR", (4, "2S", "63-64", "own_nir_key")),
        (4, {"own_nir": "2211962041997"}, "B2-NIR", (4, "2S", "50-62", "own_nir")),
        (7, {"performer_rpps": "99700000022"}, "B2-RPPS", (7, "4E", "64-74", "performer_rpps")),
        (13, {"prescriber_rpps": "99700000014"}, "B2-RPPS", (13, "3E", "42-52", "prescriber_rpps")),
        # codes of closed lists
        (3, {"nature": "20"}, "B2-CODE", (3, "2", "77-78", "nature")),
        (3, {"exemption": "8"}, "B2-CODE", (3, "2", "79", "exemption")),
        (4, {"pathway": "Z"}, "B2-CODE", (4, "2S", "121", "pathway")),
        (1, {"flow": "X"}, "B2-CODE", (1, "000", "71", "flow")),
        # dates: file of 10 March 2025
        (8, {"care_on": date(2025, 3, 11)}, "B2-DATES", (8, "4", "70-75", "care_on")),
        (3, {"birth_on": date(2025, 3, 5)}, "B2-DATES", (5, "4", "70-75", "care_on")),
        (11, {"end_on": date(2025, 3, 2)}, "B2-DATES", (11, "3", "50-55", "end_on")),
        (8, {"care_on": date(2025, 3, 3)}, "B2-CARE-DATE", (8, "4", "70-75", "care_on")),
        (11, {"start_on": date(2024, 3, 10)}, "B2-DELAY", (11, "3", "44-49", "start_on")),
        # lot and file
        (3, {"biller": "629990003"}, "B2-LOT-SAME", (3, "2", "2-10", "biller")),
        (18, {"lot": "008"}, "B2-LOT-SAME", (18, "6", "52-54", "lot")),
        (18, {"invoices": 3}, "B2-LOT-COUNT", (18, "6", "11-13", "invoices")),
        (18, {"acts": 4}, "B2-LOT-COUNT", (18, "6", "14-17", "acts")),
        (18, {"total": 13541}, "B2-LOT-TOTAL", (18, "6", "25-33", "total")),  # 61.40 + 74.00 = 135.40
        (18, {"total_amo": 12851}, "B2-LOT-PART", (18, "6", "34-42", "total_amo")),  # 54.50 + 74.00 = 128.50
        (18, {"total_amc": 1}, "B2-LOT-PART", (18, "6", "43-51", "total_amc")),
        (10, {"caisse": "998"}, "B2-DESTINATION", (10, "2", "51-53", "caisse")),
        (10, {"regime": "02"}, "B2-RECIPIENT", (1, "000", "28-41", "recipient")),
        (1, {"recipient": "00000002000999"}, "B2-RECIPIENT", (1, "000", "28-41", "recipient")),
        (10, {"rank": "001"}, "B2-RANK", (10, "2", "27-29", "rank")),
        (10, {"invoice": "000000000"}, "B2-NUMBER", (10, "2", "30-38", "invoice")),
        (10, {"invoice": "000000041"}, "B2-TWICE", (10, "2", "30-38", "invoice")),
        (19, {"records": 18}, "B2-FILE-COUNT", (19, "999", "56-63", "records")),
        (19, {"lots": 2}, "B2-FILE-COUNT", (19, "999", "83-85", "lots")),
        (19, {"file_id": "HAND02"}, "B2-FILE-SAME", (19, "999", "50-55", "file_id")),
        (2, {"biller": "629990012"}, "B2-FINESS", (2, "1", "2-10", "biller")),
        # sub-records are numbered from 01 on
        (15, {"sequence": 3}, "B2-SEQUENCE", (15, "3F", "37-38", "sequence")),
        (6, {"sequence": 2}, "B2-SEQUENCE", (6, "4S", "37-38", "sequence")),
    ],
)
def test_each_rule_names_the_place(
    rank: int, changes: dict[str, object], rule: str, place: tuple[int, str, str, str]
) -> None:
    """One wrong zone is told by its rule, with rank, type, positions and field; the file by hand is its pair."""
    assert (rule, *place) in findings(changed(visits(), rank, **changes))


def test_a_count_is_told_with_both_numbers() -> None:
    """The message says what the file says and what its lines make."""
    found = of("B2-TOTAL", changed(visits(), 9, act_fees=6139))
    assert (found.facts["said"], found.facts["found"]) == (6139, 6140)
    assert "6139" in found.message("fr")
    assert "6140" in found.message("en")


def test_the_share_of_the_insured_is_never_negative() -> None:
    """B2-SHARE: 10.00 reimbursed on 5.00 makes a share that no unsigned zone can hold."""
    found = of("B2-SHARE", changed(visits(), 11, expense=700, amo=7400))
    assert found.facts["found"] == 700 - 7400


@pytest.mark.parametrize(
    ("file", "place"),
    [
        (without(visits(), 1), (1, "1", "1-3", "")),  # a file starts with 000
        (without(visits(), 19), (19, "end", "1-3", "")),  # and ends with 999
        (without(visits(), 2), (2, "2", "1-3", "")),  # a lot before its invoices
        (without(visits(), 3), (3, "2S", "1-3", "")),  # 2S follows 2
        (without(visits(), 5), (5, "4S", "1-3", "")),  # 4S follows 4
        (without(visits(), 6), (6, "4E", "1-3", "")),  # 4E follows 4S
        (without(visits(), 12, 13), (12, "3F", "1-3", "")),  # 3F follows 3S or 3E
        (without(visits(), 5, 6, 7, 8), (5, "5", "1-3", "")),  # an invoice has lines
        (without(visits(), 9), (9, "2", "1-3", "")),  # and an end
        (without(visits(), 17, 18), (17, "999", "1-3", "")),
        (inserted(visits(), 19, 19), (20, "999", "1-3", "")),  # nothing after 999
        (B2File(()), (1, "end", "1-3", "")),
    ],
)
def test_the_order_of_records_is_held(file: B2File, place: tuple[int, str, str, str]) -> None:
    """B2-ORDER: a record out of place is told where it stands."""
    assert ("B2-ORDER", *place) in findings(file)


@pytest.mark.parametrize(("gone", "rule"), [((12,), "B2-COUNT"), ((13,), "B2-COUNT"), ((4,), "B2-FILE-COUNT")])
def test_what_may_be_left_out_is_in_order(gone: tuple[int, ...], rule: str) -> None:
    """3E may follow 3, 3F may follow 3S, and 2S may be missing: only the counts complain."""
    broken = rules(without(visits(), *gone))
    assert "B2-ORDER" not in broken
    assert rule in broken


def test_sub_records_of_one_line_have_a_limit() -> None:
    """B2-SUBRECORDS: ten 3F are taken, the eleventh is not; 26 of 4M, and not 27."""
    device = visits().records[13]
    ccam = sub_records().records[9]
    for file, at, record, limit in ((visits(), 15, device, 10), (sub_records(), 10, ccam, 26)):
        head = tuple(one for one in file.records[:at] if one.type not in {"3F", "4M"})
        tail = file.records[at:]
        for count in (limit, limit + 1):
            many = tuple(replace(record, sequence=number) for number in range(1, count + 1))  # type: ignore[call-arg]  # both kinds have a sequence; the base class does not say so
            found = [one for one in check(B2File((*head, *many, *tail))) if one.rule.id == "B2-SUBRECORDS"]
            assert len(found) == count - limit


def acts(count: int) -> B2File:
    """Return a file of one invoice with ``count`` records of type 4."""
    file = visits()
    return B2File((*file.records[:4], *[file.records[7]] * count, *file.records[8:9], *file.records[17:]))


def test_an_invoice_and_a_file_have_a_limit() -> None:
    """B2-LINES: 999 lines, not 1000. B2-LARGE, a warning: 990 records, not 991 (7 stand around the lines)."""
    assert "B2-LINES" not in rules(acts(999))
    assert "B2-LINES" in rules(acts(1000))
    assert "B2-LARGE" not in rules(acts(983))
    assert of("B2-LARGE", acts(984)).rule.severity == "warning"


def test_one_year_of_delay_is_the_last_day_that_is_silent() -> None:
    """B2-DELAY: under one year from the act. 11 March 2024 passes in a file of 10 March 2025, the 10th does not."""
    for day, late in ((date(2024, 3, 11), False), (date(2024, 3, 10), True)):
        assert ("B2-DELAY" in rules(changed(visits(), 11, start_on=day))) is late


def test_lots_are_numbered_for_each_organism() -> None:
    """B2-TWICE: the same lot number twice for one organism is refused, for two organisms it is not."""
    lot = visits().records[1:18]
    first = visits().records[0]
    twice = B2File((first, *lot, *lot, visits().records[18]))
    assert ("B2-TWICE", 19, "1", "20-22", "lot") in findings(twice)
    other = changed(twice, 19, organism="998")
    assert ("B2-TWICE", 19, "1", "20-22", "lot") not in findings(other)


def test_a_concentrator_takes_files_for_any_scheme() -> None:
    """B2-RECIPIENT holds the address of a caisse; an OCT routes for all of them."""
    routed = changed(changed(visits(), 1, recipient_kind="OT", recipient="X"), 19, recipient_kind="OT", recipient="X")
    assert findings(routed) == []


def test_the_rank_of_other_schemes_is_free() -> None:
    """B2-RANK is of the general scheme: rank 003 of the agricultural one is accepted by hand."""
    assert sub_records().records[2].values["rank"] == "003"
    assert "B2-RANK" not in rules(sub_records())


def test_zones_of_uncertain_meaning_may_hold_what_was_seen() -> None:
    """B2-LOT-PART: the generator repeats the total where we read the AMO part; both pass."""
    assert findings(changed(visits(), 18, total_amo=13540)) == []


def test_all_findings_come_at_once_in_the_order_of_the_file() -> None:
    """One list for whoever corrects the file."""
    file = changed(changed(changed(visits(), 9, lines=3), 4, pathway="Z"), 19, lots=2)
    assert [(one[0], one[1]) for one in findings(file)] == [("B2-CODE", 4), ("B2-COUNT", 9), ("B2-FILE-COUNT", 19)]


def test_warnings_alone_leave_a_file_sound() -> None:
    """What may be right is told and does not stop a file."""
    warned = check(changed(visits(), 18, total_amc=1))
    assert [one.rule.severity for one in warned] == ["warning"]
    assert is_sound(warned)
    assert not is_sound(check(changed(visits(), 9, lines=3)))
    assert is_sound(check_bytes(by_hand("visits")))


def test_a_file_without_an_end_is_judged_as_far_as_it_goes() -> None:
    """Lots and invoices that stay open, and records out of them, give findings and no crash."""
    for length in range(len(visits().records)):
        told(check(B2File(visits().records[:length])))
    stray = B2File(tuple(reversed(visits().records)))
    assert "B2-ORDER" in rules(stray)
    assert len(RECORDS) == 18
