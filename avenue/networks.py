"""Tells hosts on the public Internet from hosts of one machine or a private network.

Three questions: `is_public` (may the server connect to an address that a client chose?),
`is_private_host` (is a URL useless to visitors?) and `is_trusted_host` (may a URL from the settings
skip the check of the address?). A trusted host is always private; a private one is never public.

Addresses are judged by the special-purpose registries of IANA (RFC 6890 and later registrations),
not by Python's `is_global` and `is_private`, which differ between releases.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NOT_PUBLIC_V4 = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network (RFC 791)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # behind a carrier's NAT (RFC 6598)
        "127.0.0.0/8",  # loopback (RFC 1122)
        "169.254.0.0/16",  # link-local, and where clouds keep credentials (RFC 3927)
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.31.196.0/24",  # AS112 (RFC 7535)
        "192.52.193.0/24",  # AMT (RFC 7450)
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "192.175.48.0/24",  # AS112 (RFC 7534)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/3",  # multicast, reserved, broadcast (RFC 5771, RFC 1112, RFC 919)
    )
)
_GLOBAL_V6 = ip_network("2000::/3")  # all that is allocated (RFC 4291, section 2.4)
_NOT_PUBLIC_V6 = tuple(
    ip_network(each)
    for each in (
        "2001::/23",  # protocol assignments, among them Teredo and ORCHID (RFC 2928)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4: leads to the IPv4 address in it (RFC 3056)
        "2620:4f:8000::/48",  # AS112 (RFC 7534)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_NAT64 = ip_network("64:ff9b::/96")  # the form used by networks without IPv4 (RFC 6052)
_ISATAP = 0x5EFE  # in an interface id: the IPv4 address follows (RFC 5214); ignoring the bit 0x200
_LAST_32_BITS = 0xFFFFFFFF

_TRUSTED = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/32",  # this machine
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "::/128",  # this machine
        "::1/128",
        "fc00::/7",  # private (RFC 4193)
        "fe80::/10",  # link-local (RFC 4291)
    )
)
# Reserved for one machine or one private network: RFC 6761, RFC 6762, and ICANN for `internal`.
_TRUSTED_ENDINGS = (".internal", ".local", ".localhost")
# Some are only a habit of routers and distributions, so nothing is trusted because of them.
_PRIVATE_ENDINGS = (*_TRUSTED_ENDINGS, ".home.arpa", ".intranet", ".lan", ".localdomain")


def is_private_host(host: str) -> bool:
    """Return whether no visitor reaches `host`: one machine or one private network knows it.

    A name without a dot is one of a container network (`backend`) or `localhost`.
    """
    host = host.rstrip(".")
    try:
        ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_ENDINGS)
    return not is_public(host)


def is_trusted_host(host: str) -> bool:
    """Return whether a URL from the settings with `host` may be `http` and skip `is_public`.

    Narrower than `is_private_host`: addresses behind a carrier's NAT, for one, are strangers' too.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_TRUSTED_ENDINGS)
    return any(address in each for each in _TRUSTED)


def is_public(text: str) -> bool:
    """Return whether `text` is an address that is reachable from the whole Internet.

    An IPv4 address within an IPv6 address is checked if networks translate it by themselves; all
    other embedded ones are rejected.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return _is_public_v4(address) if isinstance(address, IPv4Address) else _is_public_v6(address)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in each for each in _NOT_PUBLIC_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    within = address.ipv4_mapped
    if within is None and address in _NAT64:
        within = IPv4Address(int(address) & _LAST_32_BITS)
    if within is not None:
        return _is_public_v4(within)
    if (int(address) >> 32) & 0xFDFFFFFF == _ISATAP:
        return False
    return address in _GLOBAL_V6 and not any(address in each for each in _NOT_PUBLIC_V6)
