"""
``make bench``: what a sheet costs beside the bare signatures that it cannot do without.

The yardstick is one RSA-2048 and one P-256 signature by the same keys, in the same process, in turn with what is
measured: a ratio near 1 means that nothing but the cryptography counts.
"""

from __future__ import annotations

import platform
import statistics
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cryptography import __version__ as cryptography_version
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet
from fse.encounter import read_encounter
from fse.seals import seal_as_patient, seal_as_professional, verify_sheet
from fse.sheet_xml import write_sheet
from fse.tables import package_tables
from gateway.profile import load_profile
from gateway.readers import CardsAtHand, ProfessionalCard, VitaleCard
from gateway.single_sheet import seal_one
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = "bench"
WINDOW_SECONDS = 0.4
ROUNDS = 7


def rate(operation: Callable[[], object]) -> float:
    """Return how many times a second ``operation`` runs, over one window."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < WINDOW_SECONDS:
        operation()
        count += 1
    return count / elapsed


def main() -> None:
    """Print the table."""
    now = datetime(2025, 3, 4, 9, tzinfo=UTC)
    wallet = demo_wallet()
    encounter = read_encounter(Path("examples/encounter.json").read_bytes())
    pki = TestPki.create(SeededRandomness(SEED), now=now)
    cps, vitale = pki.issue_cps(wallet.cps["medecin"]), pki.issue_vitale(wallet.vitale["dutest"])
    with TemporaryDirectory() as folder:
        pki.export_trust(Path(folder) / "trust")
        trust = read_trust(Path(folder) / "trust")
    professional = ProfessionalCard.insert(cps.transmit)
    professional.unlock(wallet.cps["medecin"].pin)
    family = VitaleCard.insert(vitale.transmit)
    hands = CardsAtHand(professional, vitale.transmit)
    profile, tables = load_profile(), package_tables()
    one = seal_one(encounter, hands, profile, tables, number=1)
    payload, file, purpose = write_sheet(one.sheet), one.file.encode(), one.sheet.mode.purpose
    digest = sha256(payload).digest()

    def bare() -> None:
        cps.private_key.sign(digest, padding.PKCS1v15(), Prehashed(SHA256()))
        vitale.private_key.sign(digest, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))

    def two_seals() -> None:
        patient = seal_as_patient(payload, family.signer, encounter.at)
        seal_as_professional(payload, professional.signer, encounter.at, purpose, patient)

    measured: dict[str, Callable[[], object]] = {
        "two seals, cards behind APDU": two_seals,
        "encounter to sealed sheet (cards read, priced, routed)": lambda: seal_one(
            encounter, hands, profile, tables, number=1
        ),
        "write the XML": lambda: write_sheet(one.sheet),
        "verify a sealed sheet": lambda: verify_sheet(file, trust, datetime.now(UTC)),
    }
    yardstick: list[float] = []
    rates: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(ROUNDS):
        yardstick.append(rate(bare))
        for name, operation in measured.items():
            rates[name].append(rate(operation))
    print(f"Python {platform.python_version()}, cryptography {cryptography_version}, {platform.machine()}, seed {SEED}")
    print(f"{ROUNDS} rounds of {WINDOW_SECONDS} s each, in turn; a sheet is {len(file)} bytes, its XML {len(payload)}")
    print(f"{'yardstick: RSA-2048 + P-256 signature':<56}{statistics.median(yardstick):>9.0f}/s   1.00")
    for name, found in rates.items():
        ratios = sorted(speed / bare_speed for speed, bare_speed in zip(found, yardstick, strict=True))
        spread = f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{name:<56}{statistics.median(found):>9.0f}/s   {statistics.median(ratios):.2f} {spread}")


main()
