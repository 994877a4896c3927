"""A payment return as the caisse signs it: who may, what a changed bit does, one writing only."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from fse.cms import make_seal
from fse.errors import FseError
from fse.noemie import (
    Return,
    ReturnError,
    decode,
    encode,
    sign_return,
    verify_return,
)
from fse.sealed_file import FileError, FileFormat, SealedFile
from fse.seals import ContentChanged, WrongPurpose
from fse.trust import TrustError, TrustStore
from tests.fse.noemie_builders import BY_HAND, MEANT
from tests.fse.sheet_builders import (
    BILLER,
    NOW,
    THEIRS,
    accepted_changes,
    cps,
    new_pki,
    party,
    signer,
    trust,
    trust_files,
)

if TYPE_CHECKING:
    from card_sim.pki import BillingParty


def rewritten(rank: int, **values: object) -> bytes:
    """Return the stream written by hand with other values in one entity."""
    entities: list[Any] = list(decode(BY_HAND).entities)
    entities[rank - 1] = replace(entities[rank - 1], values={**entities[rank - 1].values, **values})
    return encode(entities)


def signed(found: Return = MEANT, by: BillingParty | None = None) -> bytes:
    """Return the return signed by the caisse of the tests, or by somebody else."""
    return sign_return(found, signer(by or party()), NOW)


@cache
def good() -> SealedFile:
    """Return the parts of a sound signed return."""
    return SealedFile.decode(signed(), FileFormat.RETURN)


def refusal(data: bytes, store: TrustStore | None = None) -> FseError:
    """Return why the signed return is not believed."""
    with pytest.raises(FseError) as caught:
        verify_return(data, store or trust())
    return caught.value


def resealed(payload: bytes, purpose: str = "return") -> bytes:
    """Return other content, properly signed by the caisse."""
    seal = make_seal(payload, signer(party()), NOW, purpose).encode()
    return SealedFile(FileFormat.RETURN, payload, (seal,)).encode()


def test_a_signed_return_arrives_as_it_was_given() -> None:
    """The payload is the stream itself."""
    assert verify_return(signed(), trust()) == MEANT
    assert good().payload == BY_HAND


@pytest.mark.parametrize("by", [party("019980000"), party(BILLER)])
def test_one_caisse_does_not_pay_for_another(by: BillingParty) -> None:
    """Neither does the biller himself."""
    error = refusal(signed(by=by))
    assert type(error) is ReturnError
    assert (error.rule.id, error.facts) == ("RETURN-ISSUER", {"organism": "019990000"})


def test_who_is_not_of_this_infrastructure_is_not_believed() -> None:
    """A professional's card, a caisse with other keys, a caisse that was revoked."""
    error = refusal(sign_return(MEANT, signer(cps()), NOW))
    assert type(error) is TrustError
    assert refusal(signed(by=party("019990000", THEIRS))).rule.id == "TRUST-UNKNOWN"
    pki = new_pki()
    pki.revoke(party().certificate, NOW)
    assert refusal(signed(), TrustStore.load(trust_files(pki))).rule.id == "TRUST-REVOKED"


def test_another_content_under_the_seal_is_refused() -> None:
    """A rejected sheet does not become a paid one on the way."""
    error = refusal(replace(good(), payload=good().payload.replace(b"3500", b"3600")).encode())
    assert type(error) is ContentChanged


@pytest.mark.parametrize("purpose", ["arl", "lot", ""])
def test_a_signature_for_something_else_is_no_return(purpose: str) -> None:
    """What a caisse signs for another purpose moves no money."""
    assert type(refusal(resealed(BY_HAND, purpose))) is WrongPurpose


def test_even_a_caisse_has_one_writing_only() -> None:
    """What is wrong goes to quarantine under a rule, never as a crash."""
    assert refusal(resealed(BY_HAND[:-1])).rule.id == "NOEMIE-TRUNCATED"
    assert refusal(resealed(rewritten(46, amount=6751))).rule.id == "NOEMIE-TOTAL"
    assert refusal(resealed(rewritten(1, message=""))).rule.id == "NOEMIE-WRITING"


def test_what_is_not_a_signed_return_is_refused() -> None:
    """One seal, no parts, the right name."""
    for data in (
        b"",
        BY_HAND,
        replace(good(), seals=()).encode(),
        replace(good(), seals=good().seals * 2).encode(),
        replace(good(), parts=(b"",)).encode(),
        replace(good(), format=FileFormat.ARL).encode(),
    ):
        error = refusal(data)
        assert type(error) is FileError
        assert (error.rule.id, error.facts) == ("FILE-FORM", {"expected": "FSE-SIM retour 1"})


def judge(data: bytes) -> None:
    """Verify a return as the gateway does."""
    verify_return(data, trust())


def test_a_changed_bit_is_refused() -> None:
    """Five hundred single-bit changes, chosen once for all: none passes."""
    data = signed()
    sample = Random("bits of a return").sample(range(8 * len(data)), 500)  # noqa: S311 - a sample, not a secret
    assert accepted_changes(data, sample, judge) == []
