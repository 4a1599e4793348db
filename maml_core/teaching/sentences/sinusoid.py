"""Who fits a wave, after how many steps, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from maml_core.teaching.sentences.landscape import loss
from maml_core.teaching.sentences.words import capitalised, listed, spelled

MANY_TIMES = 1.5  # an error so many times another is called that, below it about equal


def describe_fits(
    errors: Mapping[str, Sequence[float]], steps: Sequence[int], n_points: int
) -> str:
    """Say who is nearer to the wave after the first steps and what differed before them.

    Args:
        errors: Mean squared error after each of the steps, by the name in sentences; two methods.
        steps: Ascending, the first of them 0.
        n_points: Of the wave, which they were given.
    """
    if not n_points:
        return "Without a point there is nothing to adapt to: place some on a chart."
    if not all(math.isfinite(value) for values in errors.values() for value in values):
        return "A curve has run off the scale: α is too large for these points."
    sentences = [_compare(errors, i, step) for i, step in enumerate(steps) if step]
    start = {name: values[0] for name, values in errors.items()}
    if max(start.values()) < MANY_TIMES * min(start.values()):
        first, second = (values[1] for values in errors.values())
        if max(first, second) >= MANY_TIMES * min(first, second):
            sentences.append(
                "Before it both were equally wrong: what differs is not where they start, but "
                "where a step leads."
            )
    return " ".join(sentences)


def _compare(errors: Mapping[str, Sequence[float]], index: int, step: int) -> str:
    """Say whose error is smaller after a step, and how many times."""
    (near, small), (far, large) = sorted(
        ((name, values[index]) for name, values in errors.items()), key=lambda item: item[1]
    )
    when = f"After {spelled(step, 'step')}"
    if large < MANY_TIMES * small or small == large:
        return (
            f"{when} {near} and {far} are about equally near, at {loss(small)} and {loss(large)}."
        )
    times = large / small if small else math.inf
    factor = f"{times:.0f} times as much" if times >= 10 else f"{times:.1f} times as much"
    factor = "" if math.isinf(times) else f", {factor}"
    return f"{when} {near}'s error is {loss(small)}, {far}'s {loss(large)}{factor}."


def describe_errors(
    means: Mapping[str, Sequence[float]], ci95: Mapping[str, Sequence[float]], n_waves: int
) -> str:
    """Say who is nearer over many waves, and whether the intervals are apart.

    Args:
        means: Mean squared error after each step by the name in sentences.
        ci95: Half-widths, likewise.
        n_waves: How many.
    """
    last = min(map(len, means.values())) - 1
    sentences = []
    for step in sorted({1, last}):
        ranked = sorted(means, key=lambda name: means[name][step])
        near, far = ranked[0], ranked[1]
        gap = means[far][step] - means[near][step]
        apart = gap > ci95[near][step] + ci95[far][step]
        values = listed([f"{name} {loss(means[name][step])}" for name in ranked])
        verdict = "the intervals are apart" if apart else "the intervals overlap"
        sentences.append(f"after {spelled(step, 'step')} {values} ({verdict})")
    return f"{capitalised(f'over {n_waves} waves: ' + '; '.join(sentences))}."
