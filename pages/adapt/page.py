"""Adapt: the methods take the same inner steps on the same support set, live."""

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.adaptation import accuracy_figure, loss_figure
from maml_core.figures.style import CHART_CONFIG, STYLES
from maml_core.teaching.csv_exports import trajectories_csv
from maml_core.teaching.script_exports import comparison_script
from pages.adapt.confusion import confusion_of
from pages.shared import cached
from pages.shared.learners import store
from pages.shared.long_work import repeat
from pages.shared.page_header import begin, why
from pages.shared.settings import PARTS, Settings, one_of, some_of, whole
from pages.shared.step_player import arrangement, player

LR_FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
MAX_STEPS = 20
SHOWN_FIRST = ("maml", "pretrained", "random")
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
WHY_ENOUGH = """
Nearly. After one step the pretrained start is behind, the more so the more classes there are; a few
steps later it comes close, and sometimes level. So what meta-training buys is above all the *first*
step, and with it speed. More steps alone decide little after that: move the slider to 20 and see
where both curves end. One episode says little: repeat it below, or count on the Evaluate page.
"""
CHARTS = ("accuracy_chart", "loss_chart")


def main() -> None:
    """Draw the page."""
    checks = {
        "methods": some_of(*_labels()),
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
        found = cached.trajectories(settings, methods, steps, factor)
    if _race(settings, data, episode, found):
        confusion_of(data, episode, found)
        repeat(settings, methods, steps, factor)
        _take_away(settings, found, steps)


def _labels() -> dict[str, str]:
    """Return the methods whose weights are here, by the words that stand for them."""
    return {STYLES[method].label: method for method in cached.available_methods()}


def _times(factor: float) -> str:
    return f"× {factor:g}"


def _controls(settings: Settings) -> tuple[tuple[str, ...], int, float]:
    """Draw the page's own controls: which methods, how many steps, how large."""
    first, second, third = st.columns([3, 2, 2])
    methods = first.pills(
        "Methods",
        list(_labels()),
        selection_mode="multi",
        default=[STYLES[method].label for method in SHOWN_FIRST],
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


def _race(
    settings: Settings, data: CharacterSet, episode: Episode, found: list[AdaptationTrajectory]
) -> bool:
    """Draw the charts and the player; return whether the person may see the outcome by now."""
    predict = st.toggle(
        "Predict first",
        key="predict",
        help="Hide the curves until you have said what you expect and pressed play.",
    )
    revision = str((settings, [(r.method, r.inner_lr, len(r.accuracy)) for r in found], predict))
    revealed = not predict or st.session_state.get("player", {}).get("finished") == revision
    if predict:
        _guess(found, revealed)
    st.html(arrangement("race", CHARTS[0], "player"))
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
            why("Would enough steps save pretraining?", WHY_ENOUGH)
        for trajectory in found:
            if trajectory.diverged_at is not None:
                st.warning(
                    f"{STYLES[trajectory.method].label}: the loss is no finite number from step "
                    f"{trajectory.diverged_at} on; α = {trajectory.inner_lr:.3g} is too large."
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
    return revealed


def _guess(found: list[AdaptationTrajectory], revealed: bool) -> None:
    """Ask who will be ahead, and say so once the last step has been seen."""
    labels = [STYLES[trajectory.method].label for trajectory in found]
    last = len(found[0].accuracy) - 1
    for step, key in ((1, "guess_first"), (last, "guess_last")):
        guess = st.segmented_control(f"Ahead after step {step}?", labels, key=key)
        if guess and revealed:
            best = max(trajectory.accuracy[step] for trajectory in found)
            ahead = [
                label
                for label, trajectory in zip(labels, found, strict=True)
                if trajectory.accuracy[step] == best
            ]
            verdict = "You saw it coming" if guess in ahead else "Not this time"
            st.markdown(f"{verdict}: after step {step} **{' and '.join(ahead)}** with {best:.0%}.")


def _take_away(settings: Settings, found: list[AdaptationTrajectory], steps: int) -> None:
    st.subheader("Take it with you", anchor=False)
    name = f"{settings.spec.n_way}-way-{settings.spec.k_shot}-shot-seed-{settings.seed}"
    text = comparison_script(
        settings.dataset,
        cached.SPLIT,
        settings.part,
        settings.spec,
        settings.seed,
        {store.name_in_script(trajectory.method): trajectory.inner_lr for trajectory in found},
        steps,
    )
    with st.container(horizontal=True):
        st.download_button(
            "The charts' numbers (CSV)",
            trajectories_csv(found),
            f"{name}.csv",
            "text/csv",
            on_click="ignore",
        )
        st.download_button(
            "The experiment (Python)", text, f"{name}.py", "text/x-python", on_click="ignore"
        )


main()
