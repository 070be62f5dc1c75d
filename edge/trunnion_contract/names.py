"""Names and shares, as every contract writes them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field


def _is_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", value):
        raise ValueError("a name of lower-case letters, digits and underscores that starts with a letter")
    return value


Name = Annotated[str, AfterValidator(_is_name)]
Fraction = Annotated[float, Field(ge=0, le=1)]
