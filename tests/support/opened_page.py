"""A page opened in the test's own process, and what it shows."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from pages.shared.frame.navigation import PAGES_BY_NAME

ROOT = Path(__file__).parents[2]
CHART_MENU = {"chart", "title"}  # what a chart's menu is told


def at_page(path: str, **query: str | list[str]) -> AppTest:
    """Be about to open a page by its own link, as `pages/adapt/page.py`.

    The link names an episode, seed 0 unless given: one that does not opens on the app's opening,
    which takes more classes than a test has.
    """
    at = AppTest.from_file(ROOT / "app.py", default_timeout=120)
    at.query_params.update({"seed": "0"} | query)
    # Before the first run only this way reaches a page whose address is not its file's name.
    at._page_hash = calc_hash(PAGES_BY_NAME[Path(path).parent.name].address)
    return at


def open_page(path: str, **query: str | list[str]) -> AppTest:
    """Open a page by its own link; nothing of it may fail."""
    return run(at_page(path, **query))


def run(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception
    return at


def texts(at: AppTest, kind: str) -> str:
    return " ".join(str(one.value) for one in getattr(at, kind))


def told(at: AppTest) -> dict:
    """Return what the page's only component was told, apart from its charts' menus."""
    (told_once,) = components(at)
    return told_once


def components(at: AppTest) -> list[dict]:
    """Return what each component of the page was told, without the menus of its charts."""
    every = [data_of(one.proto) for one in at.main.get("bidi_component")]
    return [told_once for told_once in every if told_once.keys() != CHART_MENU]


def data_of(proto: Any) -> dict:
    """Return what a component was told, without when: that differs from run to run."""
    text = proto.mixed.json if proto.WhichOneof("data") == "mixed" else proto.json
    return {name: value for name, value in json.loads(text).items() if name != "made"}


def chart(at: AppTest, number: int) -> dict:
    return json.loads(at.get("plotly_chart")[number].proto.spec)


def numbers(figure: dict, name: str) -> list[float]:
    """Return the y values of a chart's line."""
    (line,) = (line for line in figure["data"] if line.get("name") == name)
    return unpacked(line["y"])


def unpacked(values: object) -> list[float]:
    if isinstance(values, dict):  # Plotly's packed arrays
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return [float(value) for value in values]
