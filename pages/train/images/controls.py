"""The controls of a live training, and the checks of their values in a link."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from maml_core.config import (
    MAX_INNER_STEPS,
    MAX_PROXIMAL,
    MAX_SHOT,
    MAX_WAY,
    META_METHODS,
    MIN_PROXIMAL,
    MIN_SHOT,
    MIN_WAY,
    TrainConfig,
)
from maml_core.data.splits import split_classes
from maml_core.figures.style import STYLES
from maml_core.methods.catalogue import TAKES_NO_STEP
from maml_core.networks import registry
from maml_core.paths import WEIGHTS
from maml_core.training.background.job import TrainingJob
from pages.shared import cached
from pages.shared.frame.sidebar import usable_datasets
from pages.shared.learners.method_list import by_label, choose_method
from pages.shared.link_settings import (
    MAX_SEED,
    Check,
    dataset_label,
    number_in_range,
    one_of,
    whole_number,
)
from pages.shared.messages import show_error
from pages.shared.widgets import segmented_choice

MAX_QUERIES = 5  # pictures a class in a training task; fewer where a class has fewer
MAX_TASKS = 32
MAX_UPDATES = 10_000
RATES = (1e-4, 10.0)  # α and β
BETA = 0.002  # with which every method visibly learns in a minute or two
PROXIMALS = (MIN_PROXIMAL, MAX_PROXIMAL)  # λ
MODELS = {kind.__name__: name for name, kind in registry.MODELS.items()}
PRETRAINED = WEIGHTS / cached.SPLIT / "pretrained.safetensors"
PRETRAINED_MODEL = "conv4"
STARTS = {"Random": "", "Pretrained": str(PRETRAINED)}
METHODS = by_label(META_METHODS)
# What this page calls the fields of `TrainConfig`.
CONTROLS = {
    "method": "Method",
    "n_way": "N-way",
    "k_shot": "K-shot",
    "meta_batch_size": "Tasks per update",
    "meta_steps": "Updates",
    "inner_lr": "Inner learning rate α",
    "inner_steps": "Inner steps",
    "proximal": "Proximal weight λ",
    "meta_lr": "Meta learning rate β",
    "seed": "Seed",
}
_choice = partial(segmented_choice, persist_state="session")


CHECKS: dict[str, Check] = {
    "train_on": (lambda text: text in usable_datasets(), "a data set that is available"),
    "train_by": one_of(*METHODS),
    "train_with": one_of(*MODELS),
    "train_from": one_of(*STARTS),
    "train_n": whole_number(MIN_WAY, MAX_WAY),
    "train_k": whole_number(MIN_SHOT, MAX_SHOT),
    "train_tasks": whole_number(1, MAX_TASKS),
    "train_updates": whole_number(1, MAX_UPDATES),
    "train_steps": whole_number(1, MAX_INNER_STEPS),
    "train_seed": whole_number(0, MAX_SEED),
    "train_alpha": number_in_range(*RATES),
    "train_beta": number_in_range(*RATES),
    "train_lambda": number_in_range(*PROXIMALS),
}


def choose_job() -> TrainingJob | None:
    """Draw the controls; return the job they describe, or None after saying what is wrong."""
    with st.container(horizontal=True):
        available = usable_datasets()
        dataset = available[_choice("Train on", available, "train_on")]
        model = MODELS[_choice("Model", MODELS, "train_with")]
        start = ""
        if model == PRETRAINED_MODEL:
            start = STARTS[_choice("Start", STARTS, "train_from")]
    method = choose_method(METHODS, "train_by", _apply_recipe)
    if method == "multi_task":
        start = ""
    config = _choose_config(method)
    _show_hints(method, model, start)
    # Sets with few classes are all test classes in the shipped weights' split.
    split = cached.SPLIT if cached.alphabets_by_part(dataset)["train"] else "classes"
    validation = _validation(dataset, split, config["n_ways"][0], config["k_shots"][0])
    if validation is None:
        return None
    validate_on, q_query = validation
    try:
        train_config = TrainConfig(method=method, q_query=q_query, **config)
    except ValueError as error:
        show_error(error, CONTROLS)
        return None
    model_config = {"name": model, "n_out": META_METHODS[method].head_rows}
    return TrainingJob(train_config, dataset, split, model_config, start, validate_on)


def _choose_config(method: str) -> dict[str, Any]:
    """Draw the number inputs; return what they say as fields of `TrainConfig`."""
    with st.container(horizontal=True):
        n_way = _integer(CONTROLS["n_way"], MIN_WAY, MAX_WAY, 5, "train_n")
        k_shot = _integer(CONTROLS["k_shot"], MIN_SHOT, MAX_SHOT, 1, "train_k")
        tasks = _integer(CONTROLS["meta_batch_size"], 1, MAX_TASKS, 4, "train_tasks")
        updates = _integer(CONTROLS["meta_steps"], 1, MAX_UPDATES, 300, "train_updates")
    with st.container(horizontal=True):
        inner_loop = _choose_inner_loop(method)
        beta = _number(CONTROLS["meta_lr"], RATES, BETA, "train_beta")
        seed = _integer(CONTROLS["seed"], 0, MAX_SEED, 0, "train_seed")
    return {
        "n_ways": (n_way,),
        "k_shots": (k_shot,),
        **inner_loop,
        "meta_lr": beta,
        "meta_batch_size": tasks,
        "meta_steps": updates,
        "seed": seed,
    }


def _choose_inner_loop(method: str) -> dict[str, Any]:
    """Draw the inputs of what a method's inner loop has; return the fields of `TrainConfig`."""
    fields: dict[str, Any] = {"inner_steps": 0}
    demands = META_METHODS[method]
    alpha, steps = demands.suits
    if "inner_lr" not in demands.unused:
        fields["inner_lr"] = _number(CONTROLS["inner_lr"], RATES, alpha, "train_alpha")
    if demands.inner_steps[1]:
        fields["inner_steps"] = _integer(
            CONTROLS["inner_steps"], 1, MAX_INNER_STEPS, steps, "train_steps"
        )
    if "proximal" not in demands.unused:
        fields["proximal"] = _number(
            CONTROLS["proximal"],
            PROXIMALS,
            TrainConfig.proximal,
            "train_lambda",
            step=0.1,
            help="How strongly the inner loop is held near θ: it descends L + λ/2 |φ − θ|² "
            "(Rajeswaran et al. 2019, equation 3).",
        )
    return fields


def _show_hints(method: str, model: str, start: str) -> None:
    """Say what is special about a choice."""
    if method == "multi_task":
        st.caption(
            f"{STYLES[method].label} takes no inner step during training: θ must solve all tasks "
            f"at once. It starts from random weights, with a head of {MAX_WAY} rows."
        )
    if method in TAKES_NO_STEP:
        st.caption(
            f"{STYLES[method].label} solves for its head: it takes no inner step, and has no α."
        )
    if method == "boil":
        st.caption(
            "BOIL's head begins as random rows and stays as it is in the inner loop: the body has "
            "to learn to move towards it."
        )
    if model == "resnet":
        st.caption("An update of a ResNet takes four to five times as long as one of Conv4.")
    if start:
        st.caption(
            "The pretrained weights are good at 5-way from the start, and a large β can spoil "
            "that: 20-way tasks leave more to gain."
        )


def _validation(dataset: str, split: str, n_way: int, k_shot: int) -> tuple[str, int] | None:
    """Return the part to validate on and the queries a class; None after saying what is missing.

    Args:
        dataset: What is trained on.
        split: Its split.
        n_way: Classes of an episode.
        k_shot: Support pictures of each.
    """
    data, words = cached.characters(dataset), dataset_label(dataset)
    train, held_out = (split_classes(data, split, part) for part in ("train", "validation"))
    if n_way > len(train):
        st.error(
            f"{words} has {len(train)} classes for training, too few for {n_way}-way: choose at "
            f"most {len(train)}-way, or other characters.",
            icon=":material/error:",
        )
        return None
    pictures = min(len(data.images_of(c)) for c in [*train, *held_out])
    if k_shot >= pictures:
        st.error(
            f"{words} has a class of {pictures} pictures, too few for {k_shot}-shot and a query: "
            f"choose at most {pictures - 1}-shot, or other characters.",
            icon=":material/error:",
        )
        return None
    queries = min(MAX_QUERIES, pictures - k_shot)
    if n_way <= len(held_out):
        return "validation", queries
    st.caption(
        f"{words} keeps {len(held_out)} of its classes for validation, too few for {n_way}-way: "
        "accuracy is measured on the training classes, in other episodes."
    )
    return "train", queries


def _integer(label: str, low: int, high: int, default: int, key: str) -> int:
    return st.number_input(
        label,
        low,
        high,
        default,
        key=key,
        bind="query-params",
        persist_state="session",
        width=160,
    )


def _number(
    label: str,
    limits: tuple[float, float],
    default: float,
    key: str,
    *,
    step: float = 0.001,
    help: str | None = None,
) -> float:
    return st.number_input(
        label,
        *limits,
        default,
        step=step,
        format="%.4g",
        key=key,
        bind="query-params",
        persist_state="session",
        width=160,
        help=help,
    )


def _apply_recipe() -> None:
    """Set the values that are known to work for the method just chosen."""
    alpha, steps = META_METHODS[METHODS[st.session_state["train_by"]]].suits
    st.session_state.update(train_alpha=alpha, train_beta=BETA)
    if steps:
        st.session_state["train_steps"] = steps
