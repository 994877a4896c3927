"""
Postfix and dovecot of the tests' own: everything in one folder, ports of loopback only, nothing of the system touched.

Debian's packages (``apt install postfix dovecot-imapd dovecot-pop3d``). Both start as root and run as the users that
their packages make; what is delivered belongs to the system's user ``mail``.
"""

from __future__ import annotations

import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Servers", "running"]

_OWNER = "mail"
_SECONDS = 20

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = mx.rss.test
mydestination =
smtpd_relay_restrictions = reject_unauth_destination
default_transport = error:nothing leaves this machine
inet_interfaces = loopback-only
inet_protocols = ipv4
smtpd_peername_lookup = no
smtp_host_lookup = native
message_size_limit = 12000000
virtual_mailbox_limit = 0
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
relay_domains = {relayed}
transport_maps = inline:{{ {routes} }}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {chain}
"""
_MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""
_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{chain}
ssl_key = <{chain}
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
"""


@dataclass(frozen=True)
class Servers:
    """Where they listen: the port of each protocol by its scheme, and the folder of everything."""

    folder: Path
    ports: Mapping[str, int]

    def logs(self) -> str:
        """Return what both have written, for a test that fails."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@contextmanager
def running(chain: bytes, accounts: Mapping[str, tuple[str, str]], routes: Mapping[str, int]) -> Iterator[Servers]:
    """
    Yield the servers; they and everything in them are gone afterwards.

    ``chain`` is their key and certificate (PEM). ``accounts`` gives name and password at dovecot of each address that
    postfix delivers to, ``routes`` the port of this machine to which postfix hands the mail of a domain.
    """
    folder = Path(tempfile.mkdtemp(prefix="fse-mail-"))
    folder.chmod(0o755)
    owner = pwd.getpwnam(_OWNER)
    ports = dict(zip(("smtp", "imap", "imaps", "pop3", "pop3s"), _free_ports(5), strict=True))
    facts = {
        "folder": folder,
        "chain": folder / "chain.pem",
        "uid": owner.pw_uid,
        "gid": owner.pw_gid,
        "domains": " ".join(sorted({address.partition("@")[2] for address in accounts})),
        "boxes": ", ".join(f"{{ {address} = {name}/ }}" for address, (name, _) in accounts.items()),
        "relayed": " ".join(routes),
        "routes": ", ".join(f"{{ {domain} = smtp:[127.0.0.1]:{port} }}" for domain, port in routes.items()),
        **ports,
    }
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        _write(folder / "chain.pem", chain, 0o600)
        for name in ("postfix", "queue", "data", "mail", "run", "state"):
            (folder / name).mkdir()
        shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        shutil.chown(folder / "data", "postfix")
        _write(folder / "postfix" / "main.cf", _MAIN.format(**facts).encode(), 0o644)
        _write(folder / "postfix" / "master.cf", _MASTER.format(**facts).encode(), 0o644)
        _write(folder / "dovecot.conf", _DOVECOT.format(**facts).encode(), 0o644)
        users = "".join(f"{name}:{{PLAIN}}{password}\n" for name, password in accounts.values())
        _write(folder / "users", users.encode(), 0o644)
        _run("postfix", "-c", folder / "postfix", "start")
        stack.callback(_run, "postfix", "-c", folder / "postfix", "abort")
        with (folder / "start.log").open("wb") as log:
            command: list[str | Path] = [shutil.which("dovecot") or "dovecot", "-F", "-c", folder / "dovecot.conf"]
            dovecot = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        stack.callback(dovecot.wait, _SECONDS)
        stack.callback(dovecot.terminate)
        servers = Servers(folder, ports)
        for port in ports.values():
            _wait_for(port, servers)
        yield servers


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(closing(socket.create_server(("127.0.0.1", 0)))) for _ in range(count)]
        return [one.getsockname()[1] for one in taken]


def _write(path: Path, content: bytes, mode: int) -> None:
    path.touch(mode)
    path.write_bytes(content)


def _run(*command: str | Path) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if result.returncode:
        message = f"{command}: {result.stderr}{result.stdout}"
        raise RuntimeError(message)


def _wait_for(port: int, servers: Servers) -> None:
    limit = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > limit:
                raise RuntimeError(servers.logs()) from None
            time.sleep(0.05)
        else:
            return
