"""The file of a signed document: one encoding, and no bit that can change unseen."""

from __future__ import annotations

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from fse.sealed_file import MAX_FILE_BYTES, FileError, FileFormat, SealedFile


class Strings(core.SequenceOf):  # type: ignore[misc]  # asn1crypto ships no types
    """A SEQUENCE OF OCTET STRING."""

    _child_spec = core.OctetString


class Layout(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    """The layout as the module's documentation gives it."""

    _fields = [("format", core.UTF8String), ("payload", core.OctetString), ("seals", Strings), ("parts", Strings)]  # noqa: RUF012 - as asn1crypto asks


strings = st.lists(st.binary(max_size=300), max_size=4).map(tuple)
files = st.builds(SealedFile, st.sampled_from(FileFormat), st.binary(max_size=3000), strings, strings)
GOOD = SealedFile(FileFormat.SHEET, b"<feuille/>", (b"one", b"two"))


@given(files)
def test_a_file_is_read_as_it_was_written(file: SealedFile) -> None:
    """Nothing is lost or added on the way through bytes."""
    assert SealedFile.decode(file.encode(), file.format) == file


@given(files)
def test_asn1crypto_reads_and_writes_the_same_file(file: SealedFile) -> None:
    """Another library, given the documented layout, sees the same parts and makes the same DER."""
    data = file.encode()
    found = Layout.load(data, strict=True)
    seen = (found["format"].native, found["payload"].native, found["seals"].native, found["parts"].native)
    assert seen == (file.format.value, file.payload, list(file.seals), list(file.parts))
    assert found.dump(force=True) == data


@given(files, st.data())
def test_no_other_bytes_give_the_same_file(file: SealedFile, data: st.DataObject) -> None:
    """Bytes that differ are refused, or they are another file."""
    original = file.encode()
    place = data.draw(st.integers(0, len(original) - 1))
    changed = original[:place] + data.draw(st.binary(max_size=3)) + original[place + data.draw(st.integers(0, 3)) :]
    try:
        found = SealedFile.decode(changed, file.format)
    except FileError:
        return
    assert found.encode() == changed
    assert (found == file) == (changed == original)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<feuille/>", id="bare XML"),
        pytest.param(GOOD.encode()[:-1], id="cut"),
        pytest.param(GOOD.encode() + b"\0", id="something behind"),
        pytest.param(SealedFile(FileFormat.LOT, GOOD.payload, GOOD.seals).encode(), id="another document"),
        pytest.param(b"\x30\x80" + GOOD.encode()[2:] + b"\0\0", id="indefinite length (BER)"),
        pytest.param(
            Layout({"format": "FSE-SIM feuille 2", "payload": b"", "seals": [], "parts": []}).dump(), id="version 2"
        ),
        pytest.param(b"\x30\x04\x0c\x02\xff\xff", id="not UTF-8"),
    ],
)
def test_what_is_not_this_file_is_refused(data: bytes) -> None:
    """One error for whatever is not the file expected, and it says which one was."""
    with pytest.raises(FileError) as caught:
        SealedFile.decode(data, FileFormat.SHEET)
    assert caught.value.rule.id == "FILE-FORM"
    assert caught.value.facts == {"expected": "FSE-SIM feuille 1"}


def test_the_limit_of_size_is_the_last_size_read() -> None:
    """A file is measured before it is looked at."""
    with pytest.raises(FileError) as caught:
        SealedFile.decode(bytes(MAX_FILE_BYTES), FileFormat.LOT)
    assert caught.value.rule.id == "FILE-FORM"
    with pytest.raises(FileError) as caught:
        SealedFile.decode(bytes(MAX_FILE_BYTES + 1), FileFormat.LOT)
    assert caught.value.rule.id == "FILE-SIZE"
    assert caught.value.facts == {"limit": 16_000_000}
