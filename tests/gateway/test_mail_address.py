"""Addresses by the public convention, and never a real one; servers; accounts that never show their password."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from fse.errors import FseError
from gateway.errors import GatewayError
from gateway.mail_address import MailServer, biller_address, caisse_address, check_domain, check_mail_address
from gateway.mail_server import MailAccount, tls_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALL = ("smtp", "smtps", "imap", "imaps", "pop3", "pop3s")


def rule_of(call: Callable[..., object], *arguments: object) -> str:
    """Return the rule that ``call`` refuses by."""
    with pytest.raises(FseError) as refusal:
        call(*arguments)
    return refusal.value.rule.id


def test_the_public_convention() -> None:
    """RRooo@ooo.RR.: the public example (régime 01, caisse 422), under a domain that cannot exist."""
    assert caisse_address("014220000") == "01422@422.01.rss.test"
    assert caisse_address("019990000", "fse.example") == "01999@999.01.fse.example"
    assert biller_address("629990011") == "629990011@facturier.rss.test"
    assert biller_address("2A0002689") == "2A0002689@facturier.rss.test"


@pytest.mark.parametrize("domain", ["rss.fr", "test.fr", "rss.test.fr", "sesam-vitale.fr", "test-x", "fr"])
def test_no_message_can_go_to_a_real_domain(domain: str) -> None:
    """ADDRESS-REAL: the real rss.fr and everything else that may exist, as a domain and inside an address."""
    assert rule_of(check_domain, domain) in {"ADDRESS-REAL", "MAIL-ADDRESS"}
    assert rule_of(caisse_address, "014220000", domain) in {"ADDRESS-REAL", "MAIL-ADDRESS"}
    assert rule_of(biller_address, "629990011", domain) in {"ADDRESS-REAL", "MAIL-ADDRESS"}


def test_the_real_domain_is_refused_by_its_own_name() -> None:
    """The one real domain that the public sources name gives ADDRESS-REAL, with the address that was meant."""
    with pytest.raises(GatewayError) as refusal:
        check_mail_address("01422@422.01.rss.fr")
    assert (refusal.value.rule.id, refusal.value.facts) == ("ADDRESS-REAL", {"address": "01422@422.01.rss.fr"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01422",
        "@422.01.rss.test",
        "01422@",
        "01422@127.0.0.1",
        "01422@[127.0.0.1]",
        "a b@rss.test",
        "a@b@rss.test",
        "a@rss..test",
        "a@-rss.test",
        "a@rss.test\r\nRCPT TO:<b@rss.test>",
        "<a@rss.test>",
        "é@rss.test",
        "a" * 65 + "@rss.test",
        "a@" + "b" * 64 + ".test",
        "a@" + "b." * 125 + "test",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """MAIL-ADDRESS: nothing that could be two addresses, a command, or a host by its number."""
    assert rule_of(check_mail_address, text) == "MAIL-ADDRESS"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:2525", MailServer("smtp", "127.0.0.1", 2525)),
        ("smtp://127.0.0.1", MailServer("smtp", "127.0.0.1", 25)),
        ("smtps://[::1]", MailServer("smtps", "::1", 465)),
        ("imap://mail.rss.test", MailServer("imap", "mail.rss.test", 143)),
        ("imaps://mail.example/", MailServer("imaps", "mail.example", 993)),
        ("pop3://127.0.0.1", MailServer("pop3", "127.0.0.1", 110)),
        ("pop3s://127.0.0.1", MailServer("pop3s", "127.0.0.1", 995)),
    ],
)
def test_servers(url: str, expected: MailServer) -> None:
    """The ports are those of RFC 5321, 8314, 9051 and 1939."""
    assert MailServer.parse(url, *ALL) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1",
        "smtp://",
        "smtp://user@127.0.0.1",
        "smtp://user:secret-word@127.0.0.1",
        "smtp://127.0.0.1:99999",
        "smtp://127.0.0.1:x",
        "smtp://127.0.0.1/box",
        "smtp://127.0.0.1?x=1",
        "smtp://[::1",
    ],
)
def test_what_is_no_server(url: str) -> None:
    """MAIL-SERVER: and a password on the command line is refused without being repeated."""
    with pytest.raises(GatewayError) as refusal:
        MailServer.parse(url, *ALL)
    assert refusal.value.rule.id == "MAIL-SERVER"
    assert "secret-word" not in str(refusal.value)


@pytest.mark.parametrize("url", ["smtp://smtp.rss.fr", "imaps://192.0.2.7", "pop3://localhost.evil"])
def test_no_real_server(url: str) -> None:
    """ADDRESS-REAL: servers live on this machine or under reserved names too."""
    assert rule_of(MailServer.parse, url, *ALL) == "ADDRESS-REAL"


def test_only_one_kind_of_server_is_asked_for() -> None:
    """A mailbox is no place to send to: the scheme is one of those that fit."""
    assert rule_of(MailServer.parse, "imap://127.0.0.1", "smtp", "smtps") == "MAIL-SERVER"


@pytest.mark.parametrize(
    ("url", "local"),
    [("smtp://127.0.0.1", True), ("smtp://127.9.9.9", True), ("smtp://[::1]", True), ("smtp://a.localhost", False)],
)
def test_loopback_is_an_address_not_a_name(url: str, *, local: bool) -> None:
    """A name may be made to lead anywhere: it takes TLS, whatever it is called."""
    assert MailServer.parse(url, "smtp").on_this_machine is local


def test_off_this_machine_tls_verifies() -> None:
    """RFC 8314: TLS with certificate and name verified, and nobody can hand in a configuration that does not."""
    away, here = MailServer.parse("smtp://mail.rss.test", "smtp"), MailServer.parse("smtp://127.0.0.1", "smtp")
    for server in (away, MailServer.parse("smtps://127.0.0.1", "smtps")):
        found = tls_context(server, None)
        assert found is not None
        assert (found.check_hostname, found.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert tls_context(here, None) is None
    lax = ssl.create_default_context()
    lax.check_hostname = False
    assert rule_of(tls_context, away, lax) == "MAIL-TLS"
    lax.verify_mode = ssl.CERT_NONE
    assert rule_of(tls_context, here, lax) == "MAIL-TLS"


def test_an_account_is_read_from_its_owners_file(tmp_path: Path) -> None:
    """Name and password come from a file of the owner, and the password is in no repr."""
    path = tmp_path / "account"
    path.write_text("biller\nsecret word\n", encoding="ascii")
    path.chmod(0o600)
    found = MailAccount.read(path)
    assert (found.name, found.password) == ("biller", "secret word")
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        (b"biller\nsecret\n", 0o640),
        (b"biller\nsecret\n", 0o604),
        (b"biller\n", 0o600),
        (b"biller\n\n", 0o600),
        (b"biller\nsecret\nthird\n", 0o600),
        (b"biller\nse\tcret\n", 0o600),
        (b"biller\ns\xc3\xa9cret\n", 0o600),
        (b"", 0o600),
    ],
)
def test_what_is_no_account(tmp_path: Path, content: bytes, mode: int) -> None:
    """MAIL-ACCOUNT: a file that others may read, or that could smuggle a command, is refused, its content unsaid."""
    path = tmp_path / "account"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(GatewayError) as refusal:
        MailAccount.read(path)
    assert refusal.value.rule.id == "MAIL-ACCOUNT"
    assert "cret" not in str(refusal.value)
    assert rule_of(MailAccount.read, tmp_path / "none") == "MAIL-ACCOUNT"
