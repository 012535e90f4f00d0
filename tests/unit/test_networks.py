"""Which hosts are public, private and trusted; addresses that have been used to reach others."""

from avenue.networks import is_private_host, is_public, is_trusted_host
from tests.table import table

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:7f00:1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "2a00:1450::5efe:7f00:1",
    "2a00:1450::200:5efe:a00:1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2a00:1450::1%1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
]


@table("address", PUBLIC)
def test_a_public_address_is_public(address):
    assert is_public(address)


@table("address", NOT_PUBLIC)
def test_no_other_address_is(address):
    assert not is_public(address)


@table(
    "host, private, trusted",
    [
        ("shop.example", False, False),
        ("localhost.example", False, False),
        ("8.8.8.8", False, False),
        ("localhost", True, True),
        ("backend", True, True),
        ("api.localhost", True, True),
        ("nas.local", True, True),
        ("hooks.internal", True, True),
        ("127.0.0.1", True, True),
        ("0.0.0.0", True, True),  # noqa: S104
        ("10.0.0.3", True, True),
        ("192.168.1.20", True, True),
        ("169.254.1.1", True, True),
        ("198.18.0.1", True, True),
        ("::1", True, True),
        ("fd00::1", True, True),
        ("fe80::1%eth0", True, True),
        ("localhost.", True, False),
        ("hooks.internal.", True, False),
        ("nas.lan", True, False),
        ("shop.localdomain", True, False),
        ("shop.intranet", True, False),
        ("shop.home.arpa", True, False),
        ("100.64.0.1", True, False),
        ("224.0.0.1", True, False),
        ("203.0.113.5", True, False),
        ("64:ff9b::7f00:1", True, False),
        ("2002:7f00:1::", True, False),
        ("::ffff:10.0.0.1", True, False),
        ("fec0::1", True, False),
    ],
)
def test_what_is_trusted_is_private_and_what_is_private_is_not_public(host, private, trusted):
    assert (is_private_host(host), is_trusted_host(host)) == (private, trusted)
    assert not (is_public(host) and private)


@table("address", NOT_PUBLIC)
def test_no_visitor_reaches_an_address_that_is_not_public(address):
    assert is_private_host(address) or address in {"127.1", "0177.0.0.1"}  # read as names
