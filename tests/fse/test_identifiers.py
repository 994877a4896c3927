"""Identifiers: hand-checked vectors, and python-stdnum as a judge."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.fr import nir as judge

from fse.identifiers import (
    IdentifierError,
    Nir,
    NirKind,
    OrganismCode,
    check_cip,
    check_finess,
    check_rpps,
    is_luhn_valid,
    mask_nir,
    nir_key,
)

ASCII_DIGITS = "0123456789"
DEPARTMENTS = [f"{number:02d}" for number in range(1, 100)] + ["2A", "2B"]
MONTHS = [f"{number:02d}" for number in (*range(1, 13), *range(20, 43), *range(50, 100))]

numbers = st.builds(
    lambda first, year, month, department, rest: f"{first}{year:02d}{month}{department}{rest:06d}",
    st.sampled_from("123478"),
    st.integers(0, 99),
    st.sampled_from(MONTHS),
    st.sampled_from(DEPARTMENTS),
    st.integers(0, 999_999),
)


def refused(text: str) -> str:
    """Return the rule that refuses ``text`` as a NIR."""
    with pytest.raises(IdentifierError) as caught:
        Nir.parse(text, field="nir_assure")
    error = caught.value
    assert error.facts["field"] == "nir_assure"
    assert all("nir_assure" in error.message(language) for language in ("fr", "en"))
    assert str(error.facts["value"]).rstrip("*") in {"", text[:1]}
    return error.rule.id


@pytest.mark.parametrize(
    ("number", "key", "kind"),
    [
        ("2900762041998", "42", NirKind.ORDINARY),
        ("2210562041997", "94", NirKind.ORDINARY),
        ("1850362041999", "78", NirKind.ORDINARY),
        ("2555555351030", "08", NirKind.ANONYMOUS_IVG),
        ("2555555621030", "56", NirKind.ANONYMOUS_IVG),
        ("2555555623030", "93", NirKind.ANONYMOUS_IVG),
        ("2555555624030", "63", NirKind.ANONYMOUS_IVG),
        ("2555555681030", "02", NirKind.ANONYMOUS_IVG),
        ("2555555682030", "69", NirKind.ANONYMOUS_IVG),
        ("2555555999030", "65", NirKind.ANONYMOUS_IVG),
        ("2555555998030", "95", NirKind.ANONYMOUS_IVG),
        ("2555555351042", "93", NirKind.MINOR_CONTRACEPTION),
        ("2555555621042", "44", NirKind.MINOR_CONTRACEPTION),
        ("2555555623042", "81", NirKind.MINOR_CONTRACEPTION),
        ("2555555624042", "51", NirKind.MINOR_CONTRACEPTION),
        ("2555555682042", "57", NirKind.MINOR_CONTRACEPTION),
        ("2555555999042", "53", NirKind.MINOR_CONTRACEPTION),
    ],
)
def test_known_nir_keys(number: str, key: str, kind: NirKind) -> None:
    """The published fixtures keep their key and their kind, with and without the key."""
    assert nir_key(number) == key
    for text in (number, number + key):
        nir = Nir.parse(text)
        assert (nir.number, nir.key, nir.kind, nir.full) == (number, key, kind, number + key)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("1555555999030", NirKind.ANONYMOUS),
        ("2555555999123", NirKind.ANONYMOUS),
        ("2545555999030", NirKind.ORDINARY),
        ("2555554999030", NirKind.ORDINARY),
        ("2550155999030", NirKind.ORDINARY),
    ],
)
def test_anonymous_patterns_need_every_part(number: str, kind: NirKind) -> None:
    """A month of 55 alone never makes a number anonymous; the whole pattern does."""
    assert Nir.parse(number).kind is kind


@given(numbers)
@example("2530720001004")
def test_key_agrees_with_stdnum(number: str) -> None:
    """The key is the one that an independent library computes, Corsica included."""
    text = number + nir_key(number)
    assert judge.is_valid(text)
    assert Nir.parse(number).full == Nir.parse(text).full == text


@pytest.mark.parametrize("text", ["253072B07300470", "253072A07300443"])
def test_corsican_vectors(text: str) -> None:
    """2A counts as 19 and 2B as 18: vectors published with python-stdnum."""
    assert Nir.parse(text).key == text[13:]


@given(numbers, st.integers(0, 14), st.sampled_from(ASCII_DIGITS))
def test_one_changed_digit_is_refused(number: str, place: int, digit: str) -> None:
    """No single wrong digit of a NIR with its key goes through."""
    text = number + nir_key(number)
    changed = text[:place] + digit + text[place + 1 :]
    if changed != text and text[place] in ASCII_DIGITS:
        assert refused(changed) in {"NIR-KEY", "NIR-FORM", "NIR-FIRST-DIGIT", "NIR-MONTH", "NIR-DEPARTMENT"}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "NIR-FORM"),
        ("290076204199", "NIR-FORM"),
        ("29007620419984", "NIR-FORM"),
        ("2900762041998421", "NIR-FORM"),
        ("290076204199842 ", "NIR-FORM"),
        ("2 90 07 62 041 998", "NIR-FORM"),
        ("29007²2041998", "NIR-FORM"),
        ("2900762041998A2", "NIR-FORM"),
        ("290072C041998", "NIR-FORM"),
        ("0900762041998", "NIR-FIRST-DIGIT"),
        ("5900762041998", "NIR-FIRST-DIGIT"),
        ("9900762041998", "NIR-FIRST-DIGIT"),
        ("2900062041998", "NIR-MONTH"),
        ("2901362041998", "NIR-MONTH"),
        ("2901962041998", "NIR-MONTH"),
        ("2904362041998", "NIR-MONTH"),
        ("2904962041998", "NIR-MONTH"),
        ("2900700041998", "NIR-DEPARTMENT"),
        ("290076204199841", "NIR-KEY"),
        ("290076204199800", "NIR-KEY"),
    ],
)
def test_refused_nir(text: str, rule: str) -> None:
    """Each malformed NIR is refused by its own rule, with the field and a masked value."""
    assert refused(text) == rule


@pytest.mark.parametrize(("month", "warned"), [("12", False), ("20", False), ("30", False), ("31", True), ("42", True)])
def test_uncertain_months_are_accepted_and_said(month: str, *, warned: bool) -> None:
    """Months 31 to 42 have no sure source: accepted, with a warning."""
    warning = Nir.parse(f"290{month}62041998").warning
    assert (warning is not None) is warned
    if warning is not None:
        assert (warning.id, warning.severity) == ("NIR-MONTH-UNCERTAIN", "warning")


def test_the_key_must_belong_to_the_form() -> None:
    """The key function refuses what is not a NIR of 13 characters."""
    with pytest.raises(IdentifierError) as caught:
        nir_key("290076204199842")
    assert caught.value.rule.id == "NIR-FORM"


@given(numbers)
def test_nothing_prints_a_whole_nir(number: str) -> None:
    """Neither text, repr nor error of a NIR shows more than its first digit."""
    nir = Nir.parse(number)
    wrong = f"{number}{(int(nir.key) + 1) % 100:02d}"
    with pytest.raises(IdentifierError) as caught:
        Nir.parse(wrong)
    for shown in (str(nir), repr(nir), f"{nir}", str(caught.value), repr(caught.value), caught.value.message("en")):
        assert number[1:5] + number[5:] not in shown
        assert number[0] + "*" * 14 in shown


@pytest.mark.parametrize(
    ("text", "masked"),
    [("290076204199842", "2**************"), ("", ""), ("X2", "**"), ("7", "7"), ("1" * 400, "1" + "*" * 19)],
)
def test_mask(text: str, masked: str) -> None:
    """The mask keeps the first digit alone, and never grows with what was typed."""
    assert mask_nir(text) == masked


@given(st.text(ASCII_DIGITS, min_size=1, max_size=20))
def test_luhn_agrees_with_stdnum(digits: str) -> None:
    """The Luhn formula is the one of an independent library."""
    assert is_luhn_valid(digits) == luhn.is_valid(digits)
    assert is_luhn_valid(digits + luhn.calc_check_digit(digits))


@pytest.mark.parametrize("text", ["", "12a", "\u0660\u0660", "-18"])
def test_luhn_of_other_text(text: str) -> None:
    """What is not plain digits is never Luhn-valid."""
    assert not is_luhn_valid(text)


@pytest.mark.parametrize("text", ["226200012", "26620965900017"])
def test_luhn_of_public_bodies(text: str) -> None:
    """A published SIREN and a published SIRET pass."""
    assert is_luhn_valid(text)


@pytest.mark.parametrize("text", ["99700000013", "99700000021"])
def test_rpps_fixtures(text: str) -> None:
    """The synthetic RPPS numbers are accepted as they are."""
    assert check_rpps(text) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("99700000014", "RPPS-KEY"),
        ("9970000001", "RPPS-FORM"),
        ("997000000130", "RPPS-FORM"),
        ("9970000001A", "RPPS-FORM"),
    ],
)
def test_refused_rpps(text: str, rule: str) -> None:
    """A wrong RPPS is refused by form or key, masked."""
    with pytest.raises(IdentifierError) as caught:
        check_rpps(text, field="rpps_medecin")
    assert caught.value.rule.id == rule
    assert caught.value.facts == {"field": "rpps_medecin", "value": mask_nir(text)}


@pytest.mark.parametrize("text", ["629990003", "2A0002689", "200102689"])
def test_finess_fixtures(text: str) -> None:
    """The synthetic FINESS and the published Corsican pair (letter and digits) are accepted."""
    assert check_finess(text) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("629990004", "FINESS-KEY"),
        ("2B0002689", "FINESS-KEY"),
        ("62999000", "FINESS-FORM"),
        ("6299900033", "FINESS-FORM"),
        ("2C0002689", "FINESS-FORM"),
        ("62A990003", "FINESS-FORM"),
    ],
)
def test_refused_finess(text: str, rule: str) -> None:
    """A wrong FINESS is refused by form or key, masked."""
    with pytest.raises(IdentifierError) as caught:
        check_finess(text, field="finess_site")
    assert caught.value.rule.id == rule
    assert caught.value.facts == {"field": "finess_site", "value": mask_nir(text)}


def test_organism_code_parts() -> None:
    """A code organisme splits into régime, caisse and centre, and prints as nine digits."""
    code = OrganismCode.parse("919990506")
    assert (code.regime, code.caisse, code.centre, str(code)) == ("91", "999", "0506", "919990506")
    assert code == OrganismCode("91", "999", "0506")
    assert OrganismCode.parse("019980000") < OrganismCode.parse("019990000") < code


@pytest.mark.parametrize("text", ["", "01999000", "0199900000", "01999000A", "01 999 0000"])
def test_refused_organism_code(text: str) -> None:
    """A code organisme of another form is refused with its field."""
    with pytest.raises(IdentifierError) as caught:
        OrganismCode.parse(text, field="caisse")
    assert caught.value.rule.id == "ORGANISM-FORM"
    assert caught.value.facts == {"field": "caisse", "value": mask_nir(text)}


@pytest.mark.parametrize("parts", [("0", "19990", "000"), ("019", "99", "0000"), ("01", "999", "")])
def test_organism_code_needs_each_part_in_its_length(parts: tuple[str, str, str]) -> None:
    """Parts built by hand are held to their own lengths, not only to nine digits in all."""
    with pytest.raises(IdentifierError) as caught:
        OrganismCode(*parts)
    assert caught.value.rule.id == "ORGANISM-FORM"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("340093513734", "CIP-FORM"),
        ("34009351373400", "CIP-FORM"),
        ("3500935137340", "CIP-FORM"),
        ("340093513734O", "CIP-FORM"),
        ("3400935137341", "CIP-KEY"),
        ("3400935173340", "CIP-KEY"),
    ],
)
def test_a_cip_has_its_form_and_its_key(text: str, rule: str) -> None:
    """The CIP13 of a vaccine: three public ones hold; a digit more, less, wrong or swapped does not."""
    for known in ("3400935137340", "3400927350368", "3400930056202"):
        assert check_cip(known) == known
    with pytest.raises(IdentifierError) as caught:
        check_cip(text)
    assert (caught.value.rule.id, caught.value.facts["field"]) == (rule, "cip")
