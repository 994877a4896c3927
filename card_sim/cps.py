"""The card of a professional (CPS): holder data to read, a PIN and its PUK, a signature and an authentication key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from card_sim import cps_ias
from card_sim.card import SoftCard
from card_sim.cps_data import holder_data
from card_sim.cps_files import Certificates, isoapplet_tree
from card_sim.files import FileTree
from card_sim.ias_objects import security_objects
from card_sim.pin import MAXIMUM_TRIES, MAXIMUM_UNBLOCKS, Pin
from card_sim.security_environment import SecurityEnvironment
from card_sim.session import Session
from card_sim.signature import RsaAuthenticator, RsaSigner, SignatureKey
from card_sim.tlv import encode
from card_sim.vocabulary import ATR, IAS, PARAMETER, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from card_sim.profiles import CpsProfile
    from card_sim.randomness import ByteStream

__all__ = ["AuthenticationKey", "Counters", "CpsCard", "holder_data"]


@dataclass(frozen=True, slots=True)
class AuthenticationKey:
    """The second key of a CPS: it proves who holds the card and signs no sheet."""

    private_key: RSAPrivateKey
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Counters:
    """How many wrong PINs, and how many uses of the PUK, the card still takes."""

    tries_left: int = MAXIMUM_TRIES
    unblocks_left: int = MAXIMUM_UNBLOCKS


class CpsCard(SoftCard):
    """A simulated CPS; without the PIN it signs nothing and keeps activities and billing situation to itself."""

    def __init__(
        self,
        profile: CpsProfile,
        private_key: RSAPrivateKey,
        certificate: Certificate,
        issuer_certificate: Certificate,
        *,
        challenges: ByteStream,
        authentication: AuthenticationKey | None = None,
        counters: Counters | None = None,
    ) -> None:
        self._profile = profile
        self.private_key = private_key
        self.certificate = certificate
        self.issuer_certificate = issuer_certificate
        self.authentication = authentication
        counters = counters or Counters()
        self.pin = Pin(profile.pin, profile.puk, counters.tries_left, counters.unblocks_left)
        keys: dict[int, SignatureKey] = {SIGNATURE["key"]: RsaSigner(private_key)}
        if authentication is not None:
            keys[SIGNATURE["authentication_key"]] = RsaAuthenticator(authentication.private_key)
        environments = _environments(keys)
        second = None if authentication is None else authentication.certificate
        certificates = Certificates(certificate, issuer_certificate, second)
        objects: dict[bytes, Callable[[], bytes]] = {
            PARAMETER["serial_number"].to_bytes(2, "big"): profile.card_serial.encode
        }
        if profile.dialect == "iasecc":
            # That dialect names the keys of the application with bit 8 set.
            keys |= {IAS["local"] | reference: key for reference, key in keys.items()}
            atr, tree = cps_ias.ATR, cps_ias.ias_tree(profile, certificates)
            objects |= security_objects(self.pin, environments)
        else:
            atr, tree = ATR["cps"], isoapplet_tree(profile, certificates)
        session = Session(
            files=FileTree(tree),
            environment=SecurityEnvironment(keys, environments),
            pin=self.pin,
            challenges=challenges,
            data_objects=objects,
        )
        super().__init__(session, atr)

    @property
    def profile(self) -> CpsProfile:
        """What the card was made from, with the PIN that it has now."""
        return self._profile if self._profile.pin == self.pin.value else replace(self._profile, pin=self.pin.value)


def _environments(keys: dict[int, SignatureKey]) -> dict[int, dict[int, bytes]]:
    """Return what MSE RESTORE sets: 1 to sign with the signature key, 2 to authenticate."""
    algorithms = {
        SIGNATURE["key"]: (SIGNATURE["signature_template"], SIGNATURE["rsa_pkcs1"]),
        SIGNATURE["authentication_key"]: (SIGNATURE["authentication_template"], SIGNATURE["rsa_authentication"]),
    }
    return {
        reference: {
            template: encode(SIGNATURE["algorithm_tag"], bytes((algorithm,)))
            + encode(SIGNATURE["key_tag"], bytes((reference,)))
        }
        for reference, (template, algorithm) in algorithms.items()
        if reference in keys
    }
