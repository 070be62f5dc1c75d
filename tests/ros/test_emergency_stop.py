"""Whether the arm may move, by what was last said and by how long ago. No ROS."""

from __future__ import annotations

from trunnion_inference.emergency_stop import EmergencyStop


def test_nobody_is_obliged_to_speak_unless_a_silence_is_named() -> None:
    assert EmergencyStop().reason(0.0) == ""
    assert EmergencyStop(0.5).reason(0.0) == "emergency_stop has not spoken yet"


def test_a_stop_lasts_until_it_is_released_whatever_others_say() -> None:
    stop = EmergencyStop(0.5)
    stop.hear(True, 1.0)
    stop.hear(False, 1.1)
    assert stop.reason(1.2) == "emergency stop"
    stop.release()
    assert stop.reason(1.2) == ""


def test_silence_stops_where_speech_is_wanted() -> None:
    stop = EmergencyStop(0.5)
    stop.hear(False, 1.0)
    assert stop.reason(1.5) == ""
    assert stop.reason(2.0) == "emergency_stop is silent for 1.0 s"
    stop.hear(False, 2.0)
    assert stop.reason(2.1) == ""
