"""The TEST public-key infrastructure: a root, an authority per family of certificates, their revocation lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import ExtendedKeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID

import schemas
from card_sim.billing_party import BillingParty
from card_sim.certificate_extensions import apcv_rights, billing_party, cps_entitlement, vitale_holders
from card_sim.certificates import VALID_FROM, VALID_TO, Subject, Validity, certify_authority, self_signed_root, usage
from card_sim.cps import AuthenticationKey, Counters, CpsCard
from card_sim.durable_files import write_folder
from card_sim.errors import PkiInvalid, UnknownIssuer
from card_sim.keys import curve_key, rsa_key
from card_sim.pki_folder import PkiState, read_state, trust_files, write_state
from card_sim.randomness import integer_below
from card_sim.vitale import VitaleCard, family_data

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from card_sim.certificates import Authority
    from card_sim.profiles import CpsProfile, VitaleProfile
    from card_sim.randomness import Randomness

__all__ = ["BillingParty", "TestPki"]

_ROOT: Final = "root"
_PKI: Final = schemas.read_toml("pki.toml")
_FAMILIES: Final = tuple(_PKI["families"])
_COMMON_NAMES: Final[dict[str, str]] = _PKI["authorities"]
_SERIAL_LIMIT: Final = 1 << 127
_LONGEST_UNIT: Final = 64  # X.520, upper bound of an organizational unit name
_CODES: Final = {"caisse": re.compile("[0-9]{9}"), "biller": re.compile("(?:[0-9]{2}|2[AB])[0-9]{7}")}
_PARTIES: Final = {"caisse": "TEST CAISSE", "biller": "TEST FACTURIER"}


class TestPki:
    """
    A root and the authorities ``cps``, ``vitale`` and ``facturation``; every name says TEST.

    With a seeded randomness everything is reproducible, and issuing one card more changes no other.
    """

    __test__: ClassVar[bool] = False  # not a test class, in spite of its name

    def __init__(self, state: PkiState, randomness: Randomness) -> None:
        self._state = state
        self._randomness = randomness

    @classmethod
    def create(cls, randomness: Randomness, *, now: datetime) -> TestPki:
        """
        Return a new infrastructure, created at ``now`` (aware); its certificates are valid from 2015 to 2050.

        :raises PkiInvalid: when ``now`` is naive, or outside these years.
        """
        if now.tzinfo is None or not VALID_FROM <= now < VALID_TO:
            raise PkiInvalid("now", reason=f"an aware instant from {VALID_FROM:%Y} to {VALID_TO:%Y} is needed")
        keys = {label: curve_key(randomness, f"key:authority:{label}") for label in _COMMON_NAMES}
        serials = {label: _serial(randomness, f"authority:{label}") for label in _COMMON_NAMES}
        root = self_signed_root(_COMMON_NAMES[_ROOT], keys[_ROOT], serials[_ROOT])
        authorities = {_ROOT: root} | {
            family: certify_authority(root, _COMMON_NAMES[family], keys[family], serials[family])
            for family in _FAMILIES
        }
        lists = {label: authority.revocation_list(1, {}) for label, authority in authorities.items()}
        return cls(PkiState(now, authorities, lists, {}), randomness)

    @classmethod
    def load(cls, folder: Path, randomness: Randomness) -> TestPki:
        """
        Return the infrastructure that :meth:`save` wrote to ``folder``.

        :raises PkiInvalid: when a file is missing, malformed or does not fit the others.
        """
        return cls(read_state(folder, _COMMON_NAMES), randomness)

    def save(self, folder: Path) -> None:
        """
        Write the infrastructure with its keys to ``folder``, readable by its owner only; a new one appears whole.

        :raises FolderTaken: when the folder holds something else than an earlier state of this infrastructure.
        """
        write_state(folder, self._state)

    def export_trust(self, folder: Path) -> None:
        """
        Write what a verifier trusts: ``root.pem``, ``authorities/*.pem`` and ``crl/*.pem``; no key.

        :raises FolderTaken: when the folder holds something else than an earlier state of this trust.
        """
        write_folder(folder, trust_files(self._state), "root.pem")

    @property
    def created_at(self) -> datetime:
        """When this infrastructure was made."""
        return self._state.created_at

    @property
    def root(self) -> Certificate:
        """The certificate of the root."""
        return self._state.authorities[_ROOT].certificate

    def authority(self, family: str) -> Certificate:
        """Return the certificate of the authority of ``family``: cps, vitale or facturation."""
        return self._state.authorities[family].certificate

    def issue_cps(self, profile: CpsProfile) -> CpsCard:
        """Return a new card of the professional of ``profile``: new keys, new certificates, all tries left."""
        label = self._next_label(f"cps:{profile.rpps}")
        key = rsa_key(self._randomness, f"key:{label}")
        certificate = self._cps_certificate(profile, key, label)
        challenges = self._randomness.stream(f"challenges:{label}")
        authentication = self._authentication_key(profile, f"{label}:authentication")
        return CpsCard(
            profile, key, certificate, self.authority("cps"), challenges=challenges, authentication=authentication
        )

    def issue_vitale(self, profile: VitaleProfile) -> VitaleCard:
        """Return a new card of the family of ``profile``: new key, new certificate."""
        label = self._next_label(f"vitale:{profile.serial}")
        key = curve_key(self._randomness, f"key:{label}")
        certificate = self._vitale_certificate(profile, key, label)
        challenges = self._randomness.stream(f"challenges:{label}")
        return VitaleCard(profile, key, certificate, self.authority("vitale"), challenges=challenges)

    def issue_apcv(self, profile: VitaleProfile, first: datetime, last: datetime) -> VitaleCard:
        """
        Return an apCV-sim of the family of ``profile``: the card on a telephone, ours, good from ``first`` to ``last``.

        Its certificate is a token that binds the rights in its data and ends; another one has another key.
        """
        label = self._next_label(f"apcv:{profile.serial}")
        key = curve_key(self._randomness, f"key:{label}")
        subject = Subject(f"TEST APCV-SIM {profile.serial}", serial_number=profile.serial)
        rights = apcv_rights(family_data(profile))
        certificate = self._state.authorities["vitale"].issue(
            subject,
            key,
            _serial(self._randomness, label),
            usage(commitment=True),
            vitale_holders(profile),
            rights,
            validity=Validity(first, last),
        )
        challenges = self._randomness.stream(f"challenges:{label}")
        return VitaleCard(profile, key, certificate, self.authority("vitale"), challenges=challenges)

    def renew_cps(self, card: CpsCard, profile: CpsProfile) -> CpsCard:
        """Return ``card`` with the data of ``profile`` and a new signature certificate; keys and counters stay."""
        label = self._next_label(f"cps:{profile.rpps}")
        challenges = self._randomness.stream(f"challenges:{label}")
        certificate = self._cps_certificate(profile, card.private_key, label)
        renewed = CpsCard(
            profile,
            card.private_key,
            certificate,
            self.authority("cps"),
            challenges=challenges,
            authentication=card.authentication,
            counters=Counters(card.pin.tries_left, card.pin.unblocks_left),
        )
        renewed.life = card.life
        return renewed

    def renew_vitale(self, card: VitaleCard, profile: VitaleProfile) -> VitaleCard:
        """Return ``card`` with the data of ``profile`` and a new certificate for the same key."""
        label = self._next_label(f"vitale:{profile.serial}")
        certificate = self._vitale_certificate(profile, card.private_key, label)
        challenges = self._randomness.stream(f"challenges:{label}")
        renewed = VitaleCard(profile, card.private_key, certificate, self.authority("vitale"), challenges=challenges)
        renewed.life = card.life
        return renewed

    def _cps_certificate(self, profile: CpsProfile, key: RSAPrivateKey, label: str) -> Certificate:
        """Return the certificate of the signature key: valid as long as the card is."""
        return self._state.authorities["cps"].issue(
            Subject(f"TEST CPS {profile.rpps}", serial_number=f"8{profile.rpps}"),
            key,
            _serial(self._randomness, label),
            usage(commitment=True),
            cps_entitlement(profile),
            validity=Validity.of_days(profile.valid_from, profile.valid_to),
        )

    def _vitale_certificate(self, profile: VitaleProfile, key: EllipticCurvePrivateKey, label: str) -> Certificate:
        """Return the certificate of a family's card, which says when it begins and never when it ends."""
        return self._state.authorities["vitale"].issue(
            Subject(f"TEST VITALE {profile.serial}", serial_number=profile.serial),
            key,
            _serial(self._randomness, label),
            usage(commitment=True),
            vitale_holders(profile),
            validity=Validity(Validity.of_days(profile.valid_from, profile.valid_from).first, VALID_TO),
        )

    def issue_billing_party(self, role: Literal["caisse", "biller"], code: str, name: str) -> BillingParty:
        """
        Return a caisse (``code``: 9 digits, régime, caisse, centre) or a biller (``code``: FINESS) with a new key.

        :raises PkiInvalid: when ``code`` or ``name`` cannot stand in a certificate.
        """
        if not _CODES[role].fullmatch(code):
            raise PkiInvalid("code", reason="a caisse is named by 9 digits, a biller by the 9 characters of its FINESS")
        if not 0 < len(name) <= _LONGEST_UNIT:
            raise PkiInvalid("name", reason=f"a name has 1 to {_LONGEST_UNIT} characters")
        label = self._next_label(f"{role}:{code}")
        key = rsa_key(self._randomness, f"key:{label}")
        certificate = self._state.authorities["facturation"].issue(
            Subject(f"{_PARTIES[role]} {code}", serial_number=code, unit=name),
            key,
            _serial(self._randomness, label),
            usage(encipherment=True),
            billing_party(role, code),
        )
        return BillingParty(role, code, name, key, certificate, self.authority("facturation"))

    def revoke(self, certificate: Certificate, at: datetime) -> None:
        """
        Put ``certificate`` on its issuer's revocation list from ``at`` (aware) on; the first date given stays.

        :raises PkiInvalid: when ``at`` is naive.
        :raises UnknownIssuer: when this infrastructure did not issue the certificate.
        """
        if at.tzinfo is None:
            raise PkiInvalid("at", reason="an aware instant is needed")
        for label, authority in self._state.authorities.items():
            if _issued_by(certificate, authority):
                self._state.revoke(label, certificate.serial_number, at)
                return
        message = "this infrastructure did not issue that certificate"
        raise UnknownIssuer(message)

    def _authentication_key(self, profile: CpsProfile, label: str) -> AuthenticationKey:
        """Return the key that proves who holds the card; its certificate entitles to no signature of a sheet."""
        key = rsa_key(self._randomness, f"key:{label}")
        certificate = self._state.authorities["cps"].issue(
            Subject(f"TEST CPS {profile.rpps}", serial_number=f"8{profile.rpps}", unit="AUTHENTIFICATION"),
            key,
            _serial(self._randomness, label),
            usage(),
            ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
        )
        return AuthenticationKey(key, certificate)

    def _next_label(self, holder: str) -> str:
        """Return what names the streams of a new key: a holder's second card has another key than the first."""
        rank = self._state.issued[holder] = self._state.issued.get(holder, 0) + 1
        return f"{holder}:{rank}"


def _serial(randomness: Randomness, label: str) -> int:
    return integer_below(_SERIAL_LIMIT, randomness.stream(f"serial:{label}"))


def _issued_by(certificate: Certificate, authority: Authority) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
