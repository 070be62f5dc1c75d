"""The windows in which the page is read."""

from __future__ import annotations

DESKTOP = {"viewport": {"width": 1360, "height": 900}}
TABLET = {"viewport": {"width": 800, "height": 600}}
# 200 % zoom halves the width that a page has.
ZOOMED = {"viewport": {"width": 680, "height": 450}, "device_scale_factor": 2}
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
