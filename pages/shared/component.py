"""What runs in the browser: a folder of `assets/`, and the scripts that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from maml_core.paths import ASSETS

COMPONENTS = ASSETS / "components"


def component(name: str, *scripts: str, **how: Any) -> Callable[..., Any]:
    """Return the mount of a component: `assets/components/<name>/<name>.html`, `.css` and `.js`.

    Args:
        name: Of the component and its folder.
        scripts: Names in `assets/components/shared`, which go before its own script.
        how: What else Streamlit is to know of it.
    """
    own = {kind: _text(name, f"{name}.{kind}") for kind in ("html", "css", "js")}
    own["js"] = "\n".join([*(_text("shared", f"{one}.js") for one in scripts), own["js"]])
    return st.components.v2.component(f"maml_{name}", **own, **how)


def _text(folder: str, file: str) -> str:
    return (COMPONENTS / folder / file).read_text(encoding="utf-8")
