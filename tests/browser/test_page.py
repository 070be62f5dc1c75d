"""The live page, in a real browser."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import expect
from tests.bridge.conftest import NODES
from tests.bridge.running import until
from tests.browser.axe import complaints
from tests.browser.windows import DESKTOP, PHONE, TABLET, ZOOMED

BRIGHTNESS = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
}"""
SAID = """() => {
    const place = document.getElementById("said");
    window.said = [];
    const watch = new MutationObserver(() => said.push(place.textContent));
    watch.observe(place, {childList: true, characterData: true, subtree: true});
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
    expect(page.get_by_role("list", name="Robots")).to_contain_text("cell")
    expect(page.get_by_role("list", name="Nodes").get_by_role("listitem")).to_have_count(4)
    expect(page.get_by_role("list", name="Bridge")).to_contain_text("takes orders")


def test_the_models_are_shown_with_what_was_proven_of_them(bridge, open_page):
    page = open_page(bridge.url, **DESKTOP)
    models = page.get_by_role("list", name="Models")

    expect(models).to_contain_text("sorting_cell 0.1.0")
    expect(models).to_contain_text("active on detector, not installed here")
    models.get_by_text("Proof passed, 1 of 1 gates").click()
    expect(models.get_by_text("detector mAP50: 0.95, wanted at least 0.90, passed")).to_be_visible()


def test_the_page_says_plainly_when_the_robot_is_away_and_when_it_is_back(bridge, cell, open_page):
    page = open_page(bridge.url, **DESKTOP)
    expect(page.locator("#link-text")).to_have_text("Live")

    cell.say("silence simulated_robot")

    expect(page.locator("#link-text")).to_have_text("Robot away")
    expect(page).to_have_title(re.compile("^Robot away"))
    expect(page.get_by_role("alert").first).to_contain_text("simulated_robot fell silent")
    expect(page.locator("#veil")).to_be_visible()
    cell.say("wake simulated_robot")
    expect(page.locator("#link-text")).to_have_text("Live")
    expect(page.get_by_text("The robot is back, after")).not_to_have_count(0)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#veil")).to_be_hidden()


def test_a_ros_graph_that_vanishes_and_returns_is_one_sentence_each(bridge, cell, open_page):
    page = open_page(bridge.url, **DESKTOP)
    expect(page.locator("#link-text")).to_have_text("Live")
    for node in NODES:
        cell.say(f"silence {node}")

    expect(page.locator("#banner")).to_contain_text("nothing is heard of any of its 4 nodes")
    expect(page.get_by_role("list", name="Nodes").get_by_text("silent for")).to_have_count(4)
    page.evaluate(SAID)  # a second sentence may take the place of the first before anybody looks
    for node in NODES:
        cell.say(f"wake {node}")
    until(lambda: any("The robot is back" in said for said in page.evaluate("said")), what="the word of it")


def test_changes_that_were_missed_are_told_when_the_connection_is_back(bridge, open_page):
    page = open_page("about:blank", **DESKTOP)
    sockets, is_cut = [], False

    def pass_on(socket):
        if is_cut:
            socket.close()
        else:
            socket.connect_to_server()
            sockets.append(socket)

    page.route_web_socket("**/v1/events*", pass_on)
    page.goto(bridge.url)
    expect(page.locator("#link-text")).to_have_text("Live")
    is_cut = True
    sockets[0].close()
    expect(page.locator("#banner")).to_contain_text("The bridge does not answer since")
    order = bridge.post({"bolt": 1}).json()
    bridge.until_state(order["id"], "succeeded")

    is_cut = False

    expect(page.locator("#link-text")).to_have_text("Live")
    events = page.get_by_role("group", name="Events, newest first")
    expect(events).to_contain_text(f"Order #{order['number']} queued")
    expect(events).to_contain_text(f"Order #{order['number']} succeeded: 1 parts lie in bin B")
    assert len(sockets) == 2


def test_the_page_comes_back_by_itself_and_says_what_it_cannot_tell(start_bridge, cell, tmp_path, open_page):
    with start_bridge() as bridge:
        bridge.until_state(bridge.post({"bolt": 1}).json()["id"], "succeeded")
        # The browser itself complains of a server that is gone.
        page = open_page(bridge.url, may_complain=True, **DESKTOP)
        expect(page.get_by_role("list", name="Orders")).to_contain_text("1 bolt into B")
        page.get_by_role("button", name="one more nut").click()
        bridge.stop()
        expect(page.locator("#link-text")).to_have_text("Reconnecting")
        assert complaints(page) == []

    shutil.rmtree(tmp_path / "data")
    with start_bridge():
        expect(page.locator("#link-text")).to_have_text("Live")
        events = page.get_by_role("group", name="Events, newest first")
        expect(events).to_contain_text("Connected again, after")
        expect(events).to_contain_text("Some changes of orders since the connection was lost cannot be told")
        expect(page.get_by_text("No orders yet.")).to_be_visible()
        assert complaints(page) == []
        # What was typed is still there.
        expect(page.get_by_role("button", name="Order 1 nut into A")).to_be_enabled()


@pytest.mark.parametrize("window", [DESKTOP, TABLET, ZOOMED, PHONE])
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
