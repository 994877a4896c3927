"""One of each paper form, for the tests and the pictures of the docs."""

from __future__ import annotations

from datetime import date
from typing import Any

from fse.documents import (
    ActLine,
    CareSheetPaper,
    Document,
    Form708,
    Form709,
    Invoice,
    Nobody,
    Patient,
    Place,
    Practitioner,
    Recap,
    Screening,
    Slip709,
    Vaccine,
    patient_copy,
)

DAY = date(2025, 3, 4)
PLACE = Place(
    finess="629990003",
    name="Centre de PMI d'Arras (simulation)",
    address="53 rue de Douai, 62000 Arras",
    biller="629990011",
)
DOCTOR = Practitioner(rpps="99700000013", family_name="MODELE", first_name="Camille", profession="medecin")
MIDWIFE = Practitioner(rpps="99700000021", family_name="EXEMPLAIRE", first_name="Dominique", profession="sage-femme")
FATHER = Patient(nir="185036204199978", family_name="DUTEST", first_name="Marc", birth_date=date(1985, 3, 12))
CHILD = Patient(family_name="DUTEST", first_name="Emma", birth_date=date(2021, 5, 2))
WOMAN = Patient(nir="290076204199842", family_name="LEXEMPLE", first_name="Claire", birth_date=date(1990, 7, 21))
EXAMINATION = ActLine(
    code="COD", label="Examen obligatoire de l'enfant", on=DAY, cents=3500, rate_percent=100, amo_cents=3500
)
IVG = (
    ActLine(code="FHV", label="Forfait médical, honoraires", on=DAY, cents=7400, rate_percent=100, amo_cents=7400),
    ActLine(code="FMV", label="Forfait médical, médicaments", on=DAY, cents=9653, rate_percent=100, amo_cents=9653),
)


def care_sheet(**changes: Any) -> CareSheetPaper:  # noqa: ANN401 - fields of any type
    """Return the paper of one child examination, or with changes."""
    facts: dict[str, Any] = {
        "form": "plain",
        "reason": "cps-unusable",
        "place": PLACE,
        "drawn_up_on": DAY,
        "practitioner": DOCTOR,
        "insured": FATHER,
        "beneficiary": CHILD,
        "organism": "019990000",
        "nature": "maladie",
        "exemption": "3",
        "lines": (EXAMINATION,),
        "total_cents": 3500,
        "amo_cents": 3500,
    }
    return CareSheetPaper(**(facts | changes))


def forms() -> dict[str, Document]:
    """Return one of each form, by name."""
    secret = {"insured": Nobody(nir="2555555999030"), "beneficiary": None, "lines": IVG}
    ivg = {"lines": IVG, "total_cents": 17053, "amo_cents": 17053, "exemption": "3"}
    return {
        "plain": care_sheet(),
        "twin": care_sheet(form="twin", reason="sans-carte", number="000000007"),
        "duplicata": care_sheet(form="duplicata", reason="reemission_window_over", number="000000007", lot="000003"),
        "anonymous": care_sheet(reason="ivg-anonymous", **(secret | ivg)),
        "patient-copy": patient_copy(care_sheet(insured=WOMAN, beneficiary=None, reason="", **ivg)),
        "form_708": Form708(
            place=PLACE,
            drawn_up_on=DAY,
            practitioner=MIDWIFE,
            insured=FATHER,
            beneficiary=CHILD,
            organism="019990000",
            lines=(
                Vaccine(label="PRIORIX", cip="3400935137340", on=DAY, cents=2000, rate_percent=100, amo_cents=2000),
                Vaccine(label="HEXYON", cip="3400927350368", on=DAY, cents=2901, rate_percent=65, amo_cents=1886),
            ),
            total_cents=4901,
            amo_cents=3886,
        ),
        "form_709": Form709(
            place=PLACE,
            drawn_up_on=DAY,
            practitioner=DOCTOR,
            lines=(
                Screening(label="Sérologie", nature="analyse", quotation="B 40", on=DAY, cents=1080),
                Screening(label="Antibiotique", nature="pharmacie", on=DAY, count=2, cents=1120),
            ),
            total_cents=2200,
        ),
        "slip_709": Slip709(
            place=PLACE,
            drawn_up_on=date(2025, 4, 1),
            organism="019990000",
            first_day=date(2025, 1, 1),
            last_day=date(2025, 3, 31),
            count=7,
            total_cents=12345,
        ),
        "recap": Recap(
            place=PLACE,
            drawn_up_on=DAY,
            organism="019990000",
            invoices=(
                Invoice(
                    finess="629990037",
                    rpps="99700000021",
                    performer="Dominique EXEMPLAIRE",
                    insured=WOMAN,
                    code="C",
                    on=DAY,
                    rate_percent=70,
                    cents=1610,
                ),
                Invoice(
                    finess="629990037",
                    rpps="99700000021",
                    performer="Dominique EXEMPLAIRE",
                    insured=Nobody(nir="2555555999030"),
                    code="FHV",
                    on=DAY,
                    rate_percent=100,
                    cents=7400,
                ),
            ),
            count=2,
            total_cents=9010,
            signed_by="Mission Prévention Maternité et Parentalité",
        ),
    }
