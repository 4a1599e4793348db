"""What a newcomer needs to know of a page's words: a line, and the glossary behind a button."""

from __future__ import annotations

import streamlit as st

from maml_core.teaching.glossary import terms

# Which network is which, at three depths. One of them stands on each page.
PLAIN = (
    "**MAML**, model-agnostic meta-learning, is a network trained to learn new characters from a "
    "few examples. The **pretrained** network was trained to recognise hundreds of characters, and "
    "learns the new ones in the same few steps."
)
IN_SYMBOLS = (
    "**MAML**, model-agnostic meta-learning, trains a starting point θ from which a few *inner "
    "steps*, gradient descent on the labelled examples, are enough. **Pretraining**, its rival, "
    "trains an ordinary classifier of all training characters, which then takes the same steps."
)
WITHOUT_PRETRAINING = (
    "**MAML**, model-agnostic meta-learning, trains a starting point θ from which a few *inner "
    "steps*, gradient descent on a task's examples, are enough. **Multi-task training** looks for "
    "the one θ that is best on all tasks as it is."
)


def introduce(line: str, *names: str) -> None:
    """Draw the line, and a button that explains words of this page.

    Args:
        line: One of the lines above.
        names: Of terms in `maml_core.teaching.glossary`, in the order in which they are listed.
    """
    with st.container(key="introduction"):
        left, right = st.columns([6, 1], vertical_alignment="center")
        left.caption(line)
        with right.popover("Glossary", icon=":material/dictionary:", type="tertiary"):
            st.markdown("\n".join(f"* **{term.name}**: {term.meaning}." for term in terms(names)))
