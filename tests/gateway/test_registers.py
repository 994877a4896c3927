"""The registers of a service: those of the package hold; a wrong one is refused whole, with its place and its rule."""

from __future__ import annotations

import re
from datetime import date

import pytest

import schemas
from gateway.errors import GatewayError
from gateway.profile import load_profile, profile_names
from gateway.registers import Registers, load_registers

NAME = "pas-de-calais-simule"
TEXT = schemas.read_text(f"registers/{NAME}.toml")
BILLER = "629990011"
OCT = "contracts OCT-2012-01 (simulation)"


def refused(old: str, new: str) -> GatewayError:
    """Return why the register of the Pas-de-Calais is refused with ``old`` (once) become ``new``."""
    assert old in TEXT
    with pytest.raises(GatewayError) as caught:
        Registers.parse(TEXT.replace(old, new, 1), "mine.toml")
    return caught.value


@pytest.mark.parametrize("name", profile_names())
def test_each_service_has_its_registers(name: str) -> None:
    """A profile without registers could send nothing through an OCT: each has a contract for its own biller."""
    found = load_registers(name)
    biller = load_profile(name).biller
    assert [one.on_behalf_of for one in found.contracts] == [biller]
    assert found.processing
    assert {one.side for one in found.referents} == {"departement", "caisse"}


def test_a_service_without_registers_is_told() -> None:
    """Protects who adds a profile: the missing file is named, not a traceback."""
    with pytest.raises(GatewayError, match="REGISTER-MISSING"):
        load_registers("nowhere")


def test_the_convention_has_its_record() -> None:
    """GOV-01: parties, signatures, start, term, avenants, notice: three years and three months (art. 19, 20)."""
    one = load_registers(NAME).convention
    assert [party.role for party in one.parties] == ["departement", "caisse", "caisse"]
    assert {party.signed_on for party in one.parties} == {date(2023, 5, 15)}
    assert (one.start, one.term, one.months, one.notice_months) == (date(2023, 5, 15), date(2026, 5, 15), 36, 3)
    assert [avenant.number for avenant in one.avenants] == [1]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2023, 5, 14), False),
        (date(2023, 5, 15), True),
        (date(2026, 5, 15), True),
        (date(2031, 1, 1), True),  # tacitly renewed
    ],
)
def test_a_convention_is_renewed_tacitly(on: date, *, expected: bool) -> None:
    """Nobody gave it up: it goes on; given up, its last day is the last (art. 19, 20)."""
    one = load_registers(NAME).convention
    assert one.in_force(on) is expected
    ended = one.model_copy(update={"terminated_on": date(2026, 5, 14)})
    assert ended.in_force(on) is (expected and on <= date(2026, 5, 14))


def test_an_annex_is_its_version_of_that_day() -> None:
    """GOV-02: six annexes, each with version and date; a later version replaces the former from its own day."""
    newer = (
        '[[annexes]]\ncode = "1.1"\ntitle = "T"\nversion = "2025"\ndated = 2025-02-01\nsource = "own"\n\n[[referents]]'
    )
    found = Registers.parse(TEXT.replace("[[referents]]", newer, 1), "mine.toml")
    versions = [found.annex("1.1", on) for on in (date(2023, 5, 14), date(2025, 1, 31), date(2025, 2, 1))]
    assert [one and one.version for one in versions] == [None, "2023", "2025"]
    assert sorted({one.code for one in found.annexes}) == ["1", "1.1", "1.2", "1.3", "1.4", "1.5"]


def test_every_role_of_the_field_has_its_actor() -> None:
    """GOV-03: the eighteen who take part, from the insured to the caisse's conseiller informatique, each once."""
    roles = [one.role for one in load_registers(NAME).actors]
    assert len(roles) == len(set(roles)) == 18
    assert {"assure", "beneficiaire", "professionnel", "departement", "caisse", "oct", "cnda", "gie"} <= set(roles)


@pytest.mark.parametrize(
    ("endpoint", "biller", "on", "expected"),
    [
        ("http://127.0.0.1:41234", BILLER, date(2025, 3, 4), True),  # no port in the contract: any
        ("http://OCT.test/fichiers", BILLER, date(2025, 3, 4), True),  # a host has no case; the path is not the party's
        ("http://oct.test:80", BILLER, date(2025, 3, 4), True),
        ("https://oct.test", BILLER, date(2025, 3, 4), False),  # another scheme is another service
        ("http://other.test", BILLER, date(2025, 3, 4), False),
        ("http://oct.test.example", BILLER, date(2025, 3, 4), False),
        ("http://127.0.0.1:99999", BILLER, date(2025, 3, 4), False),  # no port at all
        ("http://oct.test", "359990025", date(2025, 3, 4), False),  # for the account of somebody else
        ("http://oct.test", BILLER, date(2012, 7, 10), False),  # the eve of its first day
        ("http://oct.test", BILLER, date(2012, 7, 11), True),
    ],
)
def test_a_contract_allows_its_endpoints_in_its_days(endpoint: str, biller: str, on: date, *, expected: bool) -> None:
    """PROT-11, PROT-12: this address, for this biller, on this day; nothing beside it."""
    (contract,) = load_registers(NAME).contracts
    assert contract.allows(endpoint, biller, on) is expected


def test_a_contract_with_a_port_and_an_end() -> None:
    """A port that is named is the only one; the last day still counts, the day after does not."""
    changes = {"endpoints": ("http://oct.test:8080",), "end": date(2025, 3, 4)}
    contract = load_registers(NAME).contracts[0].model_copy(update=changes)
    days = [date(2025, 3, 4), date(2025, 3, 5)]
    assert [contract.allows("http://oct.test:8080", BILLER, on) for on in days] == [True, False]
    assert not contract.allows("http://oct.test", BILLER, days[0])


WRONG = [
    ("REGISTER-FIELD", 'reference = "2023-212 (simulation)"\n', "", "convention.reference"),
    ("REGISTER-FIELD", "months = 36", 'months = "36"', "convention.months"),  # a text is no number
    ("REGISTER-FIELD", "start = 2023-05-15", 'start = "2023-05-15"', "convention.start"),
    ("REGISTER-FIELD", "confidentiality = true", 'confidentiality = "yes"', "contracts.0.guarantees.confidentiality"),
    ("REGISTER-FIELD", 'code = "1.5"', 'code = "1.6"', "annexes.5.code"),
    ("REGISTER-FIELD", 'organism = "019990000"', 'organism = "019"', "convention.parties.1.organism"),
    ("REGISTER-FIELD", 'side = "departement"', 'side = "departement"\nphone = "1"', "referents.0.phone"),
    ("REGISTER-FIELD", 'recipients = ["caisse d\'affiliation"]', "recipients = []", "processing.0.recipients"),
    ("REGISTER-FIELD", "[convention]", "[convention", "TOML"),
    ("REGISTER-FIELD", "http://oct.test", "http://oct.test:99999", OCT),
    ("REGISTER-DATES", "term = 2026-05-15", "term = 2026-05-14", "convention.term"),
    ("REGISTER-DATES", "renewals = [] ", "renewals = [2029-05-16] ", "convention.renewals.0"),
    ("REGISTER-DATES", "signed_on = 2023-05-15", "signed_on = 2023-05-16", "convention.parties.0.signed_on"),
    ("REGISTER-DATES", "signed_on = 2025-01-15", "signed_on = 2023-05-14", "convention.avenants"),
    ("REGISTER-DATES", "months = 36", "months = 36\nterminated_on = 2023-05-14", "convention.terminated_on"),
    ("REGISTER-DATES", "reviewed_on = 2025-01-15", "reviewed_on = 2023-05-14", "processing PMI-FSE (simulation)"),
    ("REGISTER-DATES", "start = 2012-07-11", "start = 2012-07-11\nend = 2012-07-10", OCT),
    ("REGISTER-TWICE", 'role = "cnda"', 'role = "gie"', "actors"),
    ("REGISTER-TWICE", 'code = "1.2"', 'code = "1.1"', "annexes"),
    ("REGISTER-PERSON", '"Référent de chaque partie"', '"Mme Exemplaire"', "actors.16"),
    ("REGISTER-PERSON", '"Conseiller informatique service"', '"03 21 00 00 00"', "referents.2"),
    ("REGISTER-PERSON", '"Directeur de la caisse"', '"direction@caisse.test"', "convention.parties.1"),
]


@pytest.mark.parametrize(("rule", "old", "new", "place"), WRONG)
def test_a_wrong_register_is_refused_with_its_place(rule: str, old: str, new: str, place: str) -> None:
    """Strictly, as a whole: one wrong field and nothing of the register is believed; the error says where."""
    error = refused(old, new)
    assert (error.rule.id, error.facts["place"]) == (rule, place)


def test_avenants_follow_each_other() -> None:
    """A second avenant signed before the first is a mistake in one of the two dates."""
    second = '[[convention.avenants]]\nnumber = 2\nsigned_on = 2024-12-31\nsubject = "x"\n\n[[annexes]]'
    error = refused("[[annexes]]", second)
    assert (error.rule.id, error.facts["first"], error.facts["second"]) == (
        "REGISTER-DATES", date(2025, 1, 15), date(2024, 12, 31),
    )  # fmt: skip


def test_noted_renewals_follow_the_term() -> None:
    """Three years, then three years: 15 May 2029 and 15 May 2032, by hand."""
    text = TEXT.replace("renewals = [] ", "renewals = [2029-05-15, 2032-05-15] ", 1)
    assert Registers.parse(text, "mine.toml").convention.renewals == (date(2029, 5, 15), date(2032, 5, 15))


def test_a_missing_annex_is_named() -> None:
    """GOV-02: the six annexes stand, or the register says which does not."""
    start = TEXT.index('[[annexes]]\ncode = "1.3"')
    entry = TEXT[start : TEXT.index("[[annexes]]", start + 1)]
    error = refused(entry, "")
    assert (error.rule.id, error.facts["missing"]) == ("REGISTER-ANNEX", "1.3")


@pytest.mark.parametrize("name", ["confidentiality", "integrity", "neutrality", "free_choice"])
def test_a_contract_gives_each_guarantee(name: str) -> None:
    """PROT-09, PROT-15: an OCT that does not promise one of the four is entrusted nothing."""
    error = refused(f"{name} = true", f"{name} = false")
    assert (error.rule.id, error.facts["missing"]) == ("REGISTER-GUARANTEE", name)


def test_a_contract_with_a_real_address_is_refused() -> None:
    """Test and real never mix: an endpoint lives under a reserved name."""
    assert refused("http://oct.test", "http://oct.fr").rule.id == "ADDRESS-REAL"


def test_registers_name_nobody() -> None:
    """SITE-04, QA-03: no e-mail address, no telephone number, no NIR in any register of the package."""
    for name in schemas.names("registers", ".toml"):
        text = re.sub(r'(organism|on_behalf_of) = "[0-9]{9}"', "", schemas.read_text(name))
        assert not re.search(r"@|[0-9]{9,}|\b(Mme|Monsieur|Madame|Docteur|Dr)\b", text), name
