"""Webhooks go to addresses that everybody can reach, and elsewhere only where somebody has said so."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_bridge.outward.destinations import LOOPBACK, Destinations
from trunnion_bridge.problem import Refused
from trunnion_contract.errors import BadInput

INSIDE = [
    "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::1",
]  # fmt: skip
OUTSIDE = ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_however_it_is_written(address: str) -> None:
    destinations = Destinations()
    assert not destinations.allows("erp.example", ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(Refused) as refusal:
        destinations.check_url(f"https://{host}/hook")
    assert refusal.value.code == "webhook-url"


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_taken(address: str) -> None:
    assert Destinations().allows("erp.example", ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example/hook",
        "ftp://erp.example/",
        "file:///etc/passwd",
        "https://",
        "https:///hook",
        "https://user:password@erp.example/",
        "https://erp.example/#fragment",
        "https://erp.example:99999/",
        "https://erp.example/\r\nX-Header: 1",
        "https://erp.example/ä",
        "https://[::1",
        "hook",
    ],
)
def test_what_is_no_https_address_of_a_receiver_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        Destinations().check_url(url)


def test_what_is_named_may_be_inside_and_without_tls_and_nothing_else() -> None:
    destinations = Destinations(["erp.local", "10.1.0.0/16", *LOOPBACK])

    for url in ("http://erp.local/", "http://ERP.local.:8000/", "http://10.1.2.3/", "http://[::1]:9000/"):
        destinations.check_url(url)
    assert destinations.allows("erp.local", ipaddress.ip_address("192.168.7.7"))
    assert destinations.allows("any.example", ipaddress.ip_address("10.1.2.3"))
    assert not destinations.allows("any.example", ipaddress.ip_address("10.2.2.3"))
    for url in ("http://10.2.0.1/", "https://10.2.0.1/", "http://evil-erp.local/", "http://localhost/"):
        with pytest.raises(Refused):
            destinations.check_url(url)


@pytest.mark.parametrize("entry", ["http://erp.local", "*.local", "10.1.0.0/99", "a b", " "])
def test_an_entry_that_names_no_host_is_refused(entry: str) -> None:
    with pytest.raises(BadInput, match="webhook-allow"):
        Destinations([entry])


@given(st.text(max_size=60) | st.from_regex(r"https?://[!-~]{0,40}", fullmatch=True))
def test_whatever_stands_for_a_url_is_taken_or_refused(url: str) -> None:
    try:
        Destinations().check_url(url)
    except Refused:
        return
    assert url.lower().startswith("https://")
