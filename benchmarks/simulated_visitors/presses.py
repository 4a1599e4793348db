"""What a visitor does with a control of a page, at random."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.simulated_visitors.marks import stroke
from benchmarks.simulated_visitors.tab import Drawn, Tab

# What leaves the machine, starts what `working` starts, or is for all visitors to see.
LEFT_ALONE = ("get_omniglot", "start_training", "add_board", "remove_board", "projector")
TRIGGER = "$$STREAMLIT_INTERNAL_KEY_{}__events"  # the widget that hears a component's triggers


def random_press(tab: Tab, mark: int, chance: random.Random) -> tuple[Drawn, WidgetState] | None:
    """Return a control of the page and what to do with it; None if there is none."""
    own = [one for one in tab.shown(*PRESSES) if one.place[0] == 0]
    everywhere = [one for one in tab.shown(*PRESSES) if one.place[0] != 0]
    for _ in range(20):
        controls = own if own and chance.random() < 0.7 else everywhere
        if not controls:
            return None
        control = chance.choice(controls)
        if control.key in LEFT_ALONE or getattr(control.proto, "disabled", False):
            continue
        state = PRESSES[control.kind](control, mark, chance)
        if state is not None:
            return control, state
    return None


def component_data(control: Drawn) -> dict[str, Any]:
    """Return what a component was told."""
    proto = control.proto
    text = proto.mixed.json if proto.WhichOneof("data") == "mixed" else proto.json
    data: dict[str, Any] = json.loads(text or "{}")
    return data


def _button(control: Drawn, mark: int, chance: random.Random) -> WidgetState:
    return WidgetState(id=control.id, trigger_value=True)


def _checkbox(control: Drawn, mark: int, chance: random.Random) -> WidgetState:
    return WidgetState(id=control.id, bool_value=chance.random() < 0.5)


def _slider(control: Drawn, mark: int, chance: random.Random) -> WidgetState:
    proto, state = control.proto, WidgetState(id=control.id)
    if proto.options:
        state.string_array_value.data.append(chance.choice(proto.options))
        return state
    steps = round((proto.max - proto.min) / proto.step)
    state.double_array_value.data.append(proto.min + proto.step * chance.randint(0, steps))
    return state


def _number_input(control: Drawn, mark: int, chance: random.Random) -> WidgetState:
    proto = control.proto
    step = proto.step or 1
    value = proto.default + step * chance.randint(-2, 2)
    if proto.has_min:
        value = max(value, proto.min)
    if proto.has_max:
        value = min(value, proto.max)
    return WidgetState(id=control.id, double_value=value)


def _selectbox(control: Drawn, mark: int, chance: random.Random) -> WidgetState:
    return WidgetState(id=control.id, string_value=chance.choice(control.proto.options))


def _button_group(control: Drawn, mark: int, chance: random.Random) -> WidgetState:
    state = WidgetState(id=control.id)
    state.string_array_value.data.append(chance.choice(control.proto.options).content)
    return state


def _component(control: Drawn, mark: int, chance: random.Random) -> WidgetState | None:
    name = control.proto.component_name.rpartition("maml_")[2]
    if name not in COMPONENTS:
        return None
    changes, is_trigger = COMPONENTS[name](component_data(control), mark, chance)
    if not changes:
        return None
    if is_trigger:
        events = [{"event": event, "value": value} for event, value in changes.items()]
        return WidgetState(id=TRIGGER.format(control.id), json_trigger_value=json.dumps(events))
    return WidgetState(id=control.id, json_value=json.dumps(changes))


Changes = tuple[dict[str, Any], bool]  # and whether they are triggers, which are not kept


def _pads(data: Mapping[str, Any], mark: int, chance: random.Random) -> Changes:
    cell = chance.choice([cell for row in data["rows"] for cell in row["cells"]])
    edit = {"version": cell["version"], "strokes": [stroke(mark)], "keep": False}
    return {"ink": {cell["name"]: edit}}, False


def _play_board(data: Mapping[str, Any], mark: int, chance: random.Random) -> Changes:
    picked = [0 if pick is None else pick for pick in data["picks"]]
    number = min(len(picked), len(data["questions"]) - 1)
    picked[number:] = [chance.randrange(len(data["questions"][number]["choices"]))]
    return {"picks": {"round": data["revision"], "labels": picked}}, False


def _step_player(data: Mapping[str, Any], mark: int, chance: random.Random) -> Changes:
    return ({"finished": data["revision"]} if data["predict"] else {}), False


def _loss_map(data: Mapping[str, Any], mark: int, chance: random.Random) -> Changes:
    window = data["window"]
    x, y = (window[axis] + window["half"] * chance.uniform(-0.8, 0.8) for axis in "xy")
    if chance.random() < 0.5 and data["panels"]:
        return {"start": {"panel": chance.choice(data["panels"])["name"], "x": x, "y": y}}, True
    return {"look": {"x": x, "y": y, "half": window["half"] / 2}}, True


def _toy_world(data: Mapping[str, Any], mark: int, chance: random.Random) -> Changes:
    reach = data["reach"]
    return {"theta": [chance.uniform(-reach, reach) for _ in data["theta"]]}, True


def _wave_chart(data: Mapping[str, Any], mark: int, chance: random.Random) -> Changes:
    points = [[chance.uniform(-5, 5), chance.uniform(-3, 3)] for _ in range(chance.randint(1, 8))]
    return {"points": {"revision": data["revision"], "points": points}}, True


COMPONENTS: Mapping[str, Callable[[Mapping[str, Any], int, random.Random], Changes]] = {
    "drawing_pads": _pads,
    "play_board": _play_board,
    "step_player": _step_player,
    "loss_map": _loss_map,
    "toy_world": _toy_world,
    "wave_chart": _wave_chart,
}
PRESSES: Mapping[str, Callable[[Drawn, int, random.Random], WidgetState | None]] = {
    "button": _button,
    "checkbox": _checkbox,
    "slider": _slider,
    "number_input": _number_input,
    "selectbox": _selectbox,
    "radio": _selectbox,
    "button_group": _button_group,
    "bidi_component": _component,
}
