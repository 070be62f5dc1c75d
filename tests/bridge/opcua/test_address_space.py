"""The cell as OPC UA shows it: stable ids, types and units, and values that say when they are not to be believed."""

from __future__ import annotations

import asyncio

from asyncua import ua
from tests.bridge.opcua.clients import ask, call, order

GOOD = ua.StatusCodes.Good


def test_the_cell_is_shown_with_types_units_and_ids_that_stay(open_bridge, open_place):
    async def look(client, index):
        async def tag(path):
            node = client.get_node(f"ns={index};s=Cell/{path}")
            value = await node.read_data_value()
            kind = (await node.read_data_type_as_variant_type()).name
            return value.Value.Value, kind

        unit = await client.get_node(f"ns={index};s=Cell/Arm/X/EngineeringUnits").read_value()
        paths = ("Arm/X", "Camera/Rate", "Nodes/sorter/State", "Bundle/Parts", "Arm/JointPositions")
        return unit, {path: await tag(path) for path in paths}

    unit, tags = ask(open_place, look)

    state = open_bridge.state()
    assert (unit.UnitId, unit.DisplayName.Text) == (5067858, "m")  # UNECE's MTR
    assert abs(tags["Arm/X"][0] - state["arm"]["position_base_m"][0]) < 0.5
    assert [kind for _, kind in tags.values()] == ["Double", "Double", "String", "String", "Double"]
    assert tags["Nodes/sorter/State"][0] == "ok"
    assert tags["Bundle/Parts"][0] == state["bundle"]["parts"]
    assert len(tags["Arm/JointPositions"][0]) == 7


def test_an_order_is_told_as_events_and_in_the_variables(open_bridge, open_place):
    class Told:
        def __init__(self):
            self.states, self.values = [], []

        def event_notification(self, event):
            self.states.append((event.OrderId, event.State))

        def datachange_notification(self, node, value, data):
            self.values.append(value)

    async def follow(client, index):
        told = Told()
        subscription = await client.create_subscription(100, told)
        await subscription.subscribe_events(evtypes=client.get_node(f"ns={index};s=OrderEventType"))
        await subscription.subscribe_data_change(client.get_node(f"ns={index};s=Cell/Orders/Succeeded"))
        placed = await call(client, index, "PlaceOrder", *order(["nut"], [1]))
        order_id = placed.OutputArguments[0].Value
        for _ in range(200):
            if (order_id, "succeeded") in told.states and len(told.values) > 1:
                break
            await asyncio.sleep(0.05)
        await subscription.delete()
        return told, [state for which, state in told.states if which == order_id]

    told, states = ask(open_place, follow)

    assert [state for n, state in enumerate(states) if state not in states[:n]] == [
        "queued",
        "starting",
        "running",
        "succeeded",
    ]
    assert told.values[-1] == told.values[0] + 1


def test_an_arm_that_fell_silent_is_not_shown_as_if_it_were_there(open_bridge, open_place, cell):
    async def until_stale(client, index):
        x = client.get_node(f"ns={index};s=Cell/Arm/X")
        good = (await x.read_data_value(raise_on_bad_status=False)).StatusCode.value
        cell.say("silence simulated_robot")
        for _ in range(200):
            value = await x.read_data_value(raise_on_bad_status=False)
            if value.StatusCode.value != good:
                break
            await asyncio.sleep(0.05)
        here = await client.get_node(f"ns={index};s=Cell/Arm/Here").read_value()
        return good, value, here

    good, value, here = ask(open_place, until_stale)

    assert good == GOOD
    assert value.StatusCode.value == ua.StatusCodes.UncertainLastUsableValue
    assert value.Value.Value is not None
    assert here is False


def test_nothing_that_is_shown_can_be_written(open_bridge, open_place):
    async def write(client, index):
        node = client.get_node(f"ns={index};s=Cell/Arm/X")
        try:
            await node.write_value(9.0)
        except ua.UaStatusCodeError as error:
            return error.code
        return GOOD

    assert ask(open_place, write) == ua.StatusCodes.BadServiceUnsupported
