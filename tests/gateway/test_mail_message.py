"""A message of the mail road: written one way, read back strictly, and by Python's email alone; hostile: refused."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.mail_address import biller_address, caisse_address
from gateway.mail_message import MAX_MESSAGE_BYTES, MailError, MailMessage, Nature, build_message, file_message_id
from gateway.mail_reading import read_message
from gateway.routing_label import FileLabel

LABEL = FileLabel("629990011", "019990000", 12, 34, "securise")
AT = datetime(2025, 3, 4, 10, 5, 6, 123450, tzinfo=UTC)
MESSAGE = MailMessage(
    nature=Nature.FILE,
    sender="629990011@facturier.rss.test",
    recipient="01999@999.01.rss.test",
    label=LABEL,
    message_id="<000012-1-0123456789abcdef@rss.test>",
    at=AT,
    envelope=b"an envelope",
)
WRITTEN = (
    b"From: 629990011@facturier.rss.test\r\n"
    b"To: 01999@999.01.rss.test\r\n"
    b"Date: Tue, 04 Mar 2025 10:05:06 +0000\r\n"
    b"Message-ID: <000012-1-0123456789abcdef@rss.test>\r\n"
    b"Subject: FS000100/00000629990011/2025030410050612345/00001\r\n"
    b"FSE-Facturier: 629990011\r\n"
    b"FSE-Organisme: 019990000\r\n"
    b"FSE-Fichier: 000012\r\n"
    b"FSE-Lot: 000034\r\n"
    b"FSE-Flux: securise\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="=_fse-sim"\r\n'
    b"\r\n"
    b"--=_fse-sim\r\n"
    b"Content-Type: application/EDI-consent\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"Content-Description: FSE-SIM/SECURISE/Z\r\n"
    b"\r\n"
    b"YW4gZW52ZWxvcGU=\r\n"
    b"--=_fse-sim--\r\n"
)
"""Written by hand from the conventions; the base64 by coreutils."""


def refused(data: bytes) -> str:
    """Return what is wrong with ``data``."""
    with pytest.raises(MailError) as refusal:
        read_message(data)
    assert refusal.value.rule.id == "MAIL-MESSAGE"
    return str(refusal.value.facts["reason"])


def changed(before: bytes, after: bytes) -> bytes:
    """Return the message of above with ``before`` replaced."""
    assert before in WRITTEN
    return WRITTEN.replace(before, after, 1)


def test_written_as_by_hand() -> None:
    """Subject, Content-Description, type, encoding and label stand where the conventions put them."""
    assert build_message(MESSAGE) == WRITTEN
    assert read_message(WRITTEN) == MESSAGE


def test_an_answer_says_so() -> None:
    """The answer to a file bears another Subject and Content-Description, and the label of that file."""
    answer = replace(MESSAGE, nature=Nature.ANSWER, label=replace(LABEL, mode="degrade"))
    written = build_message(answer)
    assert b"\r\nSubject: AR000100/00000629990011/2025030410050612345/00001\r\n" in written
    assert b"\r\nContent-Description: ARL-SIM/DEGRADE/Z\r\n" in written
    assert read_message(written) == answer


def test_a_repeated_attempt_has_the_same_message_id() -> None:
    """Same file, same attempt, same envelope: same Message-ID; any other: another one."""
    base = (LABEL, b"envelope", 1, "rss.test")
    others = [
        (replace(LABEL, file_number=13), b"envelope", 1, "rss.test"),
        (LABEL, b"Envelope", 1, "rss.test"),
        (LABEL, b"envelope", 2, "rss.test"),
    ]
    assert file_message_id(*base) == file_message_id(*base)
    assert len({file_message_id(*one) for one in (base, *others)}) == 4
    assert re.fullmatch(r"<000012-1-[0-9a-f]{16}@rss\.test>", file_message_id(*base))


LABELS = st.builds(
    FileLabel,
    biller=st.from_regex(r"(?:[0-9]{2}|2[AB])[0-9]{7}", fullmatch=True).filter(str.isascii),
    organism=st.text("0123456789", min_size=9, max_size=9),
    file_number=st.integers(0, 999_999),
    lot_number=st.integers(0, 999_999),
    mode=st.sampled_from(["securise", "degrade"]),
)


@st.composite
def messages(draw: st.DrawFn) -> MailMessage:
    """Draw a message between a biller and a caisse."""
    label = draw(LABELS)
    ends = [biller_address(label.biller), caisse_address(label.organism)]
    nature = draw(st.sampled_from(list(Nature)))
    sender, recipient = ends if nature is Nature.FILE else ends[::-1]
    zone = timezone(timedelta(hours=draw(st.integers(-12, 12))))
    at = draw(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(zone)))  # noqa: DTZ001 - hypothesis adds the zone
    envelope = draw(st.binary(min_size=1, max_size=300))
    named = file_message_id(label, envelope, draw(st.integers(1, 99)), "rss.test")
    return MailMessage(
        nature, sender, recipient, label, named, at.replace(microsecond=at.microsecond // 10 * 10), envelope
    )


@given(messages())
def test_what_is_written_is_read(message: MailMessage) -> None:
    """Round trip, whatever the numbers, the moment and the bytes; lines stay within 78 characters (RFC 5322, 2.1.1)."""
    data = build_message(message)
    assert read_message(data) == message
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 78


@given(messages())
def test_python_reads_it_alone(message: MailMessage) -> None:
    """Python's own parser finds the same headers and the same bytes, and no defect."""
    found = email.message_from_bytes(build_message(message), policy=email.policy.SMTP)
    assert (found["To"], found["Subject"]) == (message.recipient, message.subject)
    assert found["Date"].datetime == message.at.replace(microsecond=0)
    (part,) = found.iter_parts()
    assert part.get_content_type() == "application/edi-consent"
    assert (part["Content-Transfer-Encoding"], part["Content-Description"]) == ("base64", message.description)
    assert part.get_content() == message.envelope
    assert found.defects == part.defects == []


# ------------------------------------------------------------------------------------------------------- on the way


def test_what_servers_add_is_let_pass() -> None:
    """Trace headers, folded and repeated, brackets, another boundary, bare line ends, a footer beside: all the same."""
    trace = (
        b"Return-Path: <629990011@facturier.rss.test>\r\nDelivered-To: x@rss.test\r\n"
        b"Received: from a.test (localhost [127.0.0.1])\r\n\tby b.test (Postfix) with ESMTP id 1\r\n"
        b"Received: from c.test\r\n by a.test\r\nX-Spam: no\r\n"
    )
    assert read_message(trace + WRITTEN) == MESSAGE
    assert read_message(WRITTEN.replace(b"\r\n", b"\n")) == MESSAGE
    assert read_message(changed(b"To: 01999@999.01.rss.test", b"To: <01999@999.01.rss.test>")) == MESSAGE
    assert read_message(WRITTEN.replace(b"=_fse-sim", b"b123")) == MESSAGE
    assert read_message(changed(b'"=_fse-sim"', b'"=_fse-sim"; charset=us-ascii')) == MESSAGE
    footer = b"--=_fse-sim\r\n\r\nfooter\r\n--=_fse-sim\r\nContent-Type: text/plain\r\n\r\nx\r\n--=_fse-sim--\r\n"
    assert read_message(changed(b"--=_fse-sim--\r\n", footer)) == MESSAGE


# ---------------------------------------------------------------------------------------------------------- hostile


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        (b"From: 629990011@facturier.rss.test", b"From: 629990011@facturier.rss.fr", "From"),
        (b"From: 629990011@facturier.rss.test", b"From: a@rss.test, b@rss.test", "From"),
        (b"To: 01999@999.01.rss.test", b"To: 01999@999.01.rss.fr", "To"),
        (b"To: 01999@999.01.rss.test\r\n", b"", "To"),
        (b"To: 01999@999.01.rss.test", b"To: 01999@999.01.rss.test\r\nTo: 01998@998.01.rss.test", "To"),
        (b"Message-ID: <000012", b"Message-ID: <00 0012", "Message-ID"),
        (b"Message-ID: <000012", b"Message-ID: <" + b"0" * 300, "Message-ID"),
        (b"Subject: FS", b"Subject: IR", "Subject"),
        (b"Subject: FS", b"Subject: =?utf-8?q?FS", "Subject"),
        (b"20250304100506", b"20250230100506", "Subject"),
        (b"00000629990011/", b"00000629990003/", "Subject"),
        (b"/00001", b"/00002", "Subject"),
        (b"FSE-Lot: 000034\r\n", b"", "FSE-Lot"),
        (b"FSE-Lot: 000034", b"FSE-Lot: 000034\r\nfse-lot: 000035", "fse-lot"),
        (b"FSE-Flux: securise", b"FSE-Flux: libre", "FSE-Flux"),
        (b"FSE-Flux: securise", b"FSE-Flux: degrade", "Content-Description"),
        (b"FSE-SIM/SECURISE/Z", b"IRIS/B2", "Content-Description"),
        (b"multipart/mixed", b"multipart/alternative", "Content-Type"),
        (b"multipart/mixed", b"application/EDI-consent", "Content-Type"),
        (b'; boundary="=_fse-sim"', b"", "Content-Type"),
        (b'; boundary="=_fse-sim"', b'; boundary="=_fse-sim', "Content-Type"),
        (b'"=_fse-sim"\r\n', b'"other"\r\n', "parts"),
        (b"--=_fse-sim--", b"", "parts"),
        (b"--=_fse-sim--", b"--=_fse-simple\r\n--=_fse-sim--", "parts"),
        (b"--=_fse-sim--", b"--=_fse-sim--\r\nafter the end", "parts"),
        (b"application/EDI-consent", b"application/octet-stream", "parts"),
        (b"--=_fse-sim\r\n", b"--=_fse-sim\r\n\r\nx\r\n" * 4 + b"--=_fse-sim\r\n", "parts"),
        (b"base64\r\n", b"base64\r\nContent-Transfer-Encoding: 8bit\r\n", "Content-Transfer-Encoding"),
        (b"base64\r\n", b"quoted-printable\r\n", "Content-Transfer-Encoding"),
        (b"Content-Transfer-Encoding: base64\r\n", b"", "Content-Transfer-Encoding"),
        (b"YW4gZW52ZWxvcGU=", b"YW4gZW52ZWxvcGU", "base64"),
        (b"YW4gZW52ZWxvcGU=", b"YW4g ZW52ZWxvcGU=", "base64"),
        (b"YW4gZW52ZWxvcGU=", b"YW4gZW52ZWxvcGU=YW4=", "base64"),
        (b"YW4gZW52ZWxvcGU=", b"YW4gZW52!WxvcGU=", "base64"),
        (b"YW4gZW52ZWxvcGU=", b"", "envelope"),
        (b"YW4gZW52ZWxvcGU=", b"YW4g\0ZW52ZWxvcGU=", "bytes"),
        (b"Subject: FS", b"Subject: F\xc3\xa9S", "bytes"),
        (b"FSE-Lot: 000034\r\n", b"FSE-Lot: 0000\r34\r\n", "bytes"),
        (b"From: ", b" From: ", "headers"),
        (b"From: ", b"From : ", "headers"),
        (b"From: ", b"From ", "headers"),
        (b"From: ", b"\r\nFrom: ", "headers"),
        (b"From: ", b"X: 1\r\n" * 101 + b"From: ", "headers"),
        (b"From: ", b"X: " + b"x" * 1000 + b"\r\nFrom: ", "headers"),
        (b"From: ", (b"X: " + b"x" * 900 + b"\r\n") * 40 + b"From: ", "headers"),
    ],
)
def test_what_is_malformed_is_refused_by_name(before: bytes, after: bytes, wrong: str) -> None:
    """MAIL-MESSAGE names what is wrong; nothing is repaired, nothing is guessed."""
    assert refused(changed(before, after)) == wrong


def test_two_envelopes_are_none() -> None:
    """A message with two parts of the type cannot say which one counts."""
    part = WRITTEN[WRITTEN.index(b"--=_fse-sim\r\n") : WRITTEN.index(b"--=_fse-sim--")]
    assert refused(changed(b"--=_fse-sim--", part + b"--=_fse-sim--")) == "parts"


def test_the_largest_envelope_passes_and_one_byte_more_does_not() -> None:
    """The bound of the message leaves room for the largest envelope, and the bound of the envelope holds."""
    largest = replace(MESSAGE, envelope=bytes(MAX_ENVELOPE_BYTES))
    assert read_message(build_message(largest)) == largest
    assert refused(build_message(replace(MESSAGE, envelope=bytes(MAX_ENVELOPE_BYTES + 1)))) == "envelope"
    assert refused(b"x" * (MAX_MESSAGE_BYTES + 1)) == "size"


def test_a_bomb_of_parts_is_refused_before_it_opens() -> None:
    """Parts within parts, thousands deep: one level is looked at, so that depth costs nothing."""
    bomb = b"".join(
        b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (depth, depth + 1)
        for depth in range(20_000)
    )
    assert refused(changed(b'"=_fse-sim"', b'"b0"') + bomb) == "parts"


@given(st.binary(max_size=400))
@example(b"")
@example(b"\n\n")
@example(b":\n\n")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No bytes do anything but be refused by name."""
    assert refused(data)


@given(st.data())
def test_a_changed_message_is_read_or_refused(data: st.DataObject) -> None:
    """A piece cut out, doubled or replaced anywhere: a message by the same rules, or a refusal by name."""
    start = data.draw(st.integers(0, len(WRITTEN)))
    end = data.draw(st.integers(start, len(WRITTEN)))
    piece = data.draw(st.one_of(st.just(WRITTEN[start:end] * 2), st.binary(max_size=20), st.just(b"\r\n\r\n")))
    hurt = WRITTEN[:start] + piece + WRITTEN[end:]
    try:
        found = read_message(hurt)
    except MailError:
        return
    assert read_message(build_message(found)) == found
