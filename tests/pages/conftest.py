"""Pages run in the test's own process, on few and small built-in glyphs."""

from collections.abc import Callable
from functools import cache

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager

from maml_core.data import registry
from maml_core.data.character_set import CharacterSet
from maml_core.data.glyphs import dataset
from pages.shared import cached

_components = cache(manifest_scanner.scan_component_manifests)


@cache
def _drawn(draw: Callable[..., CharacterSet], **size: int) -> CharacterSet:
    return draw(**size)


@pytest.fixture(autouse=True)
def few_glyphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the glyphs be few, drawn once for all tests, and forget all caches."""
    draw = dataset.generate
    monkeypatch.setattr(registry, "GLYPHS", {"n_alphabets": 5, "n_drawers": 20, "seed": 0})
    monkeypatch.setattr(dataset, "generate", lambda progress=None, **size: _drawn(draw, **size))
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in threads: Streamlit's tests put up a runtime, too, as if there were a server."""
    monkeypatch.setattr(cached, "use_processes", lambda: None)


@pytest.fixture(autouse=True)
def running_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a server that has read app.py: see `know_pages_by_navigation`.

    The installed packages are searched for components once, not for each test's page.
    """
    initialise = PagesManager.__init__

    def init(self: PagesManager, *arguments: object, **named: object) -> None:
        initialise(self, *arguments, **named)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", init)
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", _components)
