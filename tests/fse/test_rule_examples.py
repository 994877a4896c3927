"""Each rule through a public door: one example that is accepted, one that is refused with exactly that rule."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from fse.deadlines import paris_date, parse_day
from fse.decision import decide, draw_up
from fse.documents import read_document
from fse.encounter import MAX_ENCOUNTER_BYTES, read_encounter
from fse.errors import FseError
from fse.identifiers import Nir, OrganismCode, check_cip, check_finess, check_rpps
from fse.lifecycle import SHEETS, LotRecord, Policy, SheetEvent, SheetMode, SheetRecord, policy_named
from fse.pricing import PricingQuestion, price
from fse.rules import catalogue
from fse.seals import open_sheet, verify_sheet
from fse.sheet import Cause, Mode
from fse.sheet_xml import read_sheet, write_sheet
from fse.situation import ChannelPolicy
from fse.tables import Tables, package_tables
from fse.trust import TrustStore
from fse.working_days import Calendar, Place
from tests.fse import sheet_builders as build
from tests.fse.paper_forms import forms
from tests.fse.test_priced_encounters import CASES, encounter
from tests.fse.test_tables import BAD, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

    Example = Callable[[], object]

HERE = Path(__file__).parent
EXAMPLE: dict[str, Any] = json.loads((HERE.parents[1] / "examples" / "encounter.json").read_bytes())
BY_NAME = {case["name"]: case for case in CASES}
ARRAS = Calendar(Place("62"))
POLICY = Policy(calendar=ARRAS)
NOON = datetime(2025, 3, 4, 12, tzinfo=UTC)

# ------------------------------------------------------------------------------ the encounter, routed and priced

DECIDED = {
    "ROUTE-ACT": ("the forfait of the sage-femme référente on its last day", "an act that the convention does not pay"),
    "ROUTE-AFFILIATION": ("COD on the first day of 35.00", "somebody of another département"),
    "ROUTE-ANONYMOUS": ("an anonymous IVG is paper, at the same price", "an anonymous consultation that is no IVG"),
    "ROUTE-FINANCED": ("COD on the first day of 35.00", "a PEGASE check-up"),
    "ROUTE-IST-PUBLIC": (
        "a screening of a minor who asks",
        "a screening of an adult with rights who asks for anonymity",
    ),
    "ROUTE-IST-NAMED": ("a screening of a minor who asks", "a screening under one's name"),
    "ROUTE-SECRET": (
        "contraception of a girl of sixteen, in secret",
        "the same where the convention says nothing of it",
    ),
    "DELEGATED-INVOICE": (
        "a delegated examination does not stand beside the service's own acts",
        "a delegated act without its invoice",
    ),
    "PRICING-PERIOD": ("COK on its first day", "COK on the day before"),
    "PRICING-PROFESSION": ("C of a midwife on the last day of 21.00", "C by a doctor"),
    "PRICING-PEDIATRICIAN": ("COD on the first day of 35.00", "COD by a pediatrician"),
    "PRICING-AGE": ("COE on the day of eight months", "COE the day before eight months"),
    "PRICING-WEEK": ("FMV of week 6", "FMV in the eighth week"),
    "PRICING-DELIVERY": ("the forfait of the sage-femme référente on its last day", "the forfait one day late"),
    "PRICING-FACT": ("FMV of week 6", "medicines of an interruption, the week unknown"),
    "PRICING-PREGNANCY": ("G on the first day of the sixth month", "a pregnancy of eleven months"),
    "PRICING-TITRE": ("a planning consultation of a girl of sixteen", "an examination of the child under titre II"),
    "PRICING-CHILD": ("COD of a child of the eve of six", "COD on the sixth birthday"),
    "PRICING-REFERENT": ("designated on the very day of the act", "a designation made after the act"),
    "PRICING-SECRET": ("the same, on the fifteenth birthday", "the same, on the eve of fifteen"),
    "PRICING-SUPPLEMENT": ("C and MSF of a midwife on the last day of 2.00", "MSF without a consultation"),
    "PRICING-TOGETHER": ("two examinations of two days, the later one first", "the same examination twice"),
    "VACCINE-PUBLIC": ("ROR on the eve of six", "ROR on the sixth birthday"),
    "VACCINE-CIP": ("another vaccine at four years", "a vaccine without CIP"),
    "VACCINE-MARKET": ("another vaccine at four years", "a vaccine outside the market"),
}


def decided(name: str) -> None:
    """Decide a case of the hand-worked file; raise what refuses or holds the first act that is."""
    policy = dict(BY_NAME[name].get("policy", {}))
    policy |= {"excluded_acts": frozenset(policy.get("excluded_acts", ()))}
    for one in decide(encounter(BY_NAME[name]), package_tables(), policy=ChannelPolicy(**policy)):
        if one.refusal is not None:
            raise one.refusal


def priced(**changes: Any) -> None:  # noqa: ANN401 - facts of any type
    """Price a consultation of a woman, or with changes."""
    facts: dict[str, Any] = {"code": "G", "on": date(2025, 3, 4), "profession": "medecin"} | changes
    price(PricingQuestion(**facts), package_tables().acts)


PRICED: dict[str, dict[str, Any]] = {
    "PRICING-UNKNOWN": {"code": "ZZZ"},
    "PRICING-PAPER": {"code": "VACCIN"},
    "PRICING-QUANTITY": {"quantity": 100},
    "PRICING-DATES": {"beneficiary_birth_date": date(2025, 3, 5)},
}

# ------------------------------------------------------------------------------------ the encounter as it is read

WRITTEN: dict[str, tuple[object, object]] = {
    "ENC-SIZE": (json.dumps(EXAMPLE).encode(), b" " * (MAX_ENCOUNTER_BYTES + 1)),
    "ENC-JSON": (json.dumps(EXAMPLE).encode(), b"{"),
    "ENC-MISSING": ({}, {"site": None}),
    "ENC-UNKNOWN": ({}, {"colour": "blue"}),
    "ENC-VALUE": ({"vitale": "absent"}, {"vitale": "eaten"}),
    "ENC-ORDER": ({"pregnancy_start": "2025-03-04"}, {"pregnancy_start": "2025-03-05"}),
    "ENC-TIMEZONE": ({"at": "2025-03-04T09:40:00+01:00"}, {"at": "2025-03-04T09:40:00"}),
    "ENC-CONSENT": (
        {"orientations": [{"family": "ame", "consent": True}]},
        {"orientations": [{"family": "ame", "consent": False}]},
    ),
}


def written(example: object) -> None:
    """Read an encounter: bytes as they are, or the example with changes (None: without that field)."""
    if isinstance(example, dict):
        facts = {name: value for name, value in (EXAMPLE | example).items() if value is not None}
        example = json.dumps(facts).encode()
    assert isinstance(example, bytes)
    read_encounter(example)


# --------------------------------------------------------------------------- identifiers, days and places, life cycle

SAID: dict[str, tuple[Example, Example]] = {
    "NIR-FORM": (lambda: Nir.parse("185036204199978"), lambda: Nir.parse("18503620419997")),
    "NIR-FIRST-DIGIT": (lambda: Nir.parse("1850362041999"), lambda: Nir.parse("9850362041999")),
    "NIR-MONTH": (lambda: Nir.parse("1851262041999"), lambda: Nir.parse("1851362041999")),
    "NIR-DEPARTMENT": (lambda: Nir.parse("1850362041999"), lambda: Nir.parse("1850300041999")),
    "NIR-KEY": (lambda: Nir.parse("185036204199978"), lambda: Nir.parse("185036204199979")),
    "RPPS-FORM": (lambda: check_rpps("99700000013"), lambda: check_rpps("9970000001")),
    "RPPS-KEY": (lambda: check_rpps("99700000013"), lambda: check_rpps("99700000014")),
    "FINESS-FORM": (lambda: check_finess("2A0002689"), lambda: check_finess("2C0002689")),
    "FINESS-KEY": (lambda: check_finess("629990003"), lambda: check_finess("629990004")),
    "CIP-FORM": (lambda: check_cip("3400935137340"), lambda: check_cip("340093513734")),
    "CIP-KEY": (lambda: check_cip("3400935137340"), lambda: check_cip("3400935137341")),
    "ORGANISM-FORM": (lambda: OrganismCode.parse("019990000"), lambda: OrganismCode.parse("01999000")),
    "DEADLINE-DATE": (lambda: parse_day("2025-02-28"), lambda: parse_day("2025-02-29")),
    "DEADLINE-RANGE": (lambda: parse_day("1998-01-01"), lambda: parse_day("1997-12-31")),
    "DEADLINE-COUNT": (lambda: ARRAS.add(date(2025, 3, 4), 8), lambda: ARRAS.add(date(2025, 3, 4), 1001)),
    "DEADLINE-INSTANT": (lambda: paris_date(NOON), lambda: paris_date(NOON.replace(tzinfo=None))),
    "PLACE-DEPARTMENT": (lambda: Place("2A"), lambda: Place("20")),
    "LIFE-POLICY": (lambda: policy_named("regulation", ARRAS), lambda: policy_named("mine", ARRAS)),
    "LIFE-EMISSIONS": (lambda: replace(POLICY, max_emissions=2), lambda: replace(POLICY, max_emissions=1)),
    "LIFE-EMPTY-LOT": (
        lambda: LotRecord.of("000001", [lived(SheetEvent.PATIENT_SIGN, SheetEvent.SEAL, SheetEvent.QUEUE)]),
        lambda: LotRecord.of("000001", []),
    ),
    "LIFE-NO-ROW": (lambda: lived(SheetEvent.PATIENT_SIGN), lambda: lived(SheetEvent.QUEUE)),
    "LIFE-DETAIL": (lambda: lived(SheetEvent.VOID, detail="mistake"), lambda: lived(SheetEvent.VOID)),
}


def lived(*events: SheetEvent, detail: str = "") -> SheetRecord:
    """Return a sheet after ``events``."""
    record = SheetRecord.reserve("000000001", SheetMode.SECURED, date(2025, 3, 4), POLICY)
    for event in events:
        record = SHEETS.advance(record, event, NOON, POLICY, detail).record
    return record


# ----------------------------------------------------------------------------- the paper forms, as they are stored

FORMS = {name: json.loads(form.model_dump_json()) for name, form in forms().items()}
FORMED: dict[str, tuple[str, dict[str, Any]]] = {
    "DOC-FORM": ("plain", {"lines": []}),
    "DOC-TOTAL": ("form_708", {"total_cents": 1}),
    "DOC-COUNT": ("recap", {"count": 1}),
    "DOC-NUMBER": ("twin", {"number": None}),
    "DOC-REASON": ("duplicata", {"reason": ""}),
    "DOC-SIGNATORY": ("form_709", {"practitioner": FORMS["form_708"]["practitioner"]}),
}

# ------------------------------------------------------------------------- sheets, their seals, and who is believed


def verified(sealed: object, store: TrustStore | None = None, received: datetime = build.LATER) -> None:
    """Verify a sealed sheet as a caisse does."""
    data = sealed if isinstance(sealed, bytes) else sealed.encode()  # type: ignore[attr-defined] # a sealed sheet
    verify_sheet(data, store or build.trust(), received)


def swapped(**parts: Any) -> Example:  # noqa: ANN401 - parts of a sealed sheet
    """Return the verification of the sound sheet with another part."""
    return lambda: verified(replace(build.secured(), **parts))


def revoked() -> None:
    """Verify a sheet of a card revoked the day before."""
    pki = build.new_pki()
    pki.revoke(build.cps().certificate, build.NOW - timedelta(days=1))
    verified(build.secured(), TrustStore.load(build.trust_files(pki)))


def real_root() -> None:
    """Load a store whose root does not say TEST."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(build.NOW).not_valid_after(build.LATER)
    root = builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
    TrustStore.load(build.trust_files(build.new_pki()) | {"root.pem": root})


def older_list() -> None:
    """Take an older revocation list than the one that is held."""
    pki = build.new_pki()
    before = TrustStore.load(build.trust_files(pki))
    pki.revoke(build.cps().certificate, build.NOW)
    held = TrustStore.load(build.trust_files(pki))
    held.with_list("cps", before.revocations["cps"].public_bytes(Encoding.DER))


SOUND: Example = lambda: verified(build.secured())  # noqa: E731 - an example among the others
OTHER = build.example_sheet(number=8)
SEALED: dict[str, tuple[Example, Example]] = {
    "SEAL-CONTENT": (SOUND, swapped(payload=write_sheet(OTHER))),
    "SEAL-VITALE-MISSING": (SOUND, swapped(patient=None)),
    "SEAL-VITALE-FOREIGN": (SOUND, swapped(patient=build.seal(OTHER).patient)),
    "SEAL-VITALE-UNEXPECTED": (
        lambda: verified(build.degraded()),
        lambda: verified(replace(build.degraded(), patient=build.secured().patient)),
    ),
    "SEAL-MODE": (SOUND, lambda: verified(build.seal(build.example_sheet(Cause.NO_CARD), purpose="feuille:securise"))),
    "SEAL-PROFESSIONAL": (SOUND, lambda: verified(build.seal(professional=build.cps("sage_femme")))),
    "SEAL-ENTITLEMENT": (SOUND, lambda: verified(build.seal(professional=build.cps("medecin_sans_droit")))),
    "SEAL-PATIENT": (SOUND, lambda: verified(build.seal(patient=build.vitale("essai")))),
    "SEAL-PURPOSE": (SOUND, lambda: verified(build.seal(purpose="lot"))),
    "SEAL-TIME": (SOUND, lambda: verified(build.seal(at=build.NOW - timedelta(days=1)))),
    "SEAL-ENCODING": (SOUND, swapped(professional=build.secured().professional + b"\0")),
    "TRUST-UNKNOWN": (SOUND, lambda: verified(build.secured(), build.trust(build.THEIRS))),
    "TRUST-REVOKED": (SOUND, revoked),
    "TRUST-REAL": (lambda: TrustStore.load(build.trust_files(build.new_pki())), real_root),
    "TRUST-STORE": (lambda: TrustStore.load(build.trust_files(build.new_pki())), lambda: TrustStore.load({})),
    "TRUST-LIST-BACK": (
        lambda: build.trust().with_list("cps", build.trust().revocations["cps"].public_bytes(Encoding.DER)),
        older_list,
    ),
    "FILE-FORM": (lambda: open_sheet(build.secured().encode()), lambda: open_sheet(b"PDF")),
    "FILE-SIZE": (lambda: open_sheet(build.secured().encode()), lambda: open_sheet(bytes(100_000_000))),
    "XML-FORM": (lambda: read_sheet(write_sheet(OTHER)), lambda: read_sheet(write_sheet(OTHER)[:-5])),
    "SHEET-VERSION": (lambda: read_sheet(write_sheet(OTHER)), lambda: read_sheet(b"<a/>")),
    "XML-SIZE": (lambda: read_sheet(write_sheet(OTHER)), lambda: read_sheet(write_sheet(OTHER) + b" " * 10_000_000)),
    "XML-SCHEMA": (
        lambda: read_sheet(write_sheet(OTHER)),
        lambda: read_sheet(write_sheet(OTHER).replace(b">EUR<", b">FRF<")),
    ),
    "XML-WRITING": (
        lambda: read_sheet(write_sheet(OTHER)),
        lambda: read_sheet(write_sheet(OTHER).replace(b"><titre", b">\n<titre")),
    ),
    "SHEET-PART": (
        lambda: write_sheet(OTHER),
        lambda: write_sheet(replace(OTHER, lines=(replace(OTHER.lines[0], amo_cents=3501),))),
    ),
    "SHEET-DATES": (
        lambda: write_sheet(OTHER),
        lambda: write_sheet(replace(OTHER, drawn_up_on=build.TODAY - timedelta(days=1))),
    ),
    "SHEET-ANONYMOUS": (
        lambda: write_sheet(replace(OTHER, insured=Nir.parse("2555555999042"), mode=Mode(Cause.SECRET))),
        lambda: write_sheet(replace(OTHER, insured=Nir.parse("2555555999030"), mode=Mode(Cause.SECRET))),
    ),
    "ENC-MATERNITY": (
        lambda: drawn("the early prenatal interview in the third month"),
        lambda: drawn("the early prenatal interview in the third month", pregnancy_start=None),
    ),
}


def drawn(name: str, **changes: object) -> None:
    """Draw up the sheet of a hand-worked case, with changes to its facts."""
    facts = encounter(BY_NAME[name]).model_copy(update=changes)
    (decision,) = decide(facts, package_tables())
    draw_up(
        decision, facts, number=1, order=1, day=facts.day, biller="629990011", specification="1.40",
        anonymous_organism="019990000",
    )  # fmt: skip


def tables(**changed: str) -> Example:
    """Return the reading of the tables of the package with other texts."""
    texts = TEXTS | {name.replace("_csv", ".csv"): text for name, text in changed.items()}
    return lambda: Tables.read(texts.__getitem__)


LINE = next(line for line in TEXTS["acts.csv"].splitlines() if line.startswith("EPP,"))
TABLED: dict[str, str] = {
    "TABLE-SIZE": TEXTS["acts.csv"] + " " * 2_000_001,
    "TABLE-HEADER": TEXTS["acts.csv"].replace("code,label", "label,code", 1),
    "TABLE-LINE": TEXTS["acts.csv"].replace(LINE, LINE + ",more"),
    "TABLE-WINDOW": TEXTS["acts.csv"].replace("delivery,0d,13d", "delivery,13d,0d"),
    "TABLE-PRICE": TEXTS["acts.csv"].replace(LINE, LINE.replace("5750,100", ",100")),
    "TABLE-NATURE": TEXTS["acts.csv"].replace(LINE, LINE.replace("5750,100,30,0", "5750,100,10,0")),
}


def examples() -> dict[str, tuple[Example, Example]]:
    """Return, by rule, what is accepted and what is refused."""
    found: dict[str, tuple[Example, Example]] = {}
    for rule, (good, bad) in DECIDED.items():
        found[rule] = (lambda good=good: decided(good), lambda bad=bad: decided(bad))  # type: ignore[misc] # bound now
    for rule, changes in PRICED.items():
        found[rule] = (priced, lambda changes=changes: priced(**changes))  # type: ignore[misc] # bound now
    for rule, (one, other) in WRITTEN.items():
        found[rule] = (lambda one=one: written(one), lambda other=other: written(other))  # type: ignore[misc] # bound now
    for rule, (form, changed) in FORMED.items():
        one_text, other_text = json.dumps(FORMS[form]), json.dumps(FORMS[form] | changed)
        found[rule] = (
            lambda text=one_text: read_document(text),  # type: ignore[misc] # bound now
            lambda text=other_text: read_document(text),  # type: ignore[misc] # bound now
        )
    for changed_tables, (rule, _) in BAD.values():
        found[rule] = (tables(), tables(**changed_tables))
    for rule, text in TABLED.items():
        found[rule] = (tables(), tables(acts_csv=text))
    return found | SAID | SEALED


EXAMPLES = examples()


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_one_is_accepted_and_the_other_refused_with_exactly_that_rule(rule: str) -> None:
    """Protects each rule as a user meets it: the sound example passes, its neighbour is refused by this rule alone."""
    accepted, refused = EXAMPLES[rule]
    accepted()
    with pytest.raises(FseError) as caught:
        refused()
    assert caught.value.rule.id == rule
    for language in ("fr", "en"):
        assert caught.value.message(language)


ELSEWHERE: dict[str, str] = tomllib.loads((HERE / "data" / "rules_exampled_elsewhere.toml").read_text(encoding="utf-8"))


def test_every_rule_has_its_pair_here_or_says_where() -> None:
    """Protects the catalogue: a new rule brings its pair, or a line with the test that shows it elsewhere."""
    assert set(EXAMPLES) | set(ELSEWHERE) == set(catalogue())
    assert not set(EXAMPLES) & set(ELSEWHERE)
    assert all((HERE.parents[1] / file).exists() for file in ELSEWHERE.values())
    assert len(EXAMPLES) >= 100
