"""The forms as PDF: read back by pdftotext field by field, their structure by pypdf."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader

from fse.documents import CareSheetPaper, Document, DocumentError, Form708, Form709, Recap, Slip709, Vaccine
from fse.tables import package_tables
from gateway.cli.paper import paper as paper_command
from gateway.errors import GatewayError
from gateway.paper import render
from tests.fse.paper_forms import care_sheet, forms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

pytestmark = pytest.mark.interop

FORMS = forms()


@pytest.fixture
def text_of(tmp_path: Path, outside_program: Callable[[str], str]) -> Callable[[Document], str]:
    """Return what pdftotext reads in the PDF of a form, blanks made one."""
    pdftotext = outside_program("pdftotext")

    def read(form: Document) -> str:
        file = tmp_path / "form.pdf"
        file.write_bytes(render(form, package_tables()))
        done = subprocess.run([pdftotext, "-layout", file, "-"], capture_output=True, text=True, check=True, timeout=60)
        return re.sub(r"\s+", " ", done.stdout)

    return read


def euros(cents: int | None) -> str:
    """Return an amount as a French form prints it."""
    return "" if cents is None else f"{cents // 100},{cents % 100:02d} €"


def day(on: date | None) -> str:
    """Return a day as a French form prints it."""
    return "" if on is None else on.strftime("%d/%m/%Y")


def fields(form: Document) -> list[str]:  # noqa: C901 - four forms, each with its own fields
    """Return every value that the form must show."""
    shown = [form.mention, form.place.finess, form.place.name, form.place.address, form.place.biller]
    if isinstance(form, Slip709):
        shown += [form.organism, day(form.first_day), day(form.last_day), str(form.count), euros(form.total_cents)]
        return shown
    if not isinstance(form, Recap):
        who = form.practitioner
        shown += [who.rpps, who.family_name, who.first_name]
    if isinstance(form, Form709):
        for item in form.lines:
            word = {"analyse": "analyse", "pharmacie": "pharmacie"}[str(item.nature)]
            shown += [item.label, word, item.quotation, day(item.on), str(item.count), euros(item.cents)]
        return [*shown, euros(form.total_cents), "Signature du médecin", day(form.drawn_up_on)]
    shown += [form.organism, form.organism[5:], "CPAM de l'Artois (simulée)"]
    if isinstance(form, Recap):
        for one in form.invoices:
            name = one.insured.model_dump().get("family_name", "")
            shown += [one.finess, one.rpps, one.code, day(one.on), euros(one.cents), f"{one.rate_percent} %"]
            shown += [str(one.insured.nir), name, *one.performer.split()]
        return [*shown, str(form.count), euros(form.total_cents), "Service fait", form.signed_by, day(form.drawn_up_on)]
    for person in (form.insured, form.beneficiary):
        if person is not None:
            known = person.model_dump()
            shown += [str(known.get(name) or "") for name in ("nir", "family_name", "first_name")]
            shown.append(day(known.get("birth_date")))
    for line in form.lines:
        shown += [day(line.on), str(line.quantity), euros(line.cents), f"{line.rate_percent} %", euros(line.amo_cents)]
        shown += [line.label, line.cip if isinstance(line, Vaccine) else line.code]
    shown += [euros(form.total_cents), euros(form.amo_cents)]
    if isinstance(form, CareSheetPaper):
        shown += [
            str(form.number or ""),
            str(form.lot or ""),
            {"maladie": "maladie", "maternite": "maternité"}[form.nature],
        ]
        shown += [form.exemption, day(form.drawn_up_on)]
    if isinstance(form, Form708):
        shown += ["1 CPAM", "4 SLM", "Signature du médecin ou de la sage-femme"]
    return shown


@pytest.mark.parametrize("name", FORMS)
def test_pdftotext_reads_every_field(name: str, text_of: Callable[[Document], str]) -> None:
    """Protects the field sets (R161-41, 708, 709, recap): each value of the form is printed, accents included."""
    text = text_of(FORMS[name])
    missing = [value for value in fields(FORMS[name]) if value and value not in text]
    assert missing == []


MARKS = {
    "plain": ["Feuille de soins", "Carte CPS inutilisable", "Signature de l'assuré", "Tiers payant"],
    "twin": ["TÉLÉTRANSMISSION EN MODE DÉGRADÉ", "Carte Vitale absente", "000000007"],
    "duplicata": ["DUPLICATA", "réémission impossible", "000000007", "000003", "l'assuré n'a pas pu signer"],
    "anonymous": ["2555555999030", "Soin anonyme"],
    "patient-copy": ["Volet du patient", "COPIE", "Forfait médical"],
    "form_708": ["Vaccination", "708", "PRIORIX", "HEXYON"],
    "form_709": ["709", "ANONYME", "Numéro fictif attribué par la CPAM", "Aucune identité"],
    "slip_709": ["Bordereau trimestriel", "ANONYME", "une par patient"],
    "recap": ["Récapitulatif des actes délégués", "Service fait"],
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_bears_its_marks(name: str, text_of: Callable[[Document], str]) -> None:
    """Protects who reads it: title, mark (duplicata, degraded), reason, boxes; and no mark of another form."""
    text = text_of(FORMS[name])
    assert [mark for mark in MARKS[name] if mark not in text] == []
    assert ("DUPLICATA" in text) == (name == "duplicata")
    assert ("DÉGRADÉ" in text) == (name == "twin")
    assert ("Service fait" in text) == (name == "recap")


def test_a_form_that_must_not_name_anybody_names_nobody(tmp_path: Path, text_of: Callable[[Document], str]) -> None:
    """Protects anonymity: neither text, metadata nor raw bytes of these PDF name anybody or say when he was born."""
    for name in ("anonymous", "form_709", "slip_709"):
        form = FORMS[name]
        assert not re.search(r"DUTEST|LEXEMPLE|[12][0-9]{14}|1985|1990|2021", text_of(form))
        raw = render(form, package_tables())
        assert b"DUTEST" not in raw
        assert "Signature de l'assuré" not in text_of(form)  # a signature would be an identity
        (tmp_path / "x.pdf").write_bytes(raw)
        assert "DUTEST" not in str(PdfReader(tmp_path / "x.pdf").metadata)
    copy = text_of(FORMS["patient-copy"])
    assert not any(word in copy for word in ("FHV", "FMV", "IVG", "honoraires", "médicaments"))


def test_more_than_ten_vaccines_take_another_page(tmp_path: Path) -> None:
    """Form 708 has about ten lines: the eleventh stands on a second page, and the total once."""
    line = forms()["form_708"].model_dump()["lines"][0]
    facts = forms()["form_708"].model_dump() | {"lines": [line] * 11, "total_cents": 22000, "amo_cents": 22000}
    (tmp_path / "x.pdf").write_bytes(render(Form708.model_validate(facts), package_tables()))
    pages = [page.extract_text() for page in PdfReader(tmp_path / "x.pdf").pages]
    assert [page.count("3400935137340") for page in pages] == [10, 1]
    assert [page.count("220,00") for page in pages] == [0, 2]


def test_one_form_is_one_file_and_nothing_from_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects d11: two compositions are equal bytes, whatever the hour; the date inside is the form's."""
    first = render(FORMS["plain"], package_tables())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert render(FORMS["plain"], package_tables()) == first
    assert b"20250304" in first


def test_the_structure_of_a_pdf_a(tmp_path: Path) -> None:
    """PDF/A-2b is declared: XMP part and level, output intent, embedded fonts, no script; no validator judged it."""
    for name, form in FORMS.items():
        file = tmp_path / f"{name}.pdf"
        file.write_bytes(render(form, package_tables()))
        reader = PdfReader(file)
        trailer: Any = reader.trailer
        root = trailer["/Root"]
        xmp = root["/Metadata"].get_object().get_data().decode()
        assert re.search(r"pdfaid:part[>=\"]+2", xmp)
        assert re.search(r"pdfaid:conformance[>=\"]+B", xmp)
        intents: Any = root["/OutputIntents"]
        assert intents[0]["/S"] == "/GTS_PDFA1"
        assert not {"/OpenAction", "/AA", "/AcroForm"} & set(root)
        assert b"/JavaScript" not in file.read_bytes()
        for page in reader.pages:
            resources: Any = page["/Resources"]
            for font in resources["/Font"].values():
                (child,) = font.get_object()["/DescendantFonts"]
                descriptor = child.get_object()["/FontDescriptor"]
                assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def test_markup_in_a_name_is_text(text_of: Callable[[Document], str]) -> None:
    """Protects from hostile data: Typst code, quotes and braces in a value are printed, never run."""
    hostile = '#panic("x") $1/0$ *_`\\" ${f} } ] #import "/etc/passwd"'
    place = FORMS["plain"].place.model_copy(update={"name": hostile})
    text = text_of(care_sheet(place=place))
    assert '#panic("x")' in text
    assert "root:" not in text


def test_the_command_composes_papers_and_the_patients_copy(tmp_path: Path) -> None:
    """Protects `fse paper`: one PDF a paper; a copy of a care sheet only; a broken paper writes nothing."""
    files = []
    for name in ("plain", "form_708"):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(FORMS[name].model_dump_json(), encoding="utf-8")
    out = tmp_path / "pdf"
    paper_command(files, out)
    assert sorted(one.name for one in out.iterdir()) == ["form_708.pdf", "plain.pdf"]
    paper_command(files[:1], out, patient=True)
    assert (out / "plain-patient.pdf").read_bytes().startswith(b"%PDF-1.7")
    broken = tmp_path / "broken.json"
    broken.write_text("{}", encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        paper_command([files[0], broken], tmp_path / "never")
    assert caught.value.rule.id == "DOC-FORM"
    assert not (tmp_path / "never").exists()


def test_without_typst_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects who installed no extra: PAPER-EXTRA says what to install."""
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(GatewayError) as caught:
        render(FORMS["plain"], package_tables())
    assert caught.value.rule.id == "PAPER-EXTRA"
