"""The log of the bridge: a line for each thing that happened, for people or, as JSON, for what collects logs."""

from __future__ import annotations

import logging
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

from trunnion_bridge import correlation

LogFormat = Literal["text", "json"]
FORMATS: tuple[LogFormat, ...] = ("text", "json")


class _Correlated(logging.Filter):
    """Adds the request and the order that a line belongs to; a line that names its order itself keeps that."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = correlation.request_id.get()
        record.order_id = getattr(record, "order_id", "") or correlation.order_id.get()
        return True


class _Text(logging.Formatter):
    """For people: what belongs to nothing does not say so."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802, the name is logging's
        record.message = record.message.replace("\n", "\\n")  # nobody's words may look like another line
        known = {"request": record.__dict__["request_id"], "order": record.__dict__["order_id"]}
        words = "".join(f" {name}={value}" for name, value in known.items() if value)
        return super().formatMessage(record) + words


def start_log(kind: LogFormat) -> None:
    """Everything from now on goes to standard error in that form."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Text() if kind == "text" else _json())
    handler.addFilter(_Correlated())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for talkative in ("alembic", "httpx", "uvicorn.error"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


def _json() -> JsonFormatter:
    fields = ("message", "levelname", "name", "request_id", "order_id")
    renamed = {"levelname": "level", "name": "logger", "exc_info": "exception"}
    return JsonFormatter(list(fields), rename_fields=renamed, timestamp="at")
