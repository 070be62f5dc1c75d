"""The receiver example takes what the bridge signed, once, and refuses the rest."""

from __future__ import annotations

import importlib.util
import sqlite3
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_bridge.outward.signing import new_secret, signature

SECRET = new_secret()
BODY = '{"type":"trunnion.ping"}'


@pytest.fixture(scope="module")
def example(repository):
    path = repository / "ros2_ws/src/trunnion_bridge/examples/webhook_inbox.py"
    spec = importlib.util.spec_from_file_location("webhook_inbox", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def inbox(example):
    return example.Inbox(SECRET, sqlite3.connect(":memory:"))


def headers(webhook_id="m.1", secret=SECRET, age_s=0, body=BODY):
    at_s = int(time.time()) - age_s
    return {
        "Webhook-Id": webhook_id,
        "Webhook-Timestamp": str(at_s),
        "Webhook-Signature": signature([secret], webhook_id, at_s, body),
    }


def test_a_message_is_booked_once_however_often_it_comes(inbox):
    booked = []
    assert inbox.take(headers(), BODY.encode(), booked.append)
    assert not inbox.take(headers(), BODY.encode(), booked.append)
    assert booked == [{"type": "trunnion.ping"}]


def test_a_message_whose_booking_fails_is_booked_when_it_comes_again(inbox):
    def fail(_):
        raise RuntimeError("the disk is full")

    booked = []
    with pytest.raises(RuntimeError):
        inbox.take(headers("m.2"), BODY.encode(), fail)
    assert inbox.take(headers("m.2"), BODY.encode(), booked.append)
    assert len(booked) == 1


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (headers("x.1"), BODY.replace("ping", "pong")),
        (headers("x.2", secret=new_secret()), BODY),
        (headers("x.3", age_s=600), BODY),
        (headers("x.4", age_s=-86_400), BODY),  # made when tests are collected, long before they run
        ({**headers("x.5"), "Webhook-Id": "x.6"}, BODY),
        ({**headers("x.7"), "Webhook-Timestamp": str(int(time.time()) + 1)}, BODY),
        ({**headers("x.8"), "Webhook-Signature": "nonsense"}, BODY),
        ({}, BODY),
    ],
)
def test_what_is_altered_replayed_or_of_somebody_else_is_refused(example, inbox, message, body):
    booked = []
    with pytest.raises(example.Refused):
        inbox.take(message, body.encode(), booked.append)
    assert booked == []


@given(st.dictionaries(st.sampled_from(list(headers())), st.text(max_size=40)), st.binary(max_size=40))
def test_whatever_comes_from_others_is_refused(example, inbox, message, body):
    with pytest.raises(example.Refused):
        inbox.take(message, body, pytest.fail)
