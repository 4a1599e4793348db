"""What was measured under earlier settings, next to each other: a chart, and a line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from maml_core.evaluation.comparison import reference_of
from maml_core.evaluation.confidence_intervals import Estimate, percent
from maml_core.figures.evaluation import side_by_side_figure
from maml_core.figures.style import STYLES, takes_no_step
from maml_core.teaching.exports.csv_exports import EvaluationRecord, estimates_csv
from maml_core.teaching.sentences.evaluation import describe_change
from maml_core.teaching.sentences.words import listed
from pages.evaluate.controls import EvaluationControls
from pages.shared.charts.chart import draw_chart
from pages.shared.charts.facts import episode_facts
from pages.shared.charts.many_episodes import Estimates
from pages.shared.frame.finding import show_finding
from pages.shared.link_settings import PARTS, Settings, dataset_label


@dataclass(frozen=True)
class Measurement:
    """All that an evaluation depends on.

    Attributes:
        settings: What the sidebar said.
        controls: What the page's own controls said.
        inner_lrs: α of each method that adapts.
    """

    settings: Settings
    controls: EvaluationControls
    inner_lrs: tuple[tuple[str, float], ...]

    @property
    def aspects(self) -> dict[str, str]:
        """What can differ between two measurements: by its words, its value in words."""
        spec, controls = self.settings.spec, self.controls
        return {
            "N-way": f"{spec.n_way}",
            "K-shot": f"{spec.k_shot}",
            "queries of each": f"{spec.q_query}",
            "from one alphabet": _yes(spec.within_alphabet),
            "same drawers": _yes(spec.same_drawers),
            "official runs": _yes(spec.official),
            "characters": dataset_label(self.settings.dataset),
            "which": PARTS[self.settings.part],
            "split": controls.split,
            "normalised": "together" if controls.transductive else "each alone",
            "inner steps": f"{controls.inner_steps}",
            "rotation TTA": _yes(controls.rotation_tta),
            "ink crops": _yes(controls.ink_crops),
            "ensemble": listed(_short_labels(controls.ensemble)) or "no",
            "episodes": f"{controls.episodes:,}",
            "seed": f"{self.settings.seed}",
            "methods": listed(_short_labels(controls.methods)),
        }


def record_of(measurement: Measurement, estimates: Estimates, minus: str = "") -> EvaluationRecord:
    """Return estimates with what they were measured with, for the CSV.

    Args:
        measurement: What they depend on.
        estimates: By method.
        minus: What paired differences are to, if it was measured.
    """
    controls = measurement.controls
    facts = episode_facts(
        measurement.settings,
        split=controls.split,
        queries_together=controls.transductive,
        rotation_tta=controls.rotation_tta,
        ink_crops=controls.ink_crops,
    )
    inner_lrs, reference = dict(measurement.inner_lrs), reference_of(estimates, minus)
    return EvaluationRecord(estimates, inner_lrs, facts, reference, controls.ensemble)


def draw_side_by_side(kept: dict[Measurement, Estimates]) -> None:
    """Draw all that was measured, the latest last, with a button to remove each.

    Args:
        kept: At least one; what is removed is taken out of it.
    """
    names = labels(list(kept))
    st.subheader("Side by side", anchor=False)
    draw_chart(
        side_by_side_figure(
            dict(zip(names, kept.values(), strict=True)),
            [measurement.settings.spec.n_way for measurement in kept],
        ),
        "side_by_side_chart",
        "Accuracy under different settings, after the first and the last inner step",
    )
    show_finding(_change(kept), "side_by_side")
    st.caption(
        "Open: after the first inner step; filled: after the last; bars: 95 % confidence "
        "intervals of the means. Chance, 1 in N, is drawn where it is within the range shown."
    )
    for name, (measurement, estimates) in zip(names, list(kept.items()), strict=True):
        words, button = st.columns([6, 1], vertical_alignment="center")
        words.markdown(f"**{name}**  \n{_numbers(estimates)}")
        button.button(
            "Remove",
            key=f"remove_{hash(measurement)}",
            icon=":material/delete:",
            on_click=_remove,
            args=(kept, measurement),
        )
    st.download_button(
        "All of these as CSV",
        estimates_csv([record_of(*item) for item in kept.items()]),
        "measurements.csv",
        "text/csv",
        key="side_by_side_csv",
        on_click="ignore",
    )


def labels(measurements: Sequence[Measurement]) -> list[str]:
    """Return a name of each: its number, N and K, and whatever else is not the same in all."""
    aspects = [measurement.aspects for measurement in measurements]
    differing = [
        name
        for name in aspects[0]
        if name not in ("N-way", "K-shot", "methods") and len({one[name] for one in aspects}) > 1
    ]
    return [
        ", ".join(
            [
                f"{number}: {one['N-way']}-way {one['K-shot']}-shot",
                *(f"{name} {one[name]}" for name in differing),
            ]
        )
        for number, one in enumerate(aspects, 1)
    ]


def _change(kept: Mapping[Measurement, Estimates]) -> str:
    """Say what the last change of settings did to each method that was measured under both."""
    if len(kept) < 2:
        return ""
    (before, earlier), (now, latest) = list(kept.items())[-2:]
    old, new = before.aspects, now.aspects
    changed = ", ".join(
        f"{name} {old[name]} → {new[name]}"
        for name in old
        if name != "methods" and old[name] != new[name]
    )
    return " ".join(
        describe_change(STYLES[method].in_sentences, earlier[method], latest[method], changed)
        for method in latest
        if changed and method in earlier
    )


def _numbers(estimates: Mapping[str, Estimate]) -> str:
    """Return each method's accuracies after the first and the last step."""
    parts = []
    for method, estimate in estimates.items():
        last = 0 if takes_no_step(method) else len(estimate.accuracy) - 1
        steps = dict.fromkeys((min(1, last), last))  # what takes no step has one accuracy
        values = (f"{percent(estimate.accuracy[step], estimate.ci95[step])} %" for step in steps)
        parts.append(f"{STYLES[method].short_label} {' → '.join(values)}")
    return " · ".join(parts)


def _remove(kept: dict[Measurement, Estimates], measurement: Measurement) -> None:
    kept.pop(measurement, None)


def _short_labels(methods: Sequence[str]) -> list[str]:
    return [STYLES[method].short_label for method in methods]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
