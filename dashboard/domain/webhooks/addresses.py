"""May this address be called? One that leads into our own network may not, whatever name it goes by."""

import ipaddress
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..errors import Problem

LONGEST_URL = 500
# By RFC 6052 its last four bytes are an IPv4 address, to which a gateway may lead.
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PrivateAddressError(Exception):
    """The host's name leads to an address that is not public."""


class UnresolvedError(Exception):
    """Nobody knows the host's name."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was checked, ready for a socket of this family."""

    family: socket.AddressFamily
    ip: str
    address: tuple[Any, ...]


def problems(url: str, private_allowed: bool) -> list[Problem]:
    """What keeps it from being called. A name that nobody knows at present is none: each call looks anew."""
    if len(url) > LONGEST_URL:
        return [Problem("url", "webhook_url_too_long", {"limit": LONGEST_URL})]
    parts = _parts(url)
    if parts is None:
        return [Problem("url", "webhook_url_invalid")]
    if private_allowed:
        return []
    if parts.scheme != "https":
        return [Problem("url", "webhook_url_not_https")]
    try:
        targets(parts.hostname or "", parts.port or 443, private_allowed)
    except PrivateAddressError:
        return [Problem("url", "webhook_url_private")]
    except UnresolvedError:
        pass
    return []


def _parts(url: str) -> SplitResult | None:
    """None for what is no address of a web server, or carries a name and a password."""
    if not url.isprintable() or any(character.isspace() or character == "\\" for character in url):
        return None
    try:
        parts = urlsplit(url)
        is_bare = parts.username is None and parts.password is None and not parts.fragment
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and is_bare
    except ValueError:
        return None
    return parts if is_right else None


def targets(host: str, port: int, private_allowed: bool) -> list[Target]:
    """Where this name leads at this moment. One that leads anywhere into our own network is refused as a whole.

    Raises PrivateAddressError and UnresolvedError.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnresolvedError(host) from error
    answers = [
        Target(family, str(address[0]), address)
        for family, _kind, _protocol, _name, address in found
        if family in (socket.AF_INET, socket.AF_INET6)
    ]
    if not answers:
        raise UnresolvedError(host)
    if not private_allowed and not all(is_public(each.ip) for each in answers):
        raise PrivateAddressError(host)
    return answers


def is_public(address: str) -> bool:
    """Not loopback, link-local, private, shared, reserved, multicast or unspecified; nor an IPv6 address that
    stands for such an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return all(each.is_global and not each.is_multicast for each in (ip, *_inside(ip)))


def _inside(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """IPv4 addresses that an IPv6 address may lead to: mapped, compatible, 6to4, Teredo, NAT64."""
    if isinstance(ip, IPv4Address):
        return []
    teredo = ip.teredo or ()
    found = [each for each in (ip.ipv4_mapped, ip.sixtofour, *teredo) if each is not None]
    if ip in NAT64 or int(ip) >> 32 == 0:
        found.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    return found
