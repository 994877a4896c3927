"""
The sheet as canonical XML, and back.

One sheet has one writing: :func:`read_sheet` refuses bytes that :func:`write_sheet` would not have written. The format
is versioned by its namespace; a version that was once written stays readable.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from fse import safe_xml
from fse.identifiers import Nir
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
    SheetError,
    check_sheet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml import etree

__all__ = ["MENTION", "VERSIONS", "read_sheet", "write_sheet"]

MENTION = "SIMULATION - NON HOMOLOGUE"
"""What every document of the simulator says of itself."""

_NAMESPACE = "urn:fse-sim:feuille:1"
_Q = f"{{{_NAMESPACE}}}"
_HEAD_BYTES = 300


def write_sheet(sheet: Sheet) -> bytes:
    """
    Return the canonical XML of ``sheet``, in the current version: the bytes that the cards sign.

    Raises :class:`fse.safe_xml.XmlError` when an item has not the form that the schema asks (XML-SCHEMA) or no place
    in the document (XML-WRITING), and the errors of :func:`fse.sheet.check_sheet`.
    """
    data = _VERSION_1.write(sheet)
    check_sheet(sheet)
    return data


def read_sheet(data: bytes) -> Sheet:
    """
    Return the sheet written in ``data``.

    Raises :class:`SheetError` (SHEET-VERSION) for a version of the format that is not known, the errors of
    :meth:`fse.safe_xml.XmlFormat.read`, those of identifiers, and those of :func:`fse.sheet.check_sheet`.
    """
    version = next((known for mark, known in VERSIONS.items() if mark in data[:_HEAD_BYTES]), None)
    if version is None:
        raise SheetError("SHEET-VERSION", known=", ".join(mark.decode() for mark in VERSIONS))
    sheet = version.read(data)
    check_sheet(sheet)
    return sheet


def _e(name: str, *children: etree._Element | None, text: object = None) -> etree._Element:
    return safe_xml.element(_NAMESPACE, name, *children, text=None if text is None else str(text))


def _optional(name: str, value: object) -> etree._Element | None:
    return None if value is None else _e(name, text=value)


def _feuille(sheet: Sheet) -> etree._Element:
    return _e(
        "feuille",
        _e("mention", text=MENTION),
        _e("numero_fse", text=f"{sheet.number:09d}"),
        _e("date_elaboration", text=sheet.drawn_up_on),
        _e("numero_ordre", text=sheet.order),
        _e("date_depart_delai", text=sheet.delay_from),
        _e("cahier_des_charges", text=sheet.specification),
        _e("mode", _e("securise") if sheet.mode.cause is None else _e("degrade", text=sheet.mode.cause)),
        _e("titre", text=sheet.titre),
        _e("assure", _e("nir", text=sheet.insured.number), _e("cle", text=sheet.insured.key)),
        None if sheet.beneficiary is None else _e("beneficiaire", *_beneficiary(sheet.beneficiary)),
        _e(
            "organisme_servant",
            _e("regime", text=sheet.organism[:2]),
            _e("caisse", text=sheet.organism[2:5]),
            _e("centre", text=sheet.organism[5:]),
        ),
        _professional(sheet.professional),
        _prescriber(sheet.prescriber),
        _e("nature_assurance", _cover(sheet.cover)),
        *(_line(line) for line in sheet.lines),
        _optional("date_entente_prealable", sheet.prior_agreement),
        _imaging(sheet.imaging),
        _e("montant_total_facture", text=sheet.total_cents),
        _e("montant_dispense_avance", text=sheet.advance_cents),
        _e("unite_monetaire", text="EUR"),
        _e("transmis_amc", text="true" if sheet.sent_to_complementary else "false"),
    )


def _beneficiary(who: Beneficiary) -> tuple[etree._Element, etree._Element]:
    if who.nir is not None:
        return _e("nir", text=who.nir.number), _e("cle", text=who.nir.key)
    return _e("date_naissance", text=who.birth_date), _e("rang_naissance", text=who.birth_rank)


def _professional(who: Professional) -> etree._Element:
    return _e(
        "professionnel",
        _e("rpps", text=who.rpps),
        _e("nom", text=who.family_name),
        _e("prenom", text=who.first_name),
        _e("profession", text=who.profession),
        _e("structure", text=who.structure),
        _e("facturier", text=who.biller),
    )


def _prescriber(who: Prescriber | None) -> etree._Element | None:
    if who is None:
        return None
    return _e("prescripteur", _e("rpps", text=who.rpps), _e("date_prescription", text=who.prescribed_on))


def _cover(cover: Illness | Maternity | Accident) -> etree._Element:
    match cover:
        case Maternity(kind, on):
            return _e("maternite", _e(kind, text=on))
        case Accident(number, on):
            return _e("accident_travail", _optional("numero", number) if number else _e("date_accident", text=on))
    third_party = cover.accident_by_third_party
    return _e(
        "maladie",
        _e("cas_exoneration", text=cover.exemption),
        _e("accident_tiers", _e("non") if third_party is None else _e("date", text=third_party)),
        _optional("action_prevention", cover.prevention),
    )


def _line(line: Line) -> etree._Element:
    mileage = line.mileage
    return _e(
        "acte",
        _e("date_acte", text=line.on),
        _e("code_acte", text=line.code),
        _optional("numero_dent", line.tooth),
        _e("quantite", text=line.quantity),
        _optional("coefficient", None if line.coefficient is None else f"{line.coefficient.normalize():f}"),
        *(_e("modificateur", text=modifier) for modifier in line.modifiers),
        _e("montant_honoraires", text=line.fee_cents),
        _e("taux", text=line.rate_percent),
        _e("montant_amo", text=line.amo_cents),
        _optional("nature_depassement", line.excess),
        _optional("indemnite_deplacement", line.travel_cents),
        None
        if mileage is None
        else _e("indemnite_kilometrique", _e("nombre", text=mileage[0]), _e("montant", text=mileage[1])),
        _optional("cas_exoneration_acte", line.exemption),
    )


def _imaging(imaging: Imaging | None) -> etree._Element | None:
    if imaging is None:
        return None
    return _e("imagerie", _e("numero_ordre", text=imaging.order), _e("appareil", text=imaging.device))


def _text(parent: etree._Element, path: str) -> str:
    """Return the text of a child that the schema makes mandatory."""
    return parent.findtext(path.replace("/", f"/{_Q}").join((_Q, ""))) or ""


def _maybe(parent: etree._Element, name: str) -> str | None:
    return parent.findtext(_Q + name)


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)


def _sheet(root: etree._Element) -> Sheet:
    cause = root.findtext(f"{_Q}mode/{_Q}degrade")
    organism = "".join(_text(root, f"organisme_servant/{part}") for part in ("regime", "caisse", "centre"))
    return Sheet(
        number=int(_text(root, "numero_fse")),
        drawn_up_on=date.fromisoformat(_text(root, "date_elaboration")),
        order=int(_text(root, "numero_ordre")),
        delay_from=date.fromisoformat(_text(root, "date_depart_delai")),
        specification=_text(root, "cahier_des_charges"),
        mode=Mode(None if cause is None else Cause(cause)),
        titre=_text(root, "titre"),
        insured=Nir(_text(root, "assure/nir"), _text(root, "assure/cle"), "assure"),
        beneficiary=_read_beneficiary(root.find(_Q + "beneficiaire")),
        organism=organism,
        professional=_read_professional(root),
        cover=_read_cover(root),
        lines=tuple(_read_line(line) for line in root.findall(_Q + "acte")),
        prescriber=_read_prescriber(root.find(_Q + "prescripteur")),
        prior_agreement=_date(_maybe(root, "date_entente_prealable")),
        imaging=_read_imaging(root.find(_Q + "imagerie")),
        sent_to_complementary=_text(root, "transmis_amc") == "true",
    )


def _read_beneficiary(found: etree._Element | None) -> Beneficiary | None:
    if found is None:
        return None
    nir = _maybe(found, "nir")
    return Beneficiary(
        nir=None if nir is None else Nir(nir, _text(found, "cle"), "beneficiaire"),
        birth_date=_date(_maybe(found, "date_naissance")),
        birth_rank=_int(_maybe(found, "rang_naissance")),
    )


def _read_professional(root: etree._Element) -> Professional:
    names = ("rpps", "nom", "prenom", "profession", "structure", "facturier")
    return Professional(*(_text(root, f"professionnel/{name}") for name in names))


def _read_prescriber(found: etree._Element | None) -> Prescriber | None:
    if found is None:
        return None
    return Prescriber(_text(found, "rpps"), date.fromisoformat(_text(found, "date_prescription")))


def _read_cover(root: etree._Element) -> Illness | Maternity | Accident:
    maternity = root.find(f"{_Q}nature_assurance/{_Q}maternite")
    if maternity is not None:
        kind = next(kind for kind in MaternityFrom if _maybe(maternity, kind) is not None)
        return Maternity(kind, date.fromisoformat(_text(maternity, kind)))
    accident = root.find(f"{_Q}nature_assurance/{_Q}accident_travail")
    if accident is not None:
        return Accident(_maybe(accident, "numero"), _date(_maybe(accident, "date_accident")))
    third_party = root.findtext(f"{_Q}nature_assurance/{_Q}maladie/{_Q}accident_tiers/{_Q}date")
    prevention = root.findtext(f"{_Q}nature_assurance/{_Q}maladie/{_Q}action_prevention")
    return Illness(_text(root, "nature_assurance/maladie/cas_exoneration"), _date(third_party), prevention)


def _read_line(line: etree._Element) -> Line:
    coefficient, mileage = _maybe(line, "coefficient"), line.find(_Q + "indemnite_kilometrique")
    return Line(
        on=date.fromisoformat(_text(line, "date_acte")),
        code=_text(line, "code_acte"),
        fee_cents=int(_text(line, "montant_honoraires")),
        rate_percent=int(_text(line, "taux")),
        amo_cents=int(_text(line, "montant_amo")),
        quantity=int(_text(line, "quantite")),
        coefficient=None if coefficient is None else Decimal(coefficient),
        modifiers=tuple(found.text or "" for found in line.findall(_Q + "modificateur")),
        tooth=_maybe(line, "numero_dent"),
        excess=_maybe(line, "nature_depassement"),
        travel_cents=_int(_maybe(line, "indemnite_deplacement")),
        mileage=None if mileage is None else (int(_text(mileage, "nombre")), int(_text(mileage, "montant"))),
        exemption=_maybe(line, "cas_exoneration_acte"),
    )


def _read_imaging(found: etree._Element | None) -> Imaging | None:
    if found is None:
        return None
    return Imaging(int(_text(found, "numero_ordre")), _text(found, "appareil"))


_VERSION_1 = safe_xml.XmlFormat("feuille-1", _feuille, _sheet)

VERSIONS: Mapping[bytes, safe_xml.XmlFormat[Sheet]] = {b'xmlns="urn:fse-sim:feuille:1"': _VERSION_1}
"""Every version of the format that was ever written, by the namespace declaration at the head of the document."""
