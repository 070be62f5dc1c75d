"""What every caller may rely on: problems, OpenAPI, headers, and who is kept out."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/none", 404, "not-found"),
        ("GET", "/none.html", 404, "not-found"),
        ("GET", "/%2e%2e/settings.py", 404, "not-found"),
        ("PUT", "/v1/orders", 405, "method-not-allowed"),
        ("POST", "/", 405, "method-not-allowed"),
        ("GET", "/v1/orders?limit=0", 422, "invalid"),
        ("GET", "/v1/orders?state=lost", 422, "invalid"),
        ("GET", "/v1/orders?before=99999999999999999999", 422, "invalid"),
    ],
)
def test_every_error_is_a_problem(bridge, method, path, status, code):
    answer = bridge.http.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:trunnion:problem:{code}"
    assert all(answer.json()[key] for key in ("title", "where", "got", "wanted", "next"))


def test_the_examples_of_the_description_work(bridge):
    description = bridge.http.get("/openapi.json").json()

    example = description["components"]["schemas"]["OrderRequest"]["examples"][0]
    assert bridge.http.post("/v1/orders", json=example).status_code == 201
    answers = description["paths"]["/v1/orders"]["post"]["responses"]
    assert set(answers) == {"200", "201", "4XX", "5XX"}
    assert list(answers["4XX"]["content"]) == ["application/problem+json"]
    wanted = {"/v1/orders", "/v1/orders/{order_id}", "/v1/orders/{order_id}/cancel", "/v1/state"}
    assert wanted | {"/v1/camera.jpg", "/healthz", "/readyz", "/metrics"} <= set(description["paths"])


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[", "a:b:c"])
def test_another_name_for_this_machine_is_not_answered(bridge, host):
    answer = bridge.http.get("/v1/state", headers={"Host": host})

    assert (answer.status_code, answer.json()["type"]) == (421, "urn:trunnion:problem:foreign-host")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[", "http://127.0.0.1"])
def test_a_web_site_elsewhere_may_not_order(bridge, origin):
    answer = bridge.post({"nut": 1}, Origin=origin)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:trunnion:problem:foreign-origin")


def test_the_bridge_s_own_page_may_order(bridge):
    assert bridge.post({"nut": 1}, Origin=bridge.url).status_code == 201


def test_a_form_of_another_site_cannot_pass_for_json(bridge):
    body = b'{"lines":[{"part":"nut","quantity":1}],"bin":"B"}'

    answer = bridge.http.post("/v1/orders", content=body, headers={"Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:trunnion:problem:invalid")


def test_the_page_comes_with_all_it_needs(bridge):
    page = bridge.http.get("/")

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text
    for name, kind in (("app.js", "javascript"), ("style.css", "css"), ("icon.svg", "svg")):
        assert name in page.text
        assert kind in bridge.http.get(f"/{name}").headers["content-type"]
