"""A reader of Vitale cards in a few lines of pyscard, as anybody writes it, finds identity and NIR."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from tests.interop.conftest import Insert

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("pcscd")]

SELECT_MASTER = "00A4000C023F00"
SELECT_VITALE = "00A4040C0BD250000002564954414C45"
READ_SHORT_2 = "00B0820000"


@pytest.fixture
def system() -> Any:  # noqa: ANN401 - pyscard ships no types
    """Return pyscard's list of readers; it belongs to no extra yet."""
    pytest.importorskip("smartcard", reason="pyscard missing: pip install pyscard (needs swig, libpcsclite-dev, gcc)")
    return importlib.import_module("smartcard.System")


def test_identity_and_nir_are_read(system: Any, insert: Insert) -> None:  # noqa: ANN401 - pyscard ships no types
    """Through PC/SC: template 65 with tags 80 and 81 from the master file, tag 93 from the application VITALE."""
    wallet = demo_wallet()
    pki = TestPki.create(SeededRandomness("pyscard"), now=datetime(2025, 3, 4, tzinfo=UTC))
    card = pki.issue_vitale(wallet.vitale["dutest"])
    insert(pki.issue_cps(wallet.cps["medecin"]), card)
    connection = system.readers()[1].createConnection()
    connection.connect()
    try:
        assert bytes(connection.getATR()) == card.atr
        answers: list[bytes] = []
        for command in (SELECT_MASTER, READ_SHORT_2, SELECT_VITALE, READ_SHORT_2):
            data, high, low = connection.transmit(list(bytes.fromhex(command)))
            assert (high, low) == (0x90, 0x00)
            answers.append(bytes(data))
    finally:
        connection.disconnect()
    _, identity, _, numbers = answers
    assert b"\x80\x06DUTEST\x81\x04Marc" in identity
    assert b"\x93\x0f" + wallet.vitale["dutest"].nir.encode() in numbers
