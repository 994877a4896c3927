"""The XML of the sheet: every item there and back, one writing only, and version 1 readable for ever."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import schemas
from fse import safe_xml
from fse.errors import FseError
from fse.identifiers import Nir
from fse.seals import open_sheet, verify_sheet
from fse.sheet import (
    Accident,
    Beneficiary,
    Cause,
    Illness,
    Imaging,
    Line,
    Maternity,
    MaternityFrom,
    Mode,
    Prescriber,
    Professional,
    Sheet,
)
from fse.sheet_xml import read_sheet, write_sheet
from fse.trust import TrustStore
from tests.fse.sheet_builders import TODAY, example_sheet

GOLDEN = Path(__file__).parent / "data" / "sheet-1"

days = st.dates(date(2015, 1, 1), date(2049, 12, 31))
cents = st.integers(0, 999_999)
texts = st.from_regex(r"[A-Za-z0-9.-]{1,20}", fullmatch=True)
names = st.from_regex(r"[A-Za-zÀ-ÖØ-öø-ÿ][A-Za-zÀ-ÖØ-öø-ÿ'’ -]{0,49}", fullmatch=True)
exemptions = st.sampled_from("012345679C")
nirs = st.sampled_from(
    ["185036204199978", "290076204199842", "221026204199647", "2850362041999", "195112A004998", "195112B004997"]
).map(Nir.parse)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Give what ``strategy`` gives, or None: an optional item."""
    return st.none() | strategy


@st.composite
def lines(draw: st.DrawFn, last: date) -> Line:
    """Give an act (item 9) with any of its optional items."""
    fee = draw(cents)
    return Line(
        on=draw(st.dates(date(2015, 1, 1), last)),
        code=draw(st.from_regex(r"[A-Z0-9][A-Z0-9+]{0,9}", fullmatch=True)),
        fee_cents=fee,
        rate_percent=draw(st.integers(0, 100)),
        amo_cents=draw(st.integers(0, fee)),
        quantity=draw(st.integers(1, 99)),
        coefficient=draw(maybe(st.decimals(Decimal("0.01"), Decimal("999.99"), places=2))),
        modifiers=tuple(draw(st.lists(st.from_regex(r"[A-Z0-9]{1,2}", fullmatch=True), max_size=4))),
        tooth=draw(maybe(st.from_regex(r"[1-8][1-8]", fullmatch=True))),
        excess=draw(maybe(st.sampled_from(["DE", "DA", "DM", "ED"]))),
        travel_cents=draw(maybe(cents)),
        mileage=draw(maybe(st.tuples(st.integers(1, 99), cents))),
        exemption=draw(maybe(exemptions)),
    )


covers = (
    st.builds(Illness, exemptions, maybe(days), maybe(texts))
    | st.builds(Maternity, st.sampled_from(MaternityFrom), days)
    | st.builds(Accident, number=texts)
    | st.builds(Accident, on=days)
)
professionals = st.builds(
    Professional,
    st.sampled_from(["99700000013", "99700000021", "99700000039"]),
    names,
    names,
    st.sampled_from(["medecin", "sage-femme", "infirmier"]),
    st.sampled_from(["629990003", "629990011", "2A0002689"]),
    st.just("629990011"),
)
beneficiaries = st.builds(Beneficiary, nir=nirs) | st.builds(Beneficiary, birth_date=days, birth_rank=st.integers(1, 9))


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """Give any sheet: the three natures, both modes with their causes, every optional item there or not."""
    drawn_up = draw(days)
    acts = draw(st.lists(lines(drawn_up), min_size=1, max_size=20))
    return Sheet(
        number=draw(st.integers(0, 999_999_999)),
        drawn_up_on=drawn_up,
        order=draw(st.integers(1, 9999)),
        delay_from=draw(st.dates(max(act.on for act in acts), drawn_up)),
        specification=draw(texts),
        mode=Mode(draw(maybe(st.sampled_from(Cause)))),
        titre=draw(st.sampled_from(["I", "II"])),
        insured=draw(nirs),
        beneficiary=draw(maybe(beneficiaries)),
        organism=draw(st.from_regex(r"[0-9]{9}", fullmatch=True)),
        professional=draw(professionals),
        cover=draw(covers),
        lines=tuple(acts),
        prescriber=draw(maybe(st.builds(Prescriber, st.just("99700000021"), days))),
        prior_agreement=draw(maybe(days)),
        imaging=draw(maybe(st.builds(Imaging, st.integers(1, 9999), texts))),
        sent_to_complementary=draw(st.booleans()),
    )


# ------------------------------------------------------------------------------------------------------- there and back


@given(sheets())
def test_a_sheet_comes_back_as_it_was_written(sheet: Sheet) -> None:
    """No item is lost, added or changed by writing and reading."""
    assert read_sheet(write_sheet(sheet)) == sheet


@given(sheets())
def test_what_is_written_is_canonical_and_valid(sheet: Sheet) -> None:
    """Its own canonical form (lxml, inclusive too), and valid under the published schema, outside our reader."""
    data = write_sheet(sheet)
    root = etree.fromstring(data)
    assert etree.tostring(root, method="c14n") == data
    etree.XMLSchema(etree.fromstring(schemas.read_bytes("xsd/feuille-1.xsd"))).assertValid(root)


@given(sheets())
def test_the_totals_are_the_sums_of_the_lines(sheet: Sheet) -> None:
    """Items 12 and 13, summed here from the XML: fees and allowances, and the part of the compulsory insurance."""
    root = etree.fromstring(write_sheet(sheet))

    def total(*items: str) -> int:
        found = root.xpath(" | ".join(f"//*[local-name()='{item}']" for item in items))
        assert isinstance(found, list)
        return sum(int(one.text) for one in found)

    assert total("montant_total_facture") == total("montant_honoraires", "indemnite_deplacement", "montant")
    assert total("montant_dispense_avance") == total("montant_amo")


def test_equal_sheets_are_equal_bytes() -> None:
    """2.50 and 2.5 are one coefficient: one content has one writing, which the cards sign."""
    (line,) = example_sheet().lines
    first, second = (
        write_sheet(example_sheet(lines=(replace(line, coefficient=Decimal(text)),))) for text in ("2.50", "2.5")
    )
    assert first == second
    assert b"<coefficient>2.5</coefficient>" in first
    assert b"<coefficient>10</coefficient>" in write_sheet(
        example_sheet(lines=(replace(line, coefficient=Decimal("10.0")),))
    )


# ---------------------------------------------------------------------------------------------------- one writing only


def refusal(data: bytes) -> FseError:
    """Return why ``data`` is no sheet."""
    with pytest.raises(FseError) as caught:
        read_sheet(data)
    return caught.value


WRITTEN = write_sheet(example_sheet())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("><numero_fse>", ">\n<numero_fse>", id="white space"),
        pytest.param("<mention>", "<!-- seen --><mention>", id="comment"),
        pytest.param("<mention>", "<?seen?><mention>", id="processing instruction"),
        pytest.param("1.40", "1.<!-- x -->40", id="comment inside a value"),
        pytest.param("1.40", "1&#46;40", id="character reference"),
        pytest.param("1.40", "<![CDATA[1.40]]>", id="CDATA"),
        pytest.param("<feuille xmlns", "<?xml version='1.0'?><feuille xmlns", id="XML declaration"),
        pytest.param("</feuille>", "</feuille>\n", id="line after the end"),
        pytest.param("<securise></securise>", "<securise/>", id="empty element"),
        pytest.param("<feuille ", '<feuille xmlns:x="urn:x" ', id="unused namespace"),
        pytest.param("<mention>", '<mention xmlns="urn:fse-sim:feuille:1">', id="namespace said again"),
        pytest.param("<mention", "<mention ", id="space in a tag"),
        pytest.param("total_facture>3500", "total_facture>3501", id="total"),
        pytest.param("dispense_avance>3500", "dispense_avance>0", id="advance"),
        pytest.param(">1</numero_ordre>", ">01</numero_ordre>", id="leading zero"),
        pytest.param(">1</numero_ordre>", ">+1</numero_ordre>", id="sign"),
        pytest.param(">1</numero_ordre>", "> 1</numero_ordre>", id="space before a number"),
        pytest.param(">1</numero_ordre>", f">{'0' * 5000}1</numero_ordre>", id="number of 5000 digits"),
        pytest.param("<date_elaboration>2025", "<date_elaboration> 2025", id="space before a date"),
        pytest.param("<transmis_amc>false", "<transmis_amc>0", id="0 for false"),
    ],
)
def test_another_writing_of_the_same_content_is_refused(old: str, new: str) -> None:
    """The schema allows these; the signature covers one writing, so only one is a sheet."""
    assert WRITTEN.decode().count(old) == 1
    changed = WRITTEN.decode().replace(old, new).encode()
    safe_xml.parse(changed, "feuille-1")
    error = refusal(changed)
    assert (error.rule.id, error.facts) == ("XML-WRITING", {"schema": "feuille-1"})


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        pytest.param('xmlns="urn:fse-sim:feuille:1"', 'xmlns="urn:fse-sim:feuille:2"', "SHEET-VERSION", id="version 2"),
        pytest.param("<feuille xmlns=", "<p:feuille xmlns:p=", "SHEET-VERSION", id="prefix"),
        pytest.param(WRITTEN.decode(), "", "SHEET-VERSION", id="nothing"),
        pytest.param("<feuille ", "<feuilles ", "XML-FORM", id="tags"),
        pytest.param("<titre>I<", "<titre>III<", "XML-SCHEMA", id="schema"),
        pytest.param("<cle>78", "<cle>79", "NIR-KEY", id="key of the NIR"),
        pytest.param("<montant_honoraires>3500", "<montant_honoraires>0", "XML-WRITING", id="fee"),
    ],
)
def test_what_is_no_sheet_is_refused_by_its_rule(old: str, new: str, rule: str) -> None:
    """The reader says which rule, from the version down to the identifiers."""
    assert old in WRITTEN.decode()
    assert refusal(WRITTEN.decode().replace(old, new, 1).encode()).rule.id == rule


def test_the_order_of_attributes_and_elements_is_fixed() -> None:
    """Attributes are none but the namespace; elements come in the order of the schema."""
    root = etree.fromstring(WRITTEN)
    assert [dict(one.attrib) for one in root.iter() if one.attrib] == []
    root.insert(1, root[2])
    assert refusal(safe_xml.canonical(root)).rule.id == "XML-SCHEMA"


def test_every_letter_of_a_name_that_is_typed_can_be_written() -> None:
    """The encounter's JSON Schema and the sheet's XSD know the same letters: no consultation stops at the signature."""
    facts = json.loads(schemas.read_text("encounter-1.schema.json"))
    pattern = facts["$defs"]["Person"]["properties"]["family_name"]["pattern"]
    (first, rest) = re.fullmatch(r"\^(\[.*\])(\[.*\])\*\$", pattern).groups()  # type: ignore[union-attr]  # or it fails
    characters = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    letters = "".join(re.findall(first, characters))
    assert {"A", "z", "É", "ÿ", "Œ", "Ễ", "ẞ", "Ɏ"} <= set(letters)
    assert set(re.findall(rest, characters)) - set(letters) == set("'’ -")
    xsd = etree.XMLSchema(etree.fromstring(schemas.read_bytes("xsd/feuille-1.xsd")))
    for start in range(0, len(letters), 50):
        name = letters[start : start + 50]
        professional = replace(example_sheet().professional, family_name=name, first_name=f"A{name[:46]}'’-")
        written = write_sheet(example_sheet(professional=professional))
        assert xsd.validate(etree.fromstring(written)), name
        assert read_sheet(written).professional == professional
    for other in ("Ω", "Ж", "1", "ǅ\u0301", "\u1efa", "[", "×"):
        with pytest.raises(FseError) as caught:
            write_sheet(example_sheet(professional=replace(example_sheet().professional, family_name=f"A{other}")))
        assert caught.value.rule.id == "XML-SCHEMA"


# --------------------------------------------------------------------------------------------- what cannot be written


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"lines": ()}, "XML-SCHEMA"),
        ({"lines": example_sheet().lines * 21}, "XML-SCHEMA"),
        ({"number": 1_000_000_000}, "XML-SCHEMA"),
        ({"number": -1}, "XML-SCHEMA"),
        ({"titre": "III"}, "XML-SCHEMA"),
        ({"specification": "1\0"}, "XML-WRITING"),
        ({"cover": Accident()}, "XML-SCHEMA"),
        ({"cover": Accident(number="A1", on=TODAY)}, "XML-WRITING"),
        ({"beneficiary": Beneficiary()}, "XML-SCHEMA"),
        ({"beneficiary": Beneficiary(nir=Nir.parse("221026204199647"), birth_rank=1)}, "XML-WRITING"),
        ({"delay_from": TODAY - timedelta(days=1)}, "SHEET-DATES"),
        ({"delay_from": TODAY + timedelta(days=1)}, "SHEET-DATES"),
        ({"drawn_up_on": TODAY - timedelta(days=1)}, "SHEET-DATES"),
        ({"prescriber": Prescriber("99700000014", TODAY)}, "RPPS-KEY"),
        ({"professional": replace(example_sheet().professional, rpps="99700000014")}, "RPPS-KEY"),
        ({"professional": replace(example_sheet().professional, structure="629990004")}, "FINESS-KEY"),
        ({"professional": replace(example_sheet().professional, biller="629990012")}, "FINESS-KEY"),
        ({"lines": (replace(example_sheet().lines[0], amo_cents=3501),)}, "SHEET-PART"),
    ],
)
def test_a_sheet_that_breaks_a_rule_is_not_written(changes: dict[str, Any], rule: str) -> None:
    """No card signs what a caisse would refuse, and no item disappears between the value and the XML."""
    with pytest.raises(FseError) as caught:
        write_sheet(example_sheet(**changes))
    assert caught.value.rule.id == rule


ANONYMOUS_IVG = Nir.parse("2555555999030")
MINOR = Nir.parse("2555555999042")
OTHER_PATTERN = Nir.parse("1555555999123")


@pytest.mark.parametrize(
    ("nir", "cause", "accepted"),
    [
        (ANONYMOUS_IVG, None, False),
        (ANONYMOUS_IVG, Cause.NO_CARD, False),
        (ANONYMOUS_IVG, Cause.SECRET, False),
        (OTHER_PATTERN, Cause.SECRET, False),
        (MINOR, None, False),
        (MINOR, Cause.NO_CARD, False),
        (MINOR, Cause.SECRET, True),
    ],
)
@pytest.mark.parametrize("who", ["insured", "beneficiary"])
def test_numbers_of_anonymous_care_do_not_travel(who: str, nir: Nir, cause: Cause | None, *, accepted: bool) -> None:
    """Convention 10.3.1: …030 never in a sheet; …042 only degraded for secrecy; whoever it stands for."""
    changes: dict[str, Any] = {"insured": nir} if who == "insured" else {"beneficiary": Beneficiary(nir=nir)}
    sheet = example_sheet(cause, **changes)
    if accepted:
        assert read_sheet(write_sheet(sheet)) == sheet
        return
    with pytest.raises(FseError) as caught:
        write_sheet(sheet)
    assert (caught.value.rule.id, caught.value.facts) == ("SHEET-ANONYMOUS", {"kind": nir.kind.value})


# --------------------------------------------------------------------------------------------------- version 1 for ever


def golden_trust() -> TrustStore:
    """Return the store that is kept beside the golden sheets."""
    folder = GOLDEN / "trust"
    return TrustStore.load({one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*.pem")})


GOLDEN_SECURED = Sheet(
    number=7,
    drawn_up_on=date(2025, 3, 4),
    order=1,
    delay_from=date(2025, 3, 4),
    specification="1.40",
    mode=Mode(),
    titre="I",
    insured=Nir("1850362041999", "78"),
    beneficiary=Beneficiary(birth_date=date(2021, 5, 2), birth_rank=1),
    organism="019990000",
    professional=Professional("99700000013", "MODELE", "Camille", "medecin", "629990003", "629990011"),
    cover=Illness("3"),
    lines=(Line(on=date(2025, 3, 4), code="COD", fee_cents=3500, rate_percent=100, amo_cents=3500),),
)
GOLDEN_DEGRADED = replace(
    GOLDEN_SECURED,
    number=8,
    order=2,
    mode=Mode(Cause.NO_CARD),
    beneficiary=None,
    insured=Nir("2900762041998", "42"),
    cover=Maternity(MaternityFrom.PREGNANCY_START, date(2024, 9, 1)),
    lines=(
        Line(
            on=date(2025, 3, 3),
            code="C",
            fee_cents=5750,
            rate_percent=100,
            amo_cents=5750,
            coefficient=Decimal("2.5"),
            modifiers=("MN", "F"),
            travel_cents=400,
            mileage=(12, 610),
        ),
        Line(on=date(2025, 3, 4), code="G", fee_cents=3000, rate_percent=70, amo_cents=2100, exemption="0"),
    ),
    prescriber=Prescriber("99700000021", date(2025, 2, 1)),
    prior_agreement=date(2025, 2, 2),
    imaging=Imaging(3, "APP-1"),
    sent_to_complementary=True,
)


@pytest.mark.parametrize(("name", "sheet"), [("secured", GOLDEN_SECURED), ("degraded", GOLDEN_DEGRADED)])
def test_version_1_stays_readable_and_its_seals_keep_holding(name: str, sheet: Sheet) -> None:
    """A sheet sealed by the first release opens, verifies and means the same in every later one."""
    file, payload = (GOLDEN / f"{name}.fse").read_bytes(), (GOLDEN / f"{name}.xml").read_bytes()
    found = verify_sheet(file, golden_trust(), datetime(2025, 3, 4, 12, tzinfo=UTC))
    assert found.sheet == sheet
    assert open_sheet(file).payload == payload
    assert read_sheet(payload) == sheet


@pytest.mark.parametrize(("name", "sheet"), [("secured", GOLDEN_SECURED), ("degraded", GOLDEN_DEGRADED)])
def test_version_1_is_written_as_it_was(name: str, sheet: Sheet) -> None:
    """As long as version 1 is written, its bytes do not change: a change is a version 2."""
    assert write_sheet(sheet) == (GOLDEN / f"{name}.xml").read_bytes()
