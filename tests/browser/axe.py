"""What axe has against a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def complaints(page: Page) -> list[tuple[str, str, list[str]]]:
    """Impact, rule and places of each violation, of any impact."""
    # Colours are looked at when they have stopped changing.
    page.emulate_media(reduced_motion="reduce")
    found = Axe().run(page).response["violations"]
    return [(one["impact"], one["id"], [node["target"] for node in one["nodes"]]) for one in found]
