"""Adapt: the methods take the same inner steps on the same support set, live."""

import streamlit as st

from maml_core.comparison import Recording, confusion, evaluate_together
from maml_core.datasets.base import CharacterSet
from maml_core.episodes import Episode
from maml_core.evaluation import Estimate
from maml_core.exports import estimates_csv, recordings_csv, script
from maml_core.figures import (
    CHART_CONFIG,
    STYLES,
    accuracy_figure,
    class_label,
    class_letter,
    confidence_figure,
    confusion_figure,
    loss_figure,
)
from pages.shared import loaders
from pages.shared.frame import begin, why
from pages.shared.pictures import STYLE, strip
from pages.shared.player import player
from pages.shared.settings import PARTS, Settings, one_of, whole

LR_FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
MAX_STEPS = 20
REPEATS = 100
WHY_CHANCE = """
Before the first step nobody has said which character is class A and which is class B: the labels
are dealt anew in each episode. Every starting point, θ, must therefore begin at chance. What it
can have learned is to be *near* good answers: a few gradient steps on the support set lead from θ
to θ′. The query set is only asked; it never moves a parameter here. In meta-training its loss
moves θ, as a teacher's marks change how one learns the next time.
"""
WHY_TOGETHER = """
Each layer normalises with the mean and the variance of the pictures at hand, as MAML's published
Omniglot results do (this is called *transductive*). Queries that come together so tell each other
a little about the episode, and accuracy is higher than for one query alone. All methods here are
measured in the same way.
"""
CHARTS = ("accuracy_chart", "loss_chart")
# Beside a long list of pictures the charts stay in view. On a phone the player stands between
# the two charts, so that its buttons and the accuracy are in view together.
ARRANGEMENT = """
<style>
.st-key-race [data-testid="stColumn"]:first-child > [data-testid="stVerticalBlock"] {
  position: sticky; top: 3.5rem;
}
@media (max-width: 640px) {
  .st-key-race :is([data-testid="stHorizontalBlock"], [data-testid="stColumn"],
    [data-testid="stColumn"] > [data-testid="stVerticalBlock"]) { display: contents; }
  .st-key-race .st-key-accuracy_chart { order: -2; }
  .st-key-race .st-key-player { order: -1; }
}
</style>
"""


def main() -> None:
    """Draw the page."""
    checks = {
        "methods": one_of(*_labels()),
        "steps": whole(1, MAX_STEPS),
        "alpha": one_of(*map(_times, LR_FACTORS)),
    }
    ready = begin("Adapt", checks)
    st.markdown(
        "Same support set, same steps of gradient descent, different starting points. "
        "**Who can tell the characters apart, and how soon?**"
    )
    if ready is None:
        return
    settings, data, episode = ready
    methods, steps, factor = _controls(settings)
    if not methods:
        st.info("Choose at least one method.")
        return
    with st.spinner("Adapting …"):
        found = loaders.recordings(settings, methods, steps, factor)
    _race(settings, data, episode, found)
    _confusion(settings, data, episode, found)
    _repeat(settings, methods, steps, factor)
    _take_away(settings, found, steps)


def _labels() -> dict[str, str]:
    """Return the methods whose weights are here, by the words that stand for them."""
    return {STYLES[method].label: method for method in loaders.available_methods()}


def _times(factor: float) -> str:
    return f"× {factor:g}"


def _controls(settings: Settings) -> tuple[tuple[str, ...], int, float]:
    """Draw the page's own controls: which methods, how many steps, how large."""
    first, second, third = st.columns([3, 2, 2])
    methods = first.pills(
        "Methods",
        list(_labels()),
        selection_mode="multi",
        default=list(_labels()),
        key="methods",
        bind="query-params",
    )
    steps = second.slider("Inner steps", 1, MAX_STEPS, 10, key="steps", bind="query-params")
    factor = third.select_slider(
        "Inner learning rate α",
        [_times(factor) for factor in LR_FACTORS],
        _times(1.0),
        key="alpha",
        bind="query-params",
        help="× 1 is each method's own best α, chosen on validation characters. "
        "Move it up to see where descent breaks.",
    )
    chosen = tuple(method for label, method in _labels().items() if label in methods)
    return chosen, steps, dict(zip(map(_times, LR_FACTORS), LR_FACTORS, strict=True))[factor]


def _race(settings: Settings, data: CharacterSet, episode: Episode, found: list[Recording]) -> None:
    predict = st.toggle(
        "Predict first",
        key="predict",
        help="Hide the curves until you have said what you expect and pressed play.",
    )
    revision = str((settings, [(r.method, r.inner_lr, len(r.accuracy)) for r in found], predict))
    if predict:
        _guess(found, revision)
    st.html(ARRANGEMENT)
    left, right = st.container(key="race").columns([4, 5], gap="large")
    with left:
        st.plotly_chart(
            accuracy_figure(found, settings.spec.n_way, predict),
            key=CHARTS[0],
            config=CHART_CONFIG,
        )
        st.plotly_chart(loss_figure(found, predict), key=CHARTS[1], config=CHART_CONFIG)
        st.caption(
            f"One episode, {len(episode.query.ravel())} query pictures of characters "
            f"{PARTS[settings.part]}; queries are normalised together, as in the paper. "
            + ", ".join(f"{STYLES[r.method].label} α = {r.inner_lr:.3g}" for r in found)
            + "."
        )
        with st.container(horizontal=True):
            why("Why chance at step 0?", WHY_CHANCE)
            why("Why are queries normalised together?", WHY_TOGETHER)
        for recording in found:
            if recording.broke_at is not None:
                st.warning(
                    f"{STYLES[recording.method].label}: the loss is no finite number from step "
                    f"{recording.broke_at} on; α = {recording.inner_lr:.3g} is too large."
                )
    with right:
        player(
            data,
            episode,
            found,
            charts=CHARTS,
            revision=revision,
            predict=predict,
            key="player",
        )
        st.caption(
            "Under each query picture: what each method takes it for at this step. Filled is "
            "right, struck through is wrong."
        )


def _guess(found: list[Recording], revision: str) -> None:
    """Ask who will be ahead, and say so once the last step has been seen."""
    labels = [STYLES[recording.method].label for recording in found]
    last = len(found[0].accuracy) - 1
    for step, key in ((1, "guess_first"), (last, "guess_last")):
        guess = st.segmented_control(f"Ahead after step {step}?", labels, key=key)
        if guess and st.session_state.get("player", {}).get("finished") == revision:
            best = max(recording.accuracy[step] for recording in found)
            ahead = [
                label
                for label, recording in zip(labels, found, strict=True)
                if recording.accuracy[step] == best
            ]
            verdict = "You saw it coming" if guess in ahead else "Not this time"
            st.markdown(f"{verdict}: after step {step} **{' and '.join(ahead)}** with {best:.0%}.")


@st.fragment
def _confusion(
    settings: Settings, data: CharacterSet, episode: Episode, found: list[Recording]
) -> None:
    st.subheader("Who is taken for whom?", anchor=False)
    by_label = {STYLES[recording.method].label: recording for recording in found}
    first, second = st.columns([3, 2])
    label = first.segmented_control(
        "Method", list(by_label), default=next(iter(by_label)), required=True, key="confused"
    )
    recording = by_label[label]
    last = len(recording.accuracy) - 1
    step = second.slider("After inner step", 0, last, last, key="confused_step")
    counts = confusion(episode, recording, step)
    left, right = st.columns(2, gap="large")
    with left:
        event = st.plotly_chart(
            confusion_figure(counts),
            key="confusion_chart",
            config=CHART_CONFIG,
            on_select="rerun",
            selection_mode="points",
        )
        st.caption(
            f"Counts over this episode's {counts.sum()} query pictures. Click or tap a cell to "
            "see its pictures."
        )
    with right:
        _cell(data, episode, recording, step, event.selection.points)


def _cell(
    data: CharacterSet, episode: Episode, recording: Recording, step: int, points: list[dict]
) -> None:
    """Show the pictures behind a cell of the confusion chart beside the two classes' examples."""
    if not points:
        st.info("Choose a cell.", icon=":material/touch_app:")
        return
    true, predicted = (class_label(points[0][axis]) for axis in ("y", "x"))
    answers = recording.predictions[step].reshape(episode.query.shape)
    pictures = episode.query[true][answers[true] == predicted]
    st.markdown(
        f"**{len(pictures)}** of class **{class_letter(true)}** taken for "
        f"**{class_letter(predicted)}**"
    )
    st.html(STYLE + strip(data, pictures))
    for label in dict.fromkeys((true, predicted)):
        st.markdown(
            f"Examples of **{class_letter(label)}**: {data.classes[episode.classes[label]]}"
        )
        st.html(STYLE + strip(data, episode.support[label], small=True))


@st.fragment
def _repeat(settings: Settings, methods: tuple[str, ...], steps: int, factor: float) -> None:
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


def _take_away(settings: Settings, found: list[Recording], steps: int) -> None:
    st.subheader("Take it with you", anchor=False)
    name = f"{settings.spec.n_way}-way-{settings.spec.k_shot}-shot-seed-{settings.seed}"
    text = script(
        settings.dataset,
        loaders.SPLIT,
        settings.part,
        settings.spec,
        settings.seed,
        {recording.method: recording.inner_lr for recording in found},
        steps,
    )
    with st.container(horizontal=True):
        st.download_button(
            "The charts' numbers (CSV)",
            recordings_csv(found),
            f"{name}.csv",
            "text/csv",
            on_click="ignore",
        )
        st.download_button(
            "The experiment (Python)", text, f"{name}.py", "text/x-python", on_click="ignore"
        )


main()
