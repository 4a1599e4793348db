"""What runs in the browser: the folders of `assets/components`, put together for Streamlit."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from maml_core.paths import ASSETS
from pages.shared.streamlit_internals import sent_event

COMPONENTS = ASSETS / "components"
_SCRIPT_IMPORT = re.compile(
    r'^import \{\s*\w+(?:\s*,\s*\w+)*\s*,?\s*\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE
)
_STYLE_IMPORT = re.compile(r'^@import "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_DEFAULT_EXPORT = re.compile(r"^export default function (\w+)", re.MULTILINE)
_NEWEST_LAST = """
const newestData = new WeakMap();
export default function newestLast(component) {{
  const {{ parentElement, data }} = component;
  if (data.made < newestData.get(parentElement)) return;
  newestData.set(parentElement, data.made);
  {name}(component);
  (parentElement.host ?? parentElement).toggleAttribute("data-drawn", true);
}}
"""
_EXPORT = re.compile(r"^export (?=(async )?function |const |class )", re.MULTILINE)
# What the two patterns above leave standing: forms of import and export not understood here.
_NOT_UNDERSTOOD = re.compile(r"^(?:import\b|export (?!default )|@import\b).*", re.MULTILINE)


def component(name: str, **how: Any) -> Callable[..., Any]:
    """Return the mount of a component: `assets/components/<name>/<name>.html`, `.css` and `.js`.

    Its script never gets older data after newer: see `newest_last`.

    Args:
        name: Of the component and its folder.
        how: What else Streamlit is to know of it.
    """
    own = COMPONENTS / name / name
    mount = st.components.v2.component(
        f"maml_{name}",
        html=own.with_suffix(".html").read_text(encoding="utf-8"),
        css=joined(own.with_suffix(".css")),
        js=newest_last(joined(own.with_suffix(".js"))),
        **how,
    )

    def draw(*, key: str, data: Mapping[str, Any] | None = None, **options: Any) -> Any:
        dated = {**(data or {}), "made": _time_of_change(key, data)}
        return mount(key=key, data=dated, **options)

    return draw


def keep_sent(key: str, name: str) -> None:
    """Keep what a component has just sent under a name, for `last_sent`; its change calls this.

    The component sends it by `setTriggerValue`: whoever acts and leaves the page before the server
    has had a moment for it loses nothing then. Of several requests Streamlit answers the last one,
    with the triggers of all and the states of the last, and the last is of another page.
    """
    st.session_state[f"{key} {name}"] = sent_event(key, name)


def last_sent(key: str, name: str) -> Any:
    """Return the last value that a component sent under a name in this session; None before any."""
    return st.session_state.get(f"{key} {name}")


def newest_last(script: str) -> str:
    """Return a component's script so that it ignores data that are older than what it has.

    Whenever the data change, Streamlit imports the script and then calls its default export. While
    the first import is under way, the promise of a second one can be fulfilled before that of the
    first (measured in Chromium: 91 of 400 times), and the older data would stay. The element gets
    `data-drawn` once the script has run, which is after the server has done.

    Raises:
        ValueError: The default export is not a function with a name.
    """
    names = _DEFAULT_EXPORT.findall(script)
    if len(names) != 1:
        raise ValueError("A component's script has one `export default function name(…)`.")
    return _DEFAULT_EXPORT.sub(r"function \1", script) + _NEWEST_LAST.format(name=names[0])


def _time_of_change(key: str, data: Mapping[str, Any] | None) -> float:
    """Return when a component's data last changed in this session, seconds since 1970."""
    digest = hashlib.sha256(json.dumps(data).encode()).digest()
    sent: tuple[bytes, float] = st.session_state.get(f"{key} data", (b"", 0.0))
    last_digest, last = sent
    if digest != last_digest:
        last = max(time.time(), last + 0.001)  # clocks are set back
        st.session_state[f"{key} data"] = digest, last
    return last


def joined(entry: Path) -> str:
    """Return a script or a style as one text, each file that it imports before the first user.

    Streamlit loads a component's script from memory, where a relative import leads nowhere. So
    the modules stand in one scope: no two of them may declare the same name.

    Args:
        entry: A `.js` or `.css` file. Imports look like `import { a, b } from "./file.js";` or
            `@import "../shared/file.css";`.

    Raises:
        ValueError: An import or export is written in another way.
    """
    pattern = _STYLE_IMPORT if entry.suffix == ".css" else _SCRIPT_IMPORT
    texts: dict[Path, str] = {}
    visited: set[Path] = set()

    def add(file: Path) -> None:
        if file in visited:
            return
        visited.add(file)
        text = file.read_text(encoding="utf-8")
        for path in pattern.findall(text):
            add((file.parent / path).resolve())
        text = _EXPORT.sub("", pattern.sub("", text))
        if left := _NOT_UNDERSTOOD.search(text):
            raise ValueError(f"{file.name}: cannot put this in one text: {left[0]}")
        texts[file] = text

    add(entry.resolve())
    return "\n".join(texts.values())
