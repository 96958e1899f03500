"""Where requests go, and whether a key may go there."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from sam3i_model.chat.budget import AgentError

KEY_VARIABLE = "SAM3I_API_KEY"


def endpoint(address: str) -> str:
    """The full address of chat completions.

    Raises:
        AgentError: It is no http address, or has a key or options in it.
    """
    try:
        parts = urlsplit(address.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise AgentError(f"'{address}' is no address: give one like http://localhost:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise AgentError(f"the address takes no key or options: put the key in {KEY_VARIABLE}")
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = f"{path or '/v1'}/chat/completions"
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_near(url: str) -> bool:
    """Whether its host, by how it is written, is this machine or one in the same network."""
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_private
    with suppress(OSError, ValueError):  # "0x08080808" is an address too, for who looks it up
        return ipaddress.ip_address(socket.inet_aton(host)).is_private
    # Other scripts have dots of their own.
    return host.isascii() and ("." not in host or host.endswith(".local"))


def check_key(key: str, url: str) -> None:
    """Refuse to send a key in the clear to a machine that isn't near.

    Raises:
        AgentError: It would be, or it is no key.
    """
    if not key.isascii() or not key.isprintable():
        raise AgentError(f"{KEY_VARIABLE} has characters that no key has: set it anew")
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_near(url):
        raise AgentError(
            f"{KEY_VARIABLE} would go to {parts.hostname} for everybody to read: use https, or "
            "unset it"
        )
