"""The digests that make a change of the past visible: RFC 6962 trees, chains of events, what they say of a row."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal.chain import GENESIS, MerkleRoot, Subject, chain_name, chain_of, commitment, link

LEAVES = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
"""The inputs of the tests of Certificate Transparency, in hexadecimal."""
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The published roots of the first 0, 1, … 8 of them."""


def _root(leaves: list[bytes]) -> bytes:
    """Return the Merkle tree hash as RFC 6962 §2.1 writes it down, by recursion."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()


@pytest.mark.parametrize("count", range(9))
def test_the_published_roots(count: int) -> None:
    """The trees of 0 to 8 leaves have the roots that everybody's implementation of RFC 6962 is held against."""
    tree = MerkleRoot()
    for leaf in LEAVES[:count]:
        tree.add(bytes.fromhex(leaf))
    assert (tree.digest().hex(), tree.count) == (ROOTS[count], count)
    assert _root([bytes.fromhex(leaf) for leaf in LEAVES[:count]]).hex() == ROOTS[count]  # the judge below, judged


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_any_tree_is_that_of_the_recursion(leaves: list[bytes]) -> None:
    """Leaf by leaf gives what the recursive definition gives, after every leaf; reading the root changes nothing."""
    tree = MerkleRoot()
    for count, leaf in enumerate(leaves):
        assert tree.digest() == _root(leaves[:count])
        tree.add(leaf)
    assert tree.digest() == tree.digest() == _root(leaves)
    assert tree.count == len(leaves)


def test_a_leaf_is_the_whole_head_of_a_chain() -> None:
    """Chain, rank and digest of a head all stand in its leaf: another one of any of them is another root."""
    heads = [(1, 1, b"x" * 32), (2, 1, b"x" * 32), (1, 2, b"x" * 32), (1, 1, b"y" * 32), (11, 1, b"x" * 32)]
    roots = set()
    for head in heads:
        tree = MerkleRoot()
        tree.add_head(*head)
        roots.add(tree.digest())
    assert len(roots) == len(heads)
    assert sha256(b"\x00" + b"1 1 " + b"x" * 32).digest() in roots


def test_a_link_is_the_digest_that_the_documents_describe() -> None:
    """SHA-256 of the digest before and the facts as JSON without spaces, keys in order: anybody can check it."""
    text = b'{"detail":"caf\\u00e9","id":7,"sheet":null}'
    assert link(GENESIS, {"sheet": None, "id": 7, "detail": "café"}) == sha256(bytes(32) + text).digest()
    following = link(sha256(b"?").digest(), {"id": 8})
    assert following == sha256(sha256(b"?").digest() + b'{"id":8}').digest()


def test_what_an_event_says_of_a_value() -> None:
    """HMAC-SHA256 under the salt of the row: another salt, column or value says something else."""
    said = commitment(b"salt", "sealed", b"value")
    assert said == hmac.new(b"salt", b"sealed\x00value", sha256).hexdigest()
    others = {
        commitment(b"SALT", "sealed", b"value"),
        commitment(b"salt", "record", b"value"),
        commitment(b"salt", "sealed", b"VALUE"),
        commitment(b"salt", "seale", b"dvalue"),
    }
    assert len(others | {said}) == 5


def test_no_two_subjects_share_a_chain() -> None:
    """The largest sheet number (9 digits) stays below the first lot; the keys are those of journals on the disk."""
    assert chain_of(Subject.JOURNAL) == 0
    assert chain_of(Subject.SHEET, 999_999_999) == 10_999_999_999 < chain_of(Subject.LOT) == 20_000_000_000
    assert [chain_name(chain) for chain in (0, 10_000_000_012, 20_000_000_003, 30_000_000_001, 40_000_000_002)] == [
        "journal",
        "sheet 12",
        "lot 3",
        "paper 1",
        "submission 2",
    ]
