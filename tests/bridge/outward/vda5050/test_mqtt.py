"""Which brokers are taken: over TLS, or on this machine; and no passwords that others can read."""

from __future__ import annotations

import argparse

import pytest

from trunnion_bridge.outward.vda5050.mqtt import Mqtt, add_mqtt_options, mqtt_of
from trunnion_contract.errors import BadInput


def told(*arguments, **environment):
    parser = argparse.ArgumentParser()
    add_mqtt_options(parser)
    return mqtt_of(parser.parse_args(arguments), environment)


def test_there_is_no_broker_unless_one_is_named():
    assert told() is None
    assert told(TRUNNION_MQTT_USERNAME="u") is None


def test_a_broker_is_named_with_what_the_environment_keeps_secret():
    mqtt = told(
        "--mqtt-url", "mqtts://broker.example", "--mqtt-robot", "acme/r-7", "--vda5050", "3",
        TRUNNION_MQTT_USERNAME="u", TRUNNION_MQTT_PASSWORD="hunter2",
    )  # fmt: skip
    assert (mqtt.host, mqtt.port, mqtt.username) == ("broker.example", 8883, "u")
    assert mqtt.topic("order") == "vda5050/v3/acme/r-7/order"
    assert mqtt.tls() is not None
    assert "hunter2" not in repr(mqtt)
    assert told("--mqtt-url", "mqtt://127.0.0.1").port == 1883
    assert Mqtt("mqtt://localhost:1").topic("state") == "uagv/v2/trunnion/cell/state"


@pytest.mark.parametrize(
    "url",
    ["mqtt://broker.example", "http://broker.example", "mqtts://", "mqtts://u:p@broker.example", "mqtts://a:0",
     "mqtts://a:99999", "mqtts://a/topic", "mqtts://a?x=1", "broker.example"],
)  # fmt: skip
def test_what_is_no_safe_address_of_a_broker_is_refused(url):
    with pytest.raises(BadInput, match="--mqtt-url"):
        told("--mqtt-url", url)


@pytest.mark.parametrize("robot", ["acme", "acme/", "/r", "a/b/c", "a+/b", "a/#", "a b/c"])
def test_a_robot_s_name_cannot_be_a_pattern_of_topics(robot):
    with pytest.raises(BadInput, match="--mqtt-robot"):
        told("--mqtt-url", "mqtt://127.0.0.1", "--mqtt-robot", robot)


def test_certificates_that_cannot_be_read_are_told_at_once(tmp_path):
    with pytest.raises(BadInput, match="cannot be used"):
        told("--mqtt-url", "mqtts://broker.example", TRUNNION_MQTT_CA=str(tmp_path / "none.pem"))
