"""Sealed sheets projected into B2: exact, checked, refused where B2 cannot carry them; and read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.b2 import B2Error, B2File, ProjectionError, Shipment, check, check_projection, project, read_invoices
from fse.b2.sheet_limits import digits_of_finess
from fse.identifiers import Nir
from fse.seals import open_sheet
from fse.sheet import Accident, Beneficiary, Cause, Illness, Imaging, Line, Maternity, MaternityFrom, Prescriber
from fse.sheet_xml import read_sheet
from tests.fse import sheet_builders as build
from tests.fse.b2_files import SHIPMENT, changed, inserted, without

BY_HAND = [
    # the sheet of sheet_builders.example_sheet, zone by zone from the layouts
    "000TE00000629990011FSESIMCT00000001000999      TRA00001250305CP  B2 NUT" + " " * 11 + "128" + " " * 43,
    "1629990011      9990032236005PMI SIMULATION" + " " * 26 + "B2250305 CP 062007U" + " " * 40,
    "2629990011 18503620419997800000000000710000000000199900000000000000000000000" + "103" + "0" * 6 + "0" * 9 + " "
    + "2105021" + "0" * 6 + "0" * 6 + "00" + "00" + " " * 10,
    "4629990011 185036204199978000000000007" + "00000" + "0" * 9 + "  00629990003" + "0000" + "250304" + "COD  " + "01"
    + "000000" + "00" + "0003500" + "0003500" + "100" + "0003500" + "0003500" + " " + "000000",
    "4629990011 185036204199978000000007S01  " + "0" * 7 + " " + "0" * 7 + " " * 15 + " " + "0" * 28 + " " + "0" * 5
    + "0" * 14 + "0" * 4 + " " * 5,
    "4629990011 185036204199978000000007E01" + "0" * 11 + " " * 14 + "99700000013" + "629990003     " + " " * 40,
    "5629990011 185036204199978000000000007003" + "0" * 16 + "00003500" + "00003500" + "0" * 8 + "0" * 16 + " " * 17
    + "0" * 8 + " " * 6,
    "6629990011001000100010010000035000000035000000000000" + "03" + " " * 74,
    "999TE00000629990011FSESIMCT00000001000999      TRA0000100000009 " + " " * 18 + "001" + "0" * 11 + " " + "0" * 11
    + " " * 20,
]  # fmt: skip


@pytest.mark.parametrize("sealed", [build.secured, build.degraded])
def test_a_sealed_sheet_becomes_the_file_worked_by_hand(sealed: Any) -> None:  # noqa: ANN401 - a cached builder
    """Secured and degraded sheets give the same characters: B2 has no place for the mode."""
    sheet = read_sheet(open_sheet(sealed().encode()).payload)
    written = project([sheet], SHIPMENT).encode().decode()
    assert [written[start : start + 128] for start in range(0, len(written), 128)] == BY_HAND
    assert check(project([sheet], SHIPMENT)) == ()


def lines() -> st.SearchStrategy[Line]:
    """Return acts that B2 can carry."""
    return st.builds(
        lambda code, fee, rate, quantity, coefficient, exemption: Line(
            on=build.TODAY,
            code=code,
            fee_cents=fee,
            rate_percent=rate,
            amo_cents=fee * rate // 100,
            quantity=quantity,
            coefficient=coefficient,
            exemption=exemption,
        ),
        st.sampled_from(["COD", "COE", "C", "SP", "FHV"]),
        st.integers(0, 9_999_999),
        st.sampled_from([0, 60, 65, 70, 100]),
        st.integers(1, 99),
        st.none() | st.decimals("0.01", "999.99", places=2),
        st.none() | st.sampled_from("013C"),
    )


COVERS = st.sampled_from(
    [
        Illness("0"),
        Illness("4"),
        Maternity(MaternityFrom.DELIVERY, date(2025, 2, 1)),
        Accident(on=date(2025, 3, 3)),
        Accident(number="12345"),
    ]
)
BENEFICIARIES = st.sampled_from(
    [None, Beneficiary(birth_date=date(2021, 5, 2), birth_rank=2), Beneficiary(nir=Nir.parse("221056204199794"))]
)


@given(
    st.lists(st.tuples(st.lists(lines(), min_size=1, max_size=4), COVERS, BENEFICIARIES), min_size=1, max_size=3),
    st.sampled_from([None, Cause.NO_CARD]),
)
def test_what_b2_carries_comes_back(facts: list[Any], cause: Cause | None) -> None:
    """Project, write, read: every item that B2 has a place for is that of the sheet, for any sheet that it takes."""
    sheets = [
        build.example_sheet(cause, number=number, lines=tuple(acts), cover=cover, beneficiary=who)
        for number, (acts, cover, who) in enumerate(facts, start=7)
    ]
    file = B2File.decode(project(sheets, SHIPMENT).encode())
    check_projection(file, sheets)
    for sheet, back in zip(sheets, read_invoices(file), strict=True):
        assert (back.number, back.insured, back.beneficiary) == (sheet.number, sheet.insured, sheet.beneficiary)
        assert (back.organism, back.biller) == (sheet.organism, sheet.professional.biller)
        assert (back.rpps, back.structure) == (sheet.professional.rpps, sheet.professional.structure)
        assert back.lines == sheet.lines
        assert (back.total_cents, back.advance_cents) == (sheet.total_cents, sheet.advance_cents)
        nature = {Illness: "10", Maternity: "30", Accident: "41"}[type(sheet.cover)]
        assert back.nature == nature
        assert back.exemption == (sheet.cover.exemption if isinstance(sheet.cover, Illness) else "0")


def test_accident_prescriber_agreement_and_device_have_their_place() -> None:
    """Each goes to its zone: 2 86-94, 4E 39-49, 4S 49-54, 4S 101-105 and 106-119."""
    sheet = build.example_sheet(
        cover=Accident(on=date(2025, 3, 3)),
        prescriber=Prescriber("99700000021", date(2025, 3, 1)),
        prior_agreement=date(2025, 2, 20),
        imaging=Imaging(12, "4711"),
    )
    text = project([sheet], SHIPMENT).encode().decode()
    start, more, ids = text[256:384], text[512:640], text[640:768]
    assert start[85:94] == "000250303"
    assert ids[38:49] == "99700000021"
    assert more[48:54] == "250220"
    assert (more[100:105], more[105:119]) == ("00012", "00000000004711")
    back = read_invoices(B2File.decode(text.encode()))[0]
    assert (back.prescriber_rpps, back.prior_agreement, back.accident) == (
        "99700000021", date(2025, 2, 20), "000250303",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fee", "quantity", "coefficient", "expected"),
    [(3840, 1, Decimal(12), 320), (7680, 2, Decimal(12), 320), (3500, 1, None, 3500), (100, 3, None, 0)],
)
def test_the_unit_price_is_whole_or_absent(fee: int, quantity: int, coefficient: Decimal | None, expected: int) -> None:
    """SP 12 at 3.20 is 38.40; 1.00 for three is no whole price, and none is invented."""
    act = replace(
        build.example_sheet().lines[0], fee_cents=fee, amo_cents=fee, quantity=quantity, coefficient=coefficient
    )
    file = project([build.example_sheet(lines=(act,))], SHIPMENT)
    assert file.records[3].values["unit_price"] == expected


def test_professions_become_specialties() -> None:
    """A midwife is 21, a nurse 24; a doctor's specialty is not in the sheet."""
    for profession, code in (("sage-femme", "21"), ("infirmier", "24"), ("medecin", None)):
        who = replace(build.example_sheet().professional, profession=profession)
        assert project([build.example_sheet(professional=who)], SHIPMENT).records[3].values["specialty"] == code


def test_a_corsican_finess_is_written_in_digits() -> None:
    """2A0002689 is 200102689 (FIDES-TF), 2B likewise with 02."""
    assert digits_of_finess("2A0002689") == "200102689"
    assert digits_of_finess("2B0002689") == "200202689"
    assert digits_of_finess("629990003") == "629990003"


ACT = build.example_sheet().lines[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": (replace(ACT, travel_cents=250),)},
        {"lines": (replace(ACT, mileage=(3, 180)),)},
        {"lines": (replace(ACT, excess="DE"),)},
        {"lines": (replace(ACT, modifiers=("F",)),)},
        {"lines": (replace(ACT, tooth="11"),)},
        {"lines": (replace(ACT, code="DEQP003"),)},
        {"lines": (replace(ACT, code="C+"),)},
        {"lines": (replace(ACT, fee_cents=10_000_000),)},
        {"lines": (replace(ACT, coefficient=Decimal("1.005")),)},
        {"cover": Accident(number="1234567890")},
        {"cover": Accident(number="AT-12")},
        {"cover": Accident(number="000")},
        {"imaging": Imaging(1, "SN-4711")},
        {"organism": "889990000"},
    ],
)
def test_what_b2_cannot_carry_refuses_the_sheet(changes: dict[str, Any]) -> None:
    """B2-PROJECTION: a sheet is refused rather than bent; its number says which one."""
    with pytest.raises(ProjectionError) as caught:
        project([build.example_sheet(**changes)], SHIPMENT)
    assert (caught.value.rule.id, caught.value.facts["number"]) == ("B2-PROJECTION", "000000007")
    assert caught.value.message("en")
    assert check(project([build.example_sheet()], SHIPMENT)) == ()


def test_one_file_is_of_one_biller_caisse_and_mode() -> None:
    """B2-MIXED: a file that mixed them could not say which is which."""
    one = build.example_sheet()
    other = build.example_sheet(number=8)
    assert len(read_invoices(project([one, other], SHIPMENT))) == 2
    biller = replace(one.professional, biller="629990003")
    for bad in ([], [one, replace(other, organism="019980000")], [one, build.example_sheet(Cause.NO_CARD, number=8)],
                [one, replace(other, professional=biller)]):  # fmt: skip
        with pytest.raises(ProjectionError) as caught:
            project(bad, SHIPMENT)
        assert caught.value.rule.id == "B2-MIXED"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"day": date(2025, 3, 3)}, "B2-DATES"),  # before the act
        ({"lot": 1000}, "B2-WIDTH"),
        ({"biller_name": "Élégant"}, "B2-CHARSET"),
        ({"file_id": "A0000001"}, "B2-WIDTH"),
        ({"flow": "X"}, "B2-CODE"),
    ],
)
def test_a_projection_is_checked_before_it_is_given(changes: dict[str, Any], rule: str) -> None:
    """What is given by hand around the sheets is held to the same rules."""
    with pytest.raises(B2Error) as caught:
        project([build.example_sheet()], replace(SHIPMENT, **changes))
    assert caught.value.rule.id == rule


def test_a_sheet_of_two_days_of_care_passes_with_a_warning() -> None:
    """B2-CARE-DATE: a series may hold several days, so the file is made; `check` tells it."""
    acts = (replace(ACT, on=date(2025, 3, 3)), ACT)
    file = project([build.example_sheet(lines=acts)], SHIPMENT)
    assert [one.rule.id for one in check(file)] == ["B2-CARE-DATE"]


def test_the_same_sheet_twice_is_refused() -> None:
    """B2-TWICE: an invoice number stands once in a file."""
    with pytest.raises(B2Error) as caught:
        project([build.example_sheet(), build.example_sheet()], SHIPMENT)
    assert caught.value.rule.id == "B2-TWICE"


def test_a_file_that_is_not_the_projection_of_its_sheets_is_refused() -> None:
    """B2-NOT-PROJECTION: the sealed sheets prevail, so that B2 is never believed alone."""
    sheets = [build.example_sheet()]
    file = project(sheets, SHIPMENT)
    check_projection(file, sheets)
    bare = Shipment(day=SHIPMENT.day, file_id="B1", lot=9, biller_name="", program="", flow="", category="")
    check_projection(project(sheets, bare), sheets)
    for bad, field in (
        (changed(file, 4, fee=3600), "fee"),
        (changed(file, 3, birth_rank="2"), "birth_rank"),
        (without(file, 6), ""),
        (without(file, 9), ""),
        (inserted(file, 9, 8), ""),
        (B2File((*file.records, file.records[8])), ""),
    ):
        with pytest.raises(B2Error) as caught:
            check_projection(bad, sheets)
        assert (caught.value.rule.id, caught.value.facts["field"]) == ("B2-NOT-PROJECTION", field)
    with pytest.raises(B2Error) as caught:
        check_projection(without(file, 1), sheets)
    assert caught.value.rule.id == "B2-ORDER"
