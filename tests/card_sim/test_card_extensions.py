"""What our certificates say of their holder, read by asn1crypto."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

from asn1crypto import core
from cryptography import x509

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet

ARC = "2.25.211780421374440933141047428433180243861"


@cache
def leaves() -> dict[str, x509.Certificate]:
    """Return a certificate of each family."""
    pki = TestPki.create(SeededRandomness("pki"), now=datetime(2025, 3, 4, 9, tzinfo=UTC))
    return {
        "cps": pki.issue_cps(demo_wallet().cps["medecin"]).certificate,
        "vitale": pki.issue_vitale(demo_wallet().vitale["specimen"]).certificate,
        "facturation": pki.issue_billing_party("caisse", "019990000", "CPAM de l'Artois (simulée)").certificate,
    }


class PrintableStrings(core.SequenceOf):  # type: ignore[misc]  # asn1crypto is not typed
    """SEQUENCE OF PrintableString."""

    _child_spec = core.PrintableString


class CpsEntitlement(core.Sequence):  # type: ignore[misc]  # asn1crypto is not typed
    """The layout of ``schemas/pki.toml``, written a second time for asn1crypto."""

    _fields: ClassVar = [
        ("rpps", core.PrintableString),
        ("profession", core.PrintableString),
        ("structures", PrintableStrings),
        ("signsSheet", core.Boolean),
        ("signsLot", core.Boolean),
    ]


class Covered(core.Sequence):  # type: ignore[misc]  # asn1crypto is not typed
    """One holder of a Vitale card."""

    _fields: ClassVar = [
        ("birthDate", core.PrintableString),
        ("birthRank", core.Integer),
        ("nir", core.PrintableString, {"implicit": 0, "optional": True}),
    ]


class AllCovered(core.SequenceOf):  # type: ignore[misc]  # asn1crypto is not typed
    """SEQUENCE OF holder."""

    _child_spec = Covered


class VitaleHolders(core.Sequence):  # type: ignore[misc]  # asn1crypto is not typed
    """The layout of ``schemas/pki.toml``, written a second time for asn1crypto."""

    _fields: ClassVar = [
        ("serial", core.PrintableString),
        ("insured", core.PrintableString),
        ("holders", AllCovered),
    ]


class Party(core.Sequence):  # type: ignore[misc]  # asn1crypto is not typed
    """The layout of ``schemas/pki.toml``, written a second time for asn1crypto."""

    _fields: ClassVar = [("role", core.PrintableString), ("code", core.PrintableString)]


def extension(family: str, arc: int, layout: type[core.Sequence]) -> Any:  # noqa: ANN401 - asn1crypto is not typed
    """Return the values of our extension of a leaf, as asn1crypto reads them."""
    value = leaves()[family].extensions.get_extension_for_oid(x509.ObjectIdentifier(f"{ARC}.{arc}")).value
    assert isinstance(value, x509.UnrecognizedExtension)
    decoded = layout.load(value.value, strict=True)
    assert decoded.dump(force=True) == value.value
    return list(decoded.native.values())


def test_the_extension_of_a_professional() -> None:
    """CpsEntitlement is in the layout that verifiers were promised: RPPS, profession, structures, two rights."""
    assert extension("cps", 3, CpsEntitlement) == ["99700000013", "medecin", ["629990003"], True, True]


def test_the_extension_of_a_caisse() -> None:
    """BillingParty names role and code."""
    assert extension("facturation", 5, Party) == ["caisse", "019990000"]


def test_the_extension_of_a_family() -> None:
    """VitaleHolders lists the insured and everybody covered, with the own NIR of who has one, without its key."""
    serial, insured, holders = extension("vitale", 4, VitaleHolders)
    assert (serial, insured) == ("990000000007", "2860162041994")
    assert [tuple(holder.values()) for holder in holders] == [
        ("1986-01-30", 1, "2860162041994"),
        ("1984-07-14", 1, "1840762041994"),
        ("2021-02-15", 1, "2210262041996"),
    ]
