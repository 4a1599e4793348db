"""Inside MAML: one meta-update line by line, other methods' gradients, and the layers' changes."""

from __future__ import annotations

import streamlit as st

from pages.inside.controls import INNER_LRS, MAX_STEPS, draw_controls, url_checks
from pages.inside.gradient_comparison import draw_gradient_comparison
from pages.inside.layer_changes import draw_layer_changes
from pages.inside.learned_rates import draw_learned_rates
from pages.inside.meta_batch import batch_episodes
from pages.inside.meta_update_section import draw_meta_update
from pages.shared.frame.glossary import IN_SYMBOLS, introduce
from pages.shared.frame.page_header import page_with_episode
from pages.shared.messages import show_error


def main() -> None:
    """Draw the page."""
    ready = page_with_episode("Inside MAML", url_checks())
    st.markdown(
        "One meta-update, line by line, computed right now on a few tasks. **What does it mean to "
        "learn a starting point?** Step with the arrows, forwards and back."
    )
    introduce(
        IN_SYMBOLS,
        *("θ", "θ′", "α", "β", "inner loop, inner step", "outer loop", "meta-batch"),
        *("meta-gradient", "support set, query set", "nats", "body, head", "first-order MAML"),
        *("Reptile", "multi-task training", "ANIL", "Meta-SGD", "MAML++"),
    )
    if ready is None:
        return
    settings, data, _ = ready
    batch, meta_lr = draw_controls(settings)
    try:
        batch_episodes(batch)
        draw_meta_update(data, batch, meta_lr)
    except ValueError as error:
        show_error(error)
        return
    draw_gradient_comparison(batch, INNER_LRS, MAX_STEPS)
    draw_layer_changes(settings, batch.n_tasks, batch.method)
    draw_learned_rates(settings)


main()
