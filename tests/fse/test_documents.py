"""The paper forms as values: totals, what each must hold, who signs, what a patient's copy hides."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from fse.documents import Document, DocumentError, patient_copy, read_document
from fse.habilitations import HabilitationTable
from fse.tables import package_tables
from tests.fse.paper_forms import care_sheet, forms

FORMS = forms()
WHO = json.loads(FORMS["form_709"].model_dump_json())["practitioner"]


def changed(name: str, **changes: Any) -> str:  # noqa: ANN401 - fields of any type
    """Return the JSON of a form with changes."""
    return json.dumps(json.loads(FORMS[name].model_dump_json()) | changes)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_is_read_as_it_was_written(form: Document) -> None:
    """Protects the stored papers: one writing, read back to the same form."""
    assert read_document(form.model_dump_json()) == form
    assert form.mention == "SIMULATION - sans valeur, non homologué"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (changed("plain", total_cents=3501), "DOC-TOTAL"),
        (changed("plain", amo_cents=3499), "DOC-TOTAL"),
        (changed("form_708", total_cents=4900), "DOC-TOTAL"),
        (changed("form_708", amo_cents=4901), "DOC-TOTAL"),
        (changed("form_709", total_cents=2199), "DOC-TOTAL"),
        (changed("form_709", total_cents=None), "DOC-TOTAL"),
        (changed("recap", total_cents=9011), "DOC-TOTAL"),
        (changed("recap", count=1), "DOC-COUNT"),
        (changed("twin", number=None), "DOC-NUMBER"),
        (changed("duplicata", number=None), "DOC-NUMBER"),
        (changed("duplicata", reason=""), "DOC-REASON"),
        (changed("form_708", practitioner=WHO | {"profession": "infirmier"}), "DOC-SIGNATORY"),
        (changed("form_709", practitioner=WHO | {"profession": "sage-femme"}), "DOC-SIGNATORY"),
        (changed("plain", mention="à payer"), "DOC-FORM"),
        (changed("plain", lines=[]), "DOC-FORM"),
        (changed("plain", total_cents=-1), "DOC-FORM"),
        (changed("form_709", insured={"nir": "185036204199978"}), "DOC-FORM"),
        (changed("plain", form="invoice"), "DOC-FORM"),
        ("[]", "DOC-FORM"),
        ("{", "DOC-FORM"),
        (" " * 200_001, "DOC-FORM"),
    ],
)  # fmt: skip
def test_a_form_that_does_not_hold_is_refused(text: str, rule: str) -> None:
    """Protects the caisse from wrong sums, unsigned forms and identities where none may stand; no form is half read."""
    with pytest.raises(DocumentError) as caught:
        read_document(text)
    assert caught.value.rule.id == rule
    assert "185036204199978" not in caught.value.message("fr")


def test_amounts_of_a_screening_may_be_left_to_the_hand() -> None:
    """A 709 whose encounter gave no amounts has no total either, rather than a wrong one."""
    lines = [{"label": "Sérologie", "on": "2025-03-04"}]
    assert read_document(changed("form_709", lines=lines, total_cents=None)).total_cents is None


def test_the_patients_copy_says_forfait_medical_and_nothing_else() -> None:
    """Convention 10.3.1: 0 hits for FHV, FMV and IVG; the amounts stay; an ordinary act keeps its name."""
    copy = FORMS["patient-copy"]
    text = copy.model_dump_json()
    assert [one["label"] for one in json.loads(text)["lines"]] == ["Forfait médical", "Forfait médical"]
    assert not any(word in text for word in ("FHV", "FMV", "IVG", "médicaments", "honoraires"))
    assert [one.code for one in patient_copy(care_sheet()).lines] == ["COD"]


@pytest.mark.parametrize(
    ("organism", "box"), [("019990000", 1), ("029990000", 2), ("039990000", 3), ("919990506", 4), ("999990599", 4)]
)
def test_the_box_of_the_regime(organism: str, box: int) -> None:
    """Form 708: CPAM 1, MSA 2, RSI 3, SLM 4 (A15)."""
    assert package_tables().box_708(organism) == box


def test_only_a_function_entitled_that_day_attests() -> None:
    """DELEG-06: the six functions since 16 January 2023; another name, or the day before, is refused with the list."""
    table = package_tables().habilitations
    assert len(table.lines) == 6
    for line in table.lines:
        table.require(line.function, date(2023, 1, 16))
        with pytest.raises(DocumentError) as caught:
            table.require(line.function, date(2023, 1, 15))
        assert caught.value.rule.id == "DOC-FUNCTION"
    with pytest.raises(DocumentError) as caught:
        table.require("Le stagiaire", date(2025, 3, 4))
    assert "Mission Prévention Petite Enfance" in caught.value.to_do("fr")
    ended = "# label: x\nfunction,valid_from,valid_to,source,certainty,note\nA,2023-01-16,2023-12-31,own,U,\n"
    short = HabilitationTable.parse(ended)
    short.require("A", date(2023, 12, 31))
    with pytest.raises(DocumentError):
        short.require("A", date(2024, 1, 1))
