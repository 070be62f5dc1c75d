"""Orders on the page, as those who place and watch them have it."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.bridge.running import ORDER_MAX
from tests.browser.windows import DESKTOP


def order(page, number):
    """The row of an order, wherever it stands."""
    title = page.get_by_role("button", name=re.compile(f"^#{number} "))
    return page.get_by_role("listitem").filter(has=title)


def test_an_order_is_placed_by_clicking_and_seen_to_its_end(bridge, cell, open_page):
    cell.say("sorter slow")
    page = open_page(bridge.url, **DESKTOP)
    now = page.get_by_role("region", name="Now")
    expect(now).to_contain_text("Nothing to do. An order starts as soon as it is placed.")

    page.get_by_role("button", name="one more gear").click()
    page.get_by_role("button", name="one more bolt").click()
    page.get_by_role("radio", name="B").check()
    page.get_by_role("button", name="Order 1 gear, 1 bolt into B").click()

    expect(now).to_contain_text("1 gear, 1 bolt into B")
    expect(now).to_contain_text("picking a gear")
    expect(page.get_by_role("button", name="Choose parts")).to_be_disabled()
    number = int(re.search(r"#(\d+)", now.get_by_role("button").first.inner_text())[1])
    behind = bridge.post({"nut": 2}).json()
    expect(now.get_by_role("list", name="Next")).to_contain_text(f"#{behind['number']} 2 nuts into B")
    expect(now.get_by_role("progressbar")).to_have_attribute("aria-valuetext", "1 of 2 parts sorted")
    cell.say("sorter quick")
    expect(order(page, number)).to_contain_text("succeeded")
    expect(order(page, number)).to_contain_text("2 parts lie in bin B")
    expect(page.get_by_role("status")).to_contain_text("succeeded: 2 parts lie in bin B")
    expect(page.get_by_role("group", name="Events")).to_contain_text("succeeded: 2 parts lie in bin B")
    bridge.until_state(behind["id"], "succeeded")


def test_an_order_can_be_placed_with_the_keyboard_alone_and_must_start_in_time(bridge, open_page):
    page = open_page(bridge.url, **DESKTOP)
    page.get_by_role("spinbutton", name="nut").focus()
    page.keyboard.press("ArrowUp")
    page.get_by_role("combobox", name="Must start").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Order 1 nut into A").focus()

    page.keyboard.press("Enter")

    # The button is still where the keyboard is, though there is nothing to order any more.
    expect(page.get_by_role("button", name="Choose parts")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("placed")
    first = page.get_by_role("list", name="Orders").get_by_role("listitem").first
    expect(first).to_contain_text("1 nut into A")
    expect(first).to_contain_text("succeeded")
    first.get_by_role("button").press("Enter")
    expect(first).to_contain_text("Must start by")


def test_an_order_is_cancelled_and_its_history_read_with_the_keyboard_which_stays_where_it_is(
    bridge, cell, open_page
):
    cell.say("sorter slow")
    page = open_page(bridge.url, **DESKTOP)
    running, waiting = (bridge.post({"bolt": 3}).json()["number"] for _ in range(2))
    for number in (waiting, running):
        cancel = page.get_by_role("button", name=f"Cancel order {number}")
        cancel.focus()

        page.keyboard.press("Enter")

        expect(order(page, number)).to_contain_text("cancelled")
        expect(cancel).to_be_hidden()
        title = page.get_by_role("button", name=re.compile(f"^#{number} "))
        expect(title).to_be_focused()
        page.keyboard.press("Enter")
        expect(title).to_have_attribute("aria-expanded", "true")
        expect(order(page, number)).to_contain_text("queued: the order is in the queue")
    expect(order(page, running)).to_contain_text("cancelled: left off, the arm holds")
    page.keyboard.press("Enter")
    expect(order(page, running).get_by_text("Placed")).to_be_hidden()


def test_orders_of_one_state_are_shown_alone_and_older_ones_on_demand(bridge, cell, open_page):
    cell.say("sorter fail")
    failed = bridge.post({"gear": 2}).json()
    bridge.until_state(failed["id"], "failed")
    cell.say("sorter quick")
    orders = [bridge.post({"nut": 1}).json() for _ in range(22)]
    for placed in orders[1:]:
        bridge.http.post(f"/v1/orders/{placed['id']}/cancel")
    bridge.until_state(orders[0]["id"], "succeeded", "cancelled")
    page = open_page(bridge.url, **DESKTOP)
    rows = page.get_by_role("list", name="Orders").get_by_role("listitem")
    expect(rows).to_have_count(10)

    page.get_by_role("button", name="Show older orders").click()
    expect(rows).to_have_count(20)
    expect(rows.nth(10).get_by_role("button").first).to_be_focused()
    page.get_by_role("combobox", name="Orders to show").select_option("failed")

    expect(order(page, failed["number"])).to_contain_text("the policy node fell silent")
    expect(page.get_by_role("list", name="Orders").get_by_text("cancelled", exact=True)).to_have_count(0)
    page.get_by_role("combobox", name="Orders to show").select_option("queued")
    expect(page.get_by_text("No order is queued.")).to_be_visible()


def test_more_than_the_tray_holds_cannot_be_ordered(bridge, open_page):
    page = open_page(bridge.url, **DESKTOP)
    page.get_by_role("spinbutton", name="gear").fill(str(ORDER_MAX))

    expect(page.get_by_role("button", name="one more nut")).to_be_disabled()
    page.get_by_role("spinbutton", name="gear").fill(str(ORDER_MAX + 1))
    expect(page.get_by_role("button", name=f"At most {ORDER_MAX} parts in one order")).to_be_disabled()


def test_an_order_that_the_bridge_does_not_take_is_kept_with_what_to_do_next(bridge, open_page):
    page = open_page(bridge.url, may_complain=True, **DESKTOP)
    page.get_by_role("button", name="one more nut").click()
    page.route("**/v1/orders", lambda route: route.abort())

    page.get_by_role("button", name="Order 1 nut into A").click()

    alert = page.get_by_role("alert").filter(has_text="The bridge does not answer")
    expect(alert).to_contain_text("Next: see whether it runs, then try again.")
    expect(page.get_by_role("spinbutton", name="nut")).to_have_value("1")
