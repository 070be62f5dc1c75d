"""The live page, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.bridge.running import ORDER_MAX, until

expect.set_options(timeout=20_000)
DESKTOP = {"viewport": {"width": 1360, "height": 900}}
TABLET = {"viewport": {"width": 800, "height": 600}}
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
BRIGHTNESS = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
}"""
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_the_page_shows_the_camera_the_boxes_and_the_arm(bridge, open_page):
    page = open_page(bridge.url, **DESKTOP)

    expect(page.locator("#view")).to_have_attribute("data-here", "true")
    expect(page.locator("#link-text")).to_have_text("Live")
    expect(page.locator("#seen li")).to_have_text(["2 gears", "2 bolts", "2 nuts"])
    until(lambda: page.locator("#picture").evaluate(BRIGHTNESS) > 40, what="a picture")
    until(lambda: page.locator("#boxes").evaluate(BRIGHTNESS) > 1, what="boxes")
    expect(page.locator("#x")).to_have_text("500mm")
    expect(page.locator("#rate")).to_have_text(re.compile(r"\d+\.\d images/s"))
    expect(page.locator("#nodes li")).to_have_count(4)
    expect(page.locator("#bundle")).to_contain_text("sorting_cell 0.1.0")


def test_an_order_is_placed_by_clicking_and_seen_to_its_end(bridge, cell, open_page):
    cell.say("sorter slow")
    page = open_page(bridge.url, **DESKTOP)

    page.get_by_role("button", name="one more gear").click()
    page.get_by_role("button", name="one more bolt").click()
    page.get_by_role("radio", name="B").check()
    page.get_by_role("button", name="Order 1 gear, 1 bolt into B").click()

    order = page.locator("#orders li").first
    expect(order).to_have_attribute("data-state", "running")
    expect(order).to_contain_text("1 gear, 1 bolt into B")
    expect(page.locator("#submit")).to_have_text("Choose parts")
    bar = order.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "1")
    expect(order).to_have_attribute("data-state", "succeeded")
    expect(bar).to_have_attribute("aria-valuenow", "2")
    expect(order).to_contain_text("2 parts lie in bin B")
    expect(page.locator("#log")).to_contain_text("succeeded: 2 parts lie in bin B")


def test_an_order_can_be_placed_with_the_keyboard_alone(bridge, open_page):
    page = open_page(bridge.url, **DESKTOP)
    page.get_by_role("spinbutton", name="nut").focus()

    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    expect(page.locator("#orders li").first).to_contain_text("1 nut into A")
    expect(page.locator("#orders li").first).to_have_attribute("data-state", "succeeded")


def test_a_running_order_can_be_cancelled_on_the_page(bridge, cell, open_page):
    cell.say("sorter slow")
    page = open_page(bridge.url, **DESKTOP)
    number = bridge.post({"bolt": 3}).json()["number"]

    page.get_by_role("button", name=f"Cancel order {number}").click()

    expect(page.locator("#orders li").first).to_have_attribute("data-state", "cancelled")


def test_more_than_the_tray_holds_cannot_be_ordered(bridge, open_page):
    page = open_page(bridge.url, **DESKTOP)
    page.get_by_role("spinbutton", name="gear").fill(str(ORDER_MAX))

    expect(page.get_by_role("button", name="one more nut")).to_be_disabled()
    page.get_by_role("spinbutton", name="gear").fill(str(ORDER_MAX + 1))
    expect(page.locator("#submit")).to_have_text(f"At most {ORDER_MAX} parts in one order")
    expect(page.locator("#submit")).to_be_disabled()


def test_the_page_says_plainly_when_the_robot_is_away_and_when_it_is_back(bridge, cell, open_page):
    page = open_page(bridge.url, **DESKTOP)
    expect(page.locator("#link-text")).to_have_text("Live")

    cell.say("silence simulated_robot")

    expect(page.locator("#link-text")).to_have_text("Robot away")
    expect(page.locator("#banner")).to_contain_text("simulated_robot fell silent")
    expect(page.locator("#veil")).to_be_visible()
    cell.say("wake simulated_robot")
    expect(page.locator("#link-text")).to_have_text("Live")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#veil")).to_be_hidden()


def test_the_page_comes_back_by_itself_when_the_bridge_does(start_bridge, cell, open_page):
    with start_bridge() as bridge:
        # The browser itself complains of a server that is gone.
        page = open_page(bridge.url, may_complain=True, **DESKTOP)
        expect(page.locator("#link-text")).to_have_text("Live")
        page.get_by_role("button", name="one more nut").click()
        bridge.stop()
        expect(page.locator("#link-text")).to_have_text("Reconnecting")
        expect(page.locator("#banner")).to_contain_text("The bridge does not answer")

    with start_bridge():
        expect(page.locator("#link-text")).to_have_text("Live")
        # What was typed is still there.
        expect(page.locator("#submit")).to_have_text("Order 1 nut into A")


@pytest.mark.parametrize("window", [DESKTOP, TABLET, PHONE])
def test_nothing_is_cut_off_at_any_width(bridge, open_page, window):
    page = open_page(bridge.url, **window)
    expect(page.locator("#view")).to_have_attribute("data-here", "true")
    width = window["viewport"]["width"]

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.locator("main button:visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_light_and_dark_follow_the_machine_until_the_reader_chooses(bridge, open_page):
    page = open_page(bridge.url, color_scheme="dark", **DESKTOP)
    dark = page.evaluate(BACKGROUND)
    page.emulate_media(color_scheme="light")
    assert page.evaluate(BACKGROUND) != dark

    page.get_by_role("button", name="Switch between light and dark").click()

    assert page.evaluate(BACKGROUND) == dark
    page.reload()
    assert page.evaluate(BACKGROUND) == dark


def test_the_page_asks_nobody_else_for_anything(bridge, browser):
    asked = []
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))

    page.goto(bridge.url)
    expect(page.locator("#view")).to_have_attribute("data-here", "true")

    assert len(asked) > 5
    assert [url for url in asked if not url.startswith(bridge.url)] == []
    context.close()
