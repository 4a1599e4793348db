"""A page opened in the test's own process, and what it shows."""

from __future__ import annotations

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


def at_page(path: str, **query: str | list[str]) -> AppTest:
    """Be about to open a page by its own link, as `pages/adapt.py`."""
    at = AppTest.from_file(ROOT / "app.py", default_timeout=120)
    at.query_params.update(query)
    return at.switch_page(path)


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
    """Return what the page's only component was told."""
    (proto,) = (one.proto for one in at.get("bidi_component"))
    return json.loads(proto.mixed.json if proto.WhichOneof("data") == "mixed" else proto.json)
