"""The opposition list: signed by its issuer alone, each increment on the one before, growing only, its age told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from fse import der
from fse.cms import make_seal
from fse.errors import FseError
from fse.opposition_list import (
    ISSUER,
    OpposedCard,
    Opposition,
    OppositionError,
    OppositionList,
    follow,
    in_order,
    read_list,
    write_list,
)
from fse.trust import TrustStore
from tests.fse import sheet_builders as build

if TYPE_CHECKING:
    from typing import Any

NIGHT = datetime(2025, 3, 4, 4, 0, tzinfo=UTC)
FIRST = OppositionList(
    number=41,
    published=NIGHT,
    cards=(OpposedCard("990000000013", "01"), OpposedCard("990000000027", "02")),
)
WRITTEN = (
    b'{"number":41,"published":"2025-03-04T04:00:00Z","previous":null,'
    b'"cards":[["990000000013","01"],["990000000027","02"]]}'
)
"""The payload of FIRST, written by hand."""
NEXT = OppositionList(
    number=42,
    published=NIGHT + timedelta(days=1),
    cards=(OpposedCard("990000000020", "91"),),
    previous=(41, sha256(WRITTEN).hexdigest()),
)


def issued(one: OppositionList) -> bytes:
    """Return ``one`` as its issuer publishes it."""
    return write_list(one, build.signer(build.party(ISSUER)))


def sealed(payload: bytes, *, at: datetime = NIGHT, purpose: str = "opposition", code: str = ISSUER) -> bytes:
    """Return any ``payload`` as a list file, sealed as said."""
    seal = make_seal(payload, build.signer(build.party(code)), at, purpose).encode()
    return der.sequence(der.utf8("FSE-SIM opposition 1"), der.octets(payload), der.octets(seal))


def refused(data: bytes, now: datetime | None = None, trust: TrustStore | None = None) -> str:
    """Return the rule by which ``data`` is refused."""
    with pytest.raises(FseError) as caught:
        read_list(data, trust or build.trust(), now)
    return caught.value.rule.id


def test_a_list_has_one_writing() -> None:
    """The payload is the one worked by hand, and what was written is read back: régime and serial of each card."""
    assert FIRST.payload() == WRITTEN
    assert FIRST.digest == sha256(WRITTEN).hexdigest()
    assert read_list(issued(FIRST), build.trust(), NIGHT) == FIRST
    assert read_list(issued(NEXT), build.trust()) == NEXT


def test_the_cards_of_every_regime_stand_in_order_of_serial() -> None:
    """PROT-41, MK07 7.3.4 d: ascending serial numbers, each with its régime, each once."""
    cards = [OpposedCard.parse(one) for one in ("91:990000000020", "02:990000000027", "01:990000000013")]
    assert [(card.regime, card.serial[-2:]) for card in in_order(cards)] == [("01", "13"), ("91", "20"), ("02", "27")]
    with pytest.raises(OppositionError, match="OPPOSITION-CARD"):
        in_order([*cards, OpposedCard("990000000013", "02")])


@pytest.mark.parametrize("text", ["", "990000000013", "1:990000000013", "01:99000000001", "01:9900000000131", "01:x"])
def test_a_card_is_a_regime_and_a_serial(text: str) -> None:
    """What a person mistypes is told, not put on a list."""
    with pytest.raises(OppositionError, match="OPPOSITION-CARD"):
        OpposedCard.parse(text)


def test_only_its_issuer_signs_it() -> None:
    """A caisse, though trusted, issues no list; somebody else's infrastructure issues nothing at all."""
    assert refused(sealed(WRITTEN, code=build.CAISSE)) == "OPPOSITION-ISSUER"
    theirs = write_list(FIRST, build.signer(build.party(ISSUER, build.THEIRS)))
    assert refused(theirs) == "TRUST-UNKNOWN"


def test_another_signature_of_the_issuer_is_no_list() -> None:
    """A seal made for something else never becomes an opposition list."""
    assert refused(sealed(WRITTEN, purpose="arl")) == "SEAL-PURPOSE"


def test_no_byte_of_it_changes_unseen() -> None:
    """Any bit that flips on the way refuses the whole: every byte of the file is tried."""
    data = issued(FIRST)
    for at in range(len(data)):
        broken = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        with pytest.raises(FseError):
            read_list(broken, build.trust())


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"990000000013\n", issued(FIRST) + b"\x00", issued(FIRST)[:-1]])
def test_what_is_no_list_is_told(data: bytes) -> None:
    """A truncated file, a longer one, a text: one clear rule."""
    assert refused(data) == "OPPOSITION-FORM"


def changed(**changes: Any) -> bytes:  # noqa: ANN401 - JSON of any type
    """Return the payload of FIRST with ``changes``, None for a key that goes."""
    content = json.loads(WRITTEN) | changes
    return json.dumps({key: value for key, value in content.items() if value != "gone"}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "payload",
    [
        changed(number=0),
        changed(number="41"),
        changed(number=True),
        changed(number="gone"),
        changed(published="2025-03-04"),
        changed(cards=[["990000000027", "02"], ["990000000013", "01"]]),  # not in order
        changed(cards=[["990000000013", "01"], ["990000000013", "02"]]),  # twice
        changed(cards=[["99000000001", "01"]]),
        changed(cards=[["990000000013"]]),
        changed(cards=7),
        changed(previous=[39, "0" * 64]),  # 41 does not come after 39
        changed(previous=[40]),
        changed(more=1),
        WRITTEN.replace(b",", b", "),
        b"[]",
        b"not json",
    ],
)
def test_the_issuer_too_keeps_to_the_form(payload: bytes) -> None:
    """Signed, yet unordered, doubled, misnumbered or in another writing: refused as a whole."""
    assert refused(sealed(payload)) == "OPPOSITION-FORM"


def test_its_date_is_the_one_of_the_signature() -> None:
    """A list signed on another second than it says, or from the future, would hide its age."""
    assert refused(sealed(WRITTEN, at=NIGHT + timedelta(seconds=1))) == "OPPOSITION-DATE"
    assert refused(issued(FIRST), NIGHT - timedelta(seconds=1)) == "OPPOSITION-DATE"


def test_an_issuer_revoked_since_offers_nothing_any_more() -> None:
    """A stolen key dates its list before the revocation: offered after it, it is refused all the same."""
    pki = build.new_pki()
    pki.revoke(build.party(ISSUER).certificate, NIGHT + timedelta(hours=1))
    trust = TrustStore.load(build.trust_files(pki))
    assert refused(issued(FIRST), NIGHT + timedelta(hours=2), trust) == "TRUST-REVOKED"
    assert read_list(issued(FIRST), trust) == FIRST  # what was applied before stays readable


def test_increments_add_up() -> None:
    """41 whole, 42 on top of it: three cards, the number and the date of the last."""
    held = follow(follow(None, FIRST), NEXT)
    assert (held.number, held.published, held.digest) == (42, NEXT.published, NEXT.digest)
    assert {card.serial for card in held.cards} == {"990000000013", "990000000020", "990000000027"}


def test_a_card_that_comes_again_stands_once() -> None:
    """An increment that repeats a card, even under another régime, changes nothing about it."""
    again = replace(NEXT, cards=(OpposedCard("990000000013", "02"),))
    assert follow(follow(None, FIRST), again).cards == frozenset(FIRST.cards)


def test_a_newer_whole_list_takes_the_place() -> None:
    """A whole list needs no predecessor: whoever missed a week catches up with it."""
    whole = replace(FIRST, number=50, published=NIGHT + timedelta(days=9))
    assert follow(follow(None, FIRST), whole).number == 50


HELD = follow(follow(None, FIRST), NEXT)


@pytest.mark.parametrize(
    ("held", "one", "rule"),
    [
        (None, NEXT, "OPPOSITION-GAP"),  # an increment of nothing
        (HELD, FIRST, "OPPOSITION-BACK"),
        (HELD, NEXT, "OPPOSITION-BACK"),  # applied already
        (HELD, replace(NEXT, number=44, previous=(43, "0" * 64)), "OPPOSITION-GAP"),  # 43 is missing
        (HELD, replace(NEXT, number=43, previous=(42, "0" * 64)), "OPPOSITION-GAP"),  # on another 42
        (HELD, replace(FIRST, number=43, published=NIGHT), "OPPOSITION-DATE"),  # newer by number, older by date
        (HELD, replace(FIRST, number=43, published=NEXT.published), "OPPOSITION-LIFTED"),  # without …020
    ],
)
def test_what_does_not_follow_is_refused(held: Opposition | None, one: OppositionList, rule: str) -> None:
    """A gap, an older one, a fork, a card left out: each has its rule, and nothing is taken from it."""
    with pytest.raises(OppositionError) as caught:
        follow(held, one)
    assert caught.value.rule.id == rule
    assert caught.value.message("fr")


def test_its_age_is_told_beyond_one_day() -> None:
    """One day is the rhythm; a second more and whoever bills is told, in days."""
    assert HELD.warning(HELD.published + timedelta(days=1)) is None
    warning = HELD.warning(HELD.published + timedelta(days=3, seconds=1))
    assert warning is not None
    assert (warning.rule.id, warning.rule.severity, warning.facts["days"]) == ("OPPOSITION-OLD", "warning", 3)
    assert HELD.warning(HELD.published + timedelta(days=1, seconds=1)) is not None
