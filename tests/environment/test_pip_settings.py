"""uv goes where this machine's pip is told to go."""

from __future__ import annotations

from trunnion_setup.pip_settings import uv_environment


def test_without_settings_uv_is_left_alone() -> None:
    assert uv_environment("", {}) == {}


def test_the_environment_wins_over_the_file() -> None:
    listed = ":env:.index-url='file:///env/simple'\nglobal.index-url='file:///file/simple'\n"
    assert uv_environment(listed, {}) == {"UV_DEFAULT_INDEX": "file:///env/simple"}


def test_further_indexes_are_searched_as_pip_does() -> None:
    listed = "global.extra-index-url='file:///a/simple file:///b/simple'\nglobal.find-links='/wheels /more'\n"
    assert uv_environment(listed, {}) == {
        "UV_INDEX": "file:///a/simple file:///b/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_the_user_set_for_uv_stays() -> None:
    assert (
        uv_environment("global.index-url='file:///pip/simple'\n", {"UV_DEFAULT_INDEX": "file:///mine"}) == {}
    )


def test_settings_that_uv_has_no_use_for_are_left_out() -> None:
    assert uv_environment("global.disable-pip-version-check='1'\nuser.index-url='x'\n", {}) == {}
