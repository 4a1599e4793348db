"""Live meta-training of image models: what to train, how it goes, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from maml_core import checkpoints
from maml_core.checkpoints import CheckpointError
from maml_core.config import (
    MAX_INNER_STEPS,
    MAX_SHOT,
    MAX_WAY,
    META_METHODS,
    MIN_SHOT,
    MIN_WAY,
    TrainConfig,
)
from maml_core.datasets.base import CharacterSet
from maml_core.figures import CHART_CONFIG, STYLES
from maml_core.learners import Learner
from maml_core.live_training import LiveTraining, Order
from maml_core.training_figures import points_mean, progress_figure, validation_figure
from pages.shared import live, loaders, own
from pages.shared.frame import why
from pages.shared.settings import (
    DATASET_WORDS,
    MAX_SEED,
    Check,
    Settings,
    number,
    one_of,
    whole,
)
from pages.shared.sidebar import available_datasets

REFRESH_SECONDS = 1.0
QUERIES = 5  # pictures a class of a training task
MAX_TASKS = 32
MAX_UPDATES = 10_000
RATES = (1e-4, 10.0)  # α and β
MODELS = {"Conv4": {}}
PRETRAINED = checkpoints.ASSETS / loaders.SPLIT / "pretrained.safetensors"
STARTS = {"Random": "", "Pretrained": str(PRETRAINED)}


@dataclass(frozen=True)
class Recipe:
    """Settings with which a method is seen to learn in a minute or two."""

    alpha: float
    inner_steps: int
    beta: float


RECIPES = {
    "maml": Recipe(0.4, 1, 0.002),
    "fomaml": Recipe(0.05, 3, 0.002),
    "anil": Recipe(0.4, 1, 0.002),
    "reptile": Recipe(0.05, 5, 0.002),
    "joint": Recipe(0.05, 0, 0.002),
}
METHODS = {STYLES[method].label: method for method in META_METHODS}
FIRST = RECIPES["maml"]
WHY_PROCESS = """
The training runs beside the app, at low priority: whoever clicks comes first. It goes on while you
look at other pages and ends within a minute when you close or reload this tab. Two run at a time on
this server; a third waits its turn, and a paused one gives its turn to the next.
"""
WHY_LOSS = """
The **meta-loss** is the tasks' mean query loss *after* the inner steps: how well θ has learned to
learn. It is measured on the tasks of each update, before that update moves θ, so it jumps about.
The **accuracy** is measured on characters that the training never sees, {n} episodes each time, the
same ones every time. Before adaptation it must be chance: nobody has said which character is which.
"""


def checks() -> dict[str, Check]:
    """Return the checks of the section's values in the URL."""
    return {
        "train_on": one_of(*_datasets()),
        "train_by": one_of(*METHODS),
        "train_with": one_of(*MODELS),
        "train_from": one_of(*STARTS),
        "train_n": whole(MIN_WAY, MAX_WAY),
        "train_k": whole(MIN_SHOT, MAX_SHOT),
        "train_tasks": whole(1, MAX_TASKS),
        "train_updates": whole(1, MAX_UPDATES),
        "train_steps": whole(1, MAX_INNER_STEPS),
        "train_seed": whole(0, MAX_SEED),
        "train_alpha": number(*RATES),
        "train_beta": number(*RATES),
    }


def images(settings: Settings, data: CharacterSet) -> None:
    """Draw the section."""
    st.markdown(
        "Meta-train a network here and now, and watch it learn to learn. **What it becomes can be "
        "kept: it then stands beside the others on the other pages.**"
    )
    training = live.mine()
    if training is not None:
        again = None if training.is_over else REFRESH_SECONDS
        st.fragment(_watch, run_every=again)(again is not None)
    if training is None or training.is_over:
        if training is not None:
            st.subheader("Another training", anchor=False)
        order = _order()
        st.button(
            "Start training",
            key="start_training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=order is None,
            on_click=live.start,
            args=(order,),
        )
    _own_learners()
    with st.container(horizontal=True):
        why("What is drawn?", WHY_LOSS.format(n=20))
        why("Where does it run?", WHY_PROCESS)


def _datasets() -> dict[str, str]:
    """Return the data sets that are here, by the words that stand for them."""
    here = available_datasets()
    return {words: name for words, name in DATASET_WORDS.items() if here[name]}


def _order() -> Order | None:
    """Draw the controls; return what they order, or None after saying what is wrong."""
    with st.container(horizontal=True):
        dataset = _datasets()[_choice("Train on", _datasets(), "train_on")]
        model = MODELS[_choice("Model", MODELS, "train_with")]
        start = STARTS[_choice("Start", STARTS, "train_from")]
    method = METHODS[_choice("Method", METHODS, "train_by", on_change=_take_recipe)]
    first, second, third, fourth = st.columns(4)
    n_way = _number(first, "N-way", MIN_WAY, MAX_WAY, 5, "train_n")
    k_shot = _number(second, "K-shot", MIN_SHOT, MAX_SHOT, 1, "train_k")
    tasks = _number(third, "Tasks an update", 1, MAX_TASKS, 4, "train_tasks")
    updates = _number(fourth, "Updates", 1, MAX_UPDATES, 300, "train_updates")
    alpha = _rate(first, "Inner learning rate α", FIRST.alpha, "train_alpha")
    steps = _number(
        second,
        "Inner steps",
        1,
        MAX_INNER_STEPS,
        FIRST.inner_steps,
        "train_steps",
        disabled=method == "joint",
    )
    beta = _rate(third, "Meta learning rate β", FIRST.beta, "train_beta")
    seed = _number(fourth, "Seed", 0, MAX_SEED, 0, "train_seed")
    if method == "joint":
        start = ""
        st.caption(
            "Joint pretraining takes no inner step in training: θ is asked to solve all tasks at "
            f"once. It begins at random, with a head of {MAX_WAY} rows."
        )
    try:
        config = TrainConfig(
            method=method,
            n_ways=(n_way,),
            k_shots=(k_shot,),
            q_query=QUERIES,
            inner_lr=alpha,
            inner_steps=0 if method == "joint" else steps,
            meta_lr=beta,
            meta_batch_size=tasks,
            meta_steps=updates,
            seed=seed,
        )
    except ValueError as error:
        st.error(f"{error}", icon=":material/error:")
        return None
    rows = MAX_WAY if method == "joint" else 1
    return Order(config, dataset, loaders.SPLIT, {**model, "n_out": rows}, start)


def _choice(label: str, choices: dict, key: str, on_change: object = None) -> str:
    return st.segmented_control(
        label,
        list(choices),
        default=next(iter(choices)),
        required=True,
        key=key,
        bind="query-params",
        persist_state="session",
        on_change=on_change,
    )


def _number(
    where: object, label: str, low: int, high: int, default: int, key: str, disabled: bool = False
) -> int:
    return where.number_input(
        label,
        low,
        high,
        default,
        key=key,
        bind="query-params",
        persist_state="session",
        disabled=disabled,
    )


def _rate(where: object, label: str, default: float, key: str) -> float:
    return where.number_input(
        label,
        *RATES,
        default,
        step=0.001,
        format="%.4g",
        key=key,
        bind="query-params",
        persist_state="session",
    )


def _take_recipe() -> None:
    """Put in what is known to work for the method just chosen."""
    recipe = RECIPES[METHODS[st.session_state["train_by"]]]
    st.session_state.update(train_alpha=recipe.alpha, train_beta=recipe.beta)
    if recipe.inner_steps:
        st.session_state["train_steps"] = recipe.inner_steps


def _watch(was_running: bool) -> None:
    """Draw how the training goes."""
    training = live.mine()
    if training is None or (was_running and training.is_over):
        st.rerun()  # with the controls, which are no part of this fragment
    order, config = training.order, training.order.config
    label = STYLES[config.method].label
    words = {name: words for words, name in DATASET_WORDS.items()}[order.dataset]
    st.subheader(
        f"{label} on {words}, {config.n_ways[0]}-way {config.k_shots[0]}-shot", anchor=False
    )
    _state(training)
    _buttons(training)
    _charts(training)
    st.caption(_what_is_drawn(training))


def _state(training: LiveTraining) -> None:
    """Say how far it is, and what it waits for."""
    config = training.order.config
    if training.state == "failed":
        st.error(training.message, icon=":material/error:")
        return
    made = training.progress[-1].step if training.progress else 0
    text = live.where(training).capitalize()
    if training.state == "waiting":
        place = live.trainings().place(training.owner)
        text += f": number {place} in line, it starts by itself"
    elif training.state == "running" and not training.progress:
        text = "Reading the characters"
    elif training.state == "running":
        text += f", {training.updates_per_second:.1f} a second"
        text += f", about {_duration(training.seconds_left)} to go"
    st.progress(made / config.meta_steps, text)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("s" if number != 1 else "")


def _buttons(training: LiveTraining) -> None:
    """Draw what can be done with it now."""
    all_of_them, me = live.trainings(), training.owner
    with st.container(horizontal=True, vertical_alignment="center"):
        if training.state == "running":
            st.button(
                "Pause",
                key="pause_training",
                icon=":material/pause:",
                on_click=all_of_them.pause,
                args=(me,),
            )
        if training.state == "paused":
            st.button(
                "Resume",
                key="resume_training",
                icon=":material/play_arrow:",
                type="primary",
                on_click=all_of_them.resume,
                args=(me,),
            )
        if not training.is_over:
            st.button(
                "Stop",
                key="stop_training",
                icon=":material/stop:",
                disabled=training.state == "stopping",
                on_click=all_of_them.stop,
                args=(me,),
            )
        if training.step and st.button(
            f"Keep what {_many(training.step, 'update')} made",
            key="keep_training",
            icon=":material/bookmark_add:",
            type="primary" if training.is_over else "secondary",
        ):
            _keep(training.weights, "this training")
            st.rerun()


def _charts(training: LiveTraining) -> None:
    config = training.order.config
    left, right = st.columns([3, 2], gap="large")
    left.plotly_chart(
        validation_figure(training.validations, config.method, config.n_ways[0], config.meta_steps),
        key="validation_chart",
        config=CHART_CONFIG,
    )
    for name in ("loss", "gradient_norm"):
        right.plotly_chart(
            progress_figure(training.progress, name, config.method, config.meta_steps),
            key=f"training_{name}_chart",
            config=CHART_CONFIG,
        )


def _what_is_drawn(training: LiveTraining) -> str:
    config = training.order.config
    mean = points_mean(len(training.progress))
    text = (
        "Accuracy: mean over 20 episodes of validation characters, which the training does not "
        "see, with its 95 % CI; queries are normalised together. "
        f"α = {config.inner_lr:g}, β = {config.meta_lr:g} falling to 0 along a cosine, "
        f"{_many(config.inner_steps, 'inner step')}, {_many(config.meta_batch_size, 'task')} an "
        "update, from "
        f"{'the pretrained weights' if training.order.start else 'random weights'}, "
        f"seed {config.seed}."
    )
    if mean > 1:
        text += f" Each point of loss and gradient is a mean over {mean} updates."
    return text


def _keep(content: bytes, file: str) -> None:
    """Make a learner of a weights file, or say why not."""
    try:
        name = own.keep(content, file)
        said = f"{STYLES[name].label} now stands on Adapt, Evaluate and Draw."
    except CheckpointError as error:
        said = f"{error}"
    st.session_state.setdefault("own_notices", []).append(said)


def _own_learners() -> None:
    """Draw the visitor's own learners, and the way to bring one."""
    st.subheader("Your learners", anchor=False)
    notices = st.session_state.setdefault("own_notices", [])
    if notices:
        with st.container(key="own_notices", horizontal=True, vertical_alignment="center"):
            st.info("  \n".join(notices))
            st.button("OK", key="own_notices_read", on_click=notices.clear)
    if not own.learners():
        st.caption("None yet: keep what a training made, or load a file that you downloaded.")
    for name, learner in own.learners().items():
        with st.container(key=f"own_{name}", horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{STYLES[name].label}**  \n{_made_how(learner)}")
            st.download_button(
                "Download",
                own.file_of(name),
                own.file_name(name),
                "application/octet-stream",
                key=f"download_{name}",
                icon=":material/download:",
                on_click="ignore",
            )
            st.button(
                "Drop",
                key=f"drop_{name}",
                icon=":material/delete:",
                on_click=own.drop,
                args=(name,),
            )
    key = f"own_file_{st.session_state.setdefault('own_uploads', 0)}"
    with st.popover("Load weights", icon=":material/folder_open:", key="load_weights"):
        st.file_uploader(
            "A .safetensors file that “Download” here or `python -m maml_core train` wrote",
            key=key,
            on_change=lambda: _load(st.session_state[key]),
        )


def _made_how(learner: Learner) -> str:
    """Say how a learner came to be, as far as its file, perhaps a stranger's, makes sense."""
    told = learner.provenance
    updates = told.get("updates")
    said = _many(updates, "update") if isinstance(updates, int) else "Nobody knows how many updates"
    ways = " and ".join(f"{n_way}-way" for n_way in sorted(learner.inner_lrs))
    known = (words for words, name in DATASET_WORDS.items() if name == told.get("dataset"))
    return f"{said} on {next(known, 'other pictures')}, {ways}, split “{told['split']}”"


def _load(file: object) -> None:
    if file is not None:
        st.session_state["own_uploads"] += 1  # the uploader begins empty the next time
        _keep(file.getvalue(), file.name[-80:])
