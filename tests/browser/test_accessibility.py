"""What axe finds on the page with orders in every state, silent nodes and errors: nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.browser.axe import complaints
from tests.browser.windows import DESKTOP, PHONE, ZOOMED

STATES = ("running", "queued", "cancelled", "failed", "succeeded")


@pytest.fixture
def orders_in_every_state(bridge, cell):
    for way, end in (("quick", "succeeded"), ("fail", "failed")):
        cell.say(f"sorter {way}")
        bridge.until_state(bridge.post({"gear": 2}).json()["id"], end)
    cell.say("sorter slow")
    orders = [bridge.post({"bolt": 9}).json()["id"] for _ in range(3)]
    bridge.http.post(f"/v1/orders/{orders[2]}/cancel")
    bridge.until_state(orders[0], "running")
    cell.say("silence detector")
    yield
    for order_id in orders[1::-1]:
        bridge.http.post(f"/v1/orders/{order_id}/cancel")
    bridge.until_state(orders[0], "cancelled", "succeeded")


def test_axe_finds_nothing_in_light_dark_and_zoomed_or_on_a_phone(orders_in_every_state, bridge, open_page):
    for window in (DESKTOP, {**PHONE, "color_scheme": "dark"}):
        page = open_page(bridge.url, may_complain=True, **window)
        for state in STATES:
            expect(page.get_by_role("listitem").get_by_text(state, exact=True).first).to_be_visible()
        expect(page.locator("#banner")).to_contain_text("detector fell silent")
        page.get_by_role("button", name="one more nut").click()
        page.route("**/v1/orders*", lambda route: route.abort())
        page.get_by_role("button", name="Order 1 nut").click()
        expect(page.locator("#problem")).to_be_visible()
        page.get_by_role("list", name="Orders").get_by_role("button", name="#").last.click()
        expect(page.get_by_text("Placed", exact=True)).to_be_visible()
        page.get_by_text("Proof passed").click()

        assert complaints(page) == []
        page.emulate_media(color_scheme="light" if "color_scheme" in window else "dark")
        assert complaints(page) == []
        page.set_viewport_size(ZOOMED["viewport"])
        assert complaints(page) == []
