"""Signing in on the page at a real OpenID provider, in a real browser."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect
from tests.bridge.openid_provider import AUDIENCE, PAGE_CLIENT, provider_modules, running_provider
from tests.bridge.running import a_free_port, running_bridge
from tests.browser.axe import complaints
from tests.browser.windows import DESKTOP, PHONE

SOCKETS = """
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
        constructor(...given) { super(...given); window.sockets.push(this); }
    };
"""


@pytest.fixture(scope="module")
def guarded(repository, ros_process_environment, bundle, the_cell, tmp_path_factory):
    """A bridge whose callers come from a provider, and that provider."""
    modules, port, provider_port = provider_modules(repository), a_free_port(), a_free_port()
    place = tmp_path_factory.mktemp("guarded") / "data"
    with ExitStack() as running:
        provider = running.enter_context(
            running_provider(modules, provider_port, page=f"http://127.0.0.1:{port}")
        )
        named = ("--oidc-issuer", provider.url, "--oidc-audience", AUDIENCE, "--oidc-client-id", PAGE_CLIENT)
        claim = ("--oidc-role-claim", "realm_access.roles")
        command = (ros_process_environment, bundle, place, port, *named, *claim)
        bridge = running.enter_context(running_bridge(*command))
        bridge.until_ready()
        yield bridge, provider


def sign_in(page, name):
    """From the page to the provider and back."""
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_reader_signs_in_sees_the_cell_and_signs_out_here_and_at_the_provider(guarded, open_page):
    bridge, provider = guarded
    page = open_page(bridge.url, may_complain=True, **DESKTOP)
    asked = []
    page.on("request", lambda request: asked.append((request.frame.url, request.url)))
    expect(page.get_by_role("heading", name="Sign in to see the cell")).to_be_visible()
    expect(page.locator("main")).to_be_hidden()

    sign_in(page, "operator")

    expect(page.locator("#view")).to_have_attribute("data-here", "true")
    # A banner that comes or goes moves the buttons under a pointer that is pressed.
    expect(page.locator("#link-text")).to_have_text("Live")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#gate")).to_be_hidden()
    assert page.url == f"{bridge.url}/"
    assert page.evaluate("[document.cookie, sessionStorage.length, localStorage.length]") == ["", 0, 0]
    assert {
        cookie["httpOnly"] for cookie in page.context.cookies(bridge.url) if "trunnion" in cookie["name"]
    } == {True}
    # The provider's own page asks others for fonts.
    ours = [url for frame, url in asked if frame.startswith(bridge.url)]
    assert len(ours) > 5
    assert [url for url in ours if not url.startswith((bridge.url, provider.url))] == []
    page.get_by_role("button", name="one more nut").click()
    page.get_by_role("button", name="Order 1 nut into A").click()
    expect(page.locator("#orders li").first).to_have_attribute("data-state", "succeeded")

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()

    expect(page.locator("#gate")).to_be_visible()
    assert page.url == f"{bridge.url}/"
    assert [cookie for cookie in page.context.cookies(bridge.url) if "trunnion" in cookie["name"]] == []
    assert len(left := [url for _, url in asked if "/session/end?" in url]) == 1
    assert "id_token_hint=ey" in left[0]
    # Whoever comes next has to say who they are.
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()


def test_who_signs_out_while_the_provider_is_away_is_told_that_it_did_not_hear(guarded, open_page):
    bridge, provider = guarded
    page = open_page(bridge.url, may_complain=True, **DESKTOP)
    sign_in(page, "viewer")
    expect(page.locator("#link-text")).to_have_text("Live")
    page.route(f"{provider.url}/**", lambda route: route.abort())

    page.get_by_role("button", name="Sign out").click()

    expect(page.locator("#gate-says")).to_contain_text(
        f"signed out here, but {provider.url} did not hear of it"
    )
    assert [cookie for cookie in page.context.cookies(bridge.url) if "trunnion" in cookie["name"]] == []


def test_who_may_only_look_sees_why_and_no_button_that_would_be_refused(guarded, open_page):
    bridge, provider = guarded
    order = {"lines": [{"part": "nut", "quantity": 1}], "bin": "B"}
    bridge.http.post("/v1/orders", json=order, headers=provider.bearer("operator"))
    page = open_page(bridge.url, may_complain=True, **DESKTOP)

    sign_in(page, "viewer")

    expect(page.locator("#order")).to_contain_text("You may look on as viewer. It takes the role operator")
    expect(page.locator("#form")).to_be_hidden()
    expect(page.get_by_role("button", name="#").first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel order")).to_have_count(0)
    assert complaints(page) == []


def test_a_session_that_ends_asks_to_sign_in_again(guarded, browser, open_page):
    page = open_page(guarded[0].url, may_complain=True, **DESKTOP)
    page.add_init_script(SOCKETS)
    sign_in(page, "viewer")
    expect(page.locator("#link-text")).to_have_text("Live")

    page.context.clear_cookies()  # as if its token had expired
    page.evaluate("window.sockets.forEach(socket => socket.close())")

    expect(page.locator("#gate-says")).to_have_text("Your session has ended.")
    expect(page.locator("main")).to_be_hidden()


def test_who_has_no_role_is_told_so(guarded, open_page):
    page = open_page(guarded[0].url, may_complain=True, **DESKTOP)

    sign_in(page, "nobody")

    expect(page.locator("#gate-says")).to_have_text(
        "nobody has no role at this cell. Ask whoever gives out roles."
    )
    expect(page.locator("main")).to_be_hidden()


def test_axe_finds_nothing_at_the_gate_in_light_and_dark_and_on_a_phone(guarded, open_page):
    for window in (DESKTOP, PHONE):
        page = open_page(f"{guarded[0].url}/?error=access_denied&state=", may_complain=True, **window)
        expect(page.locator("#gate-says")).to_contain_text("not to what this page asked")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert complaints(page) == []


@pytest.mark.parametrize("answer", ["?code=stolen&state=forged", "?error=access_denied&state=", "?state=a"])
def test_an_answer_to_what_was_never_asked_opens_nothing(guarded, open_page, answer):
    bridge, _ = guarded
    page = open_page(f"{bridge.url}/{answer}", may_complain=True, **DESKTOP)

    expect(page.locator("#gate-says")).to_contain_text("not to what this page asked")
    assert page.url == f"{bridge.url}/"
    assert [cookie for cookie in page.context.cookies() if "trunnion" in cookie["name"]] == []


def test_the_page_may_connect_to_the_bridge_and_the_provider_only(guarded, open_page):
    bridge, provider = guarded
    policy = bridge.http.get("/").headers["content-security-policy"]
    assert re.search(r"connect-src ([^;]*)", policy)[1] == f"'self' {provider.url}"
    page = open_page(bridge.url, may_complain=True, **DESKTOP)

    refused = page.evaluate(
        """async () => {
            const told = new Promise(resolve => addEventListener("securitypolicyviolation", resolve, { once: true }));
            await fetch("http://127.0.0.1:1/").catch(() => {});
            return (await told).effectiveDirective;
        }"""
    )

    assert refused == "connect-src"
