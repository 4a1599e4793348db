"""The same comparison on many episodes: a mean with its confidence band, as it grows."""

from __future__ import annotations

import streamlit as st

from maml_core.comparison import evaluate_together
from maml_core.evaluation import Estimate
from maml_core.exports import estimates_csv
from maml_core.figures import CHART_CONFIG, confidence_figure
from pages.shared import loaders
from pages.shared.settings import PARTS, Settings

REPEATS = 100


@st.fragment
def repeat(settings: Settings, methods: tuple[str, ...], steps: int, factor: float) -> None:
    """Offer the same comparison on many episodes: a mean that streams and can be stopped."""
    st.subheader("Was that luck?", anchor=False)
    st.markdown(
        f"One episode is an anecdote. Repeat it on {REPEATS} others of the same shape, this one "
        "the first of them."
    )
    kept: dict[object, dict[str, Estimate]] = st.session_state.setdefault("repeats", {})
    what = (settings, methods, steps, factor)
    if st.button(f"Repeat on {REPEATS} episodes", key="repeat", type="primary"):
        stop = st.empty()
        stop.button("Stop", key="stop_repeat", icon=":material/stop:")
        bar, chart = st.progress(0.0), st.empty()
        kept.pop(what, None)
        stream = evaluate_together(
            {method: loaders.learner(method) for method in methods},
            loaders.pool(settings.dataset, settings.part),
            settings.spec,
            inner_steps=steps,
            episodes=REPEATS,
            seed=settings.seed,
            lr_factor=factor,
        )
        for number, estimates in enumerate(stream):
            kept[what] = estimates
            done = next(iter(estimates.values())).episodes
            bar.progress(done / REPEATS, f"{done} of {REPEATS} episodes")
            chart.plotly_chart(
                confidence_figure(estimates, settings.spec.n_way), key=f"repeat_{number}"
            )
        for shown in (stop, bar, chart):
            shown.empty()
    if what in kept:
        _repeated(settings, kept[what])


def _repeated(settings: Settings, estimates: dict[str, Estimate]) -> None:
    st.plotly_chart(
        confidence_figure(estimates, settings.spec.n_way), key="repeat_chart", config=CHART_CONFIG
    )
    n = next(iter(estimates.values())).episodes
    st.caption(
        f"Mean over {n} episodes of characters {PARTS[settings.part]}; the band is the mean's "
        "95 % confidence interval."
    )
    st.download_button(
        "These numbers as CSV",
        estimates_csv(estimates),
        f"{settings.spec.n_way}-way-{settings.spec.k_shot}-shot-{n}-episodes.csv",
        "text/csv",
        on_click="ignore",
    )
