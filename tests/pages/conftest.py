"""Pages run in the test's own process, on few and small built-in glyphs."""

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from maml_core.data import registry


@pytest.fixture(autouse=True)
def few_glyphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the glyphs be few, so that each test draws them in a moment, and forget all caches."""
    monkeypatch.setattr(registry, "GLYPHS", {"n_alphabets": 5, "n_drawers": 20, "seed": 0})
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def running_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a server on which app.py has run before: see its `at_first`."""
    initialise = PagesManager.__init__

    def init(self: PagesManager, *arguments: object, **named: object) -> None:
        initialise(self, *arguments, **named)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", init)
