"""How far apart the features hold an episode's classes, before and after the inner steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from maml_core.teaching.sentences.words import Kind, capitalised, listed, spelled

ONE_QUERY = (
    "One query picture a class cannot show how far the features hold the classes apart: each class "
    "is then its own mean, and classes explain 100 % of the variance whatever the features are. "
    "Choose more queries of each."
)
LITTLE = 0.02  # of the variance: differences up to this are called small


@dataclass(frozen=True)
class MethodSeparation:
    """How far apart a method's features hold the classes of the query pictures.

    Attributes:
        name: What a sentence calls the method.
        kind: What its weights were trained for.
        by_step: [S + 1], each 0 to 1; NaN where there is none.
    """

    name: str
    kind: Kind
    by_step: tuple[float, ...]


def describe_separation(methods: Sequence[MethodSeparation]) -> str:
    """Say how much of the variance lies between classes, and what θ and what the steps do for it.

    Args:
        methods: At least one, all with the same number of steps.
    """
    last = len(methods[0].by_step) - 1
    still = [m for m in methods if m.kind == "no step"]
    moving = [m for m in methods if m not in still and _ends_finite(m)]
    gone = [m.name for m in methods if m not in still and m not in moving]
    sentences = []
    if moving:
        before, after = _shares(moving, 0, whole=True), _shares(moving, -1)
        then = f"after {spelled(last, 'step')} {after}"
        sentences.append(f"Before the first step classes explain {before}; {then}.")
        sentences.append(_of_the_steps(moving))
    if still:
        shares = _shares(still, 0, whole=not moving)
        sentences.append(f"Without a step {'they' if moving else 'classes'} explain {shares}.")
    if gone:
        sentences.append(f"The features of {listed(gone)} are not finite at the end.")
    sentences.append(_of_the_start(methods))
    return " ".join(filter(None, sentences))


def separations_in_words(by_step: Sequence[float]) -> str:
    """Return the separation after each step, for a text alternative."""
    parts = (f"{_percent(value)} at step {step}" for step, value in enumerate(by_step))
    return f"Variance of the query pictures between classes: {', '.join(parts)}."


def _ends_finite(method: MethodSeparation) -> bool:
    return math.isfinite(method.by_step[0]) and math.isfinite(method.by_step[-1])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else "not finite"


def _shares(methods: Sequence[MethodSeparation], step: int, *, whole: bool = False) -> str:
    """Return '64 % of MAML's variance and 59 % of pretraining's', or the numbers alone."""
    parts = []
    for number, method in enumerate(methods):
        owner = f" of {method.name}'s" if whole or method.kind == "no step" else ""
        noun = " variance" if whole and number == 0 else ""
        parts.append(f"{_percent(method.by_step[step])}{owner}{noun}")
    return listed(parts)


def _of_the_steps(methods: Sequence[MethodSeparation]) -> str:
    """Say whether the steps move the classes apart or together."""
    gains = {method.name: method.by_step[-1] - method.by_step[0] for method in methods}
    moved = {name: gain for name, gain in gains.items() if abs(gain) > LITTLE}
    if not moved:
        return "The steps hardly change that."
    apart = [f"{name}'s" for name, gain in moved.items() if gain > 0]
    closer = [f"{name}'s" for name, gain in moved.items() if gain < 0]
    parts = [f"further apart in {listed(apart)} features"] if apart else []
    parts += [f"closer together in {listed(closer)}"] if closer else []
    return f"The steps move the classes {' and '.join(parts)}."


def _of_the_start(methods: Sequence[MethodSeparation]) -> str:
    """Say whether meta-training's θ has better separated features than pretraining's."""
    ours = next((m for m in methods if m.kind == "meta-trained"), None)
    theirs = next((m for m in methods if m.kind == "pretrained"), None)
    if ours is None or theirs is None:
        return ""
    lead = ours.by_step[0] - theirs.by_step[0]
    if abs(lead) > LITTLE:
        first, second = (ours.name, theirs.name) if lead > 0 else (theirs.name, ours.name)
        return f"{capitalised(first)}'s θ itself holds these classes further apart than {second}'s."
    return f"{ours.name}'s θ and {theirs.name}'s hold the classes about equally far apart."
