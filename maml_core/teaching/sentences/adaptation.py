"""Who is ahead after the first inner step and at the end, on one episode, and what it means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maml_core.config import EpisodeSpec
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.teaching.sentences.words import (
    AvailableClasses,
    Kind,
    capitalised,
    kind_of,
    listed,
    something_harder,
    spelled,
    standing,
)

CLOSE = 0.02  # of the queries: differences up to this are called close
CEILING = 0.95  # of the queries right: above it an episode hardly tells methods apart


@dataclass(frozen=True)
class MethodCounts:
    """How many queries a method has right after each inner step.

    Attributes:
        name: What a sentence calls it.
        kind: What its weights were trained for.
        correct: [S + 1], each 0 to the number of queries.
        diverged_at: The first step after which the loss is not finite; what it has right from
            there on is not counted.
    """

    name: str
    kind: Kind
    correct: tuple[int, ...]
    diverged_at: int | None = None

    def at(self, step: int) -> int | None:
        """Return the count after a step; None where it has diverged."""
        gone = self.diverged_at is not None and step >= self.diverged_at
        return None if gone else self.correct[step]


def method_counts(
    trajectory: AdaptationTrajectory, n_way: int, name: str, method: str
) -> MethodCounts:
    """Count what a method has right.

    Args:
        trajectory: Its adaptation; the query pictures are ordered by class, equally many of each.
        n_way: Classes.
        name: What a sentence calls it.
        method: How it was trained, a name of `methods.catalogue`.
    """
    predictions = trajectory.predictions
    truth = np.repeat(np.arange(n_way), predictions.shape[1] // n_way)
    correct = (predictions == truth).sum(1)
    return MethodCounts(name, kind_of(method), tuple(map(int, correct)), trajectory.diverged_at)


def describe_adaptation(
    methods: Sequence[MethodCounts], total: int, spec: EpisodeSpec, available: AvailableClasses
) -> str:
    """Say who is ahead after one step and after the last, what that means and what to try.

    Args:
        methods: At least one, all with the same number of steps S >= 1.
        total: Query pictures.
        spec: Of the episode; guessing has total / N right.
        available: What its classes were sampled from.
    """
    last = len(methods[0].correct) - 1
    still = [method for method in methods if method.kind == "no step"]
    alive = [m for m in methods if m not in still and m.at(1) is not None]
    sentences = [_after_one_step(alive, total, spec.n_way)]
    if last > 1:
        sentences.append(_after_the_last(alive, total, last))
    sentences.append(_without_a_step(still, total))
    gone = [m for m in methods if m.diverged_at is not None]
    if gone:
        sentences.append(_divergence(gone))
    elif len(methods) == 1:
        sentences.append("Choose a second method to compare it with.")
    elif not alive:
        sentences.append("To see what inner steps buy, add one that takes them, such as MAML.")
    else:
        sentences.append(_meaning(alive, total, last, something_harder(spec, available)))
    return " ".join(filter(None, sentences))


def _after_one_step(methods: Sequence[MethodCounts], total: int, n_way: int) -> str:
    counts = {method.name: method.correct[1] for method in methods}
    if not counts:
        return ""
    text = f"After one step {standing(counts, total)}"
    guessing = total / n_way
    if max(counts.values()) <= guessing + CLOSE * total:
        text += f", no better than guessing, which has {guessing:.0f}"
    return text + "."


def _without_a_step(still: Sequence[MethodCounts], total: int) -> str:
    counts = {method.name: method.correct[0] for method in still}
    return f"Without a step {standing(counts, total)}." if counts else ""


def _after_the_last(methods: Sequence[MethodCounts], total: int, last: int) -> str:
    """Say where they stand at the end; of two, how far apart they are."""
    left = {method.name: count for method in methods if (count := method.at(last)) is not None}
    if not left:
        return ""
    if len(left) == 2 and len(methods) == 2:
        (first, a), (second, b) = sorted(left.items(), key=lambda item: -item[1])
        later = f"{capitalised(spelled(last - 1, 'step'))} later"
        if a == b:
            return f"{later} they are level, at {a:,}."
        return f"{later} they are {a - b:,} apart, {first} at {a:,} and {second} at {b:,}."
    return f"After {spelled(last, 'step')} {standing(left, total)}."


def _divergence(gone: Sequence[MethodCounts]) -> str:
    first, *others = gone
    steps = [f"{first.name} diverged at step {first.diverged_at}"]
    steps += [f"{method.name} at step {method.diverged_at}" for method in others]
    return f"{capitalised(listed(steps))}: α is too large there. Lower it to compare."


def _meaning(methods: Sequence[MethodCounts], total: int, last: int, harder: str) -> str:
    """Say what the contest between meta-training and pretraining comes to, and what to try."""
    ours = next((m for m in methods if m.kind == "meta-trained"), None)
    theirs = next((m for m in methods if m.kind == "pretrained"), None)
    if ours is None or theirs is None:
        missing = "a meta-trained one such as MAML" if ours is None else "the pretrained one"
        return f"To see what meta-training buys, add {missing}."
    close = max(1, math.floor(CLOSE * total))
    first = ours.correct[1] - theirs.correct[1]
    end = ours.correct[last] - theirs.correct[last]
    if min(ours.correct[1], theirs.correct[1]) >= CEILING * total:
        return f"So easy an episode hardly tells them apart: try {harder}."
    if first > close:
        return _head_start(ours.name, theirs.name, first, end, close, last)
    if first < -close:
        fate = f", and {ours.name} passes it later" if end > close else ""
        return (
            f"Here {theirs.name} has the better start{fate}. One episode is an anecdote: look at "
            "many before you conclude anything."
        )
    if end > close:
        return f"The first step leaves them close; {ours.name} draws ahead later."
    if end < -close:
        return f"The first step leaves them close; {theirs.name} draws ahead later."
    return f"That is too close to call: try {harder}, or many episodes."


def _head_start(ours: str, theirs: str, first: int, end: int, close: int, last: int) -> str:
    """Say what a clear lead after the first step comes to."""
    if last == 1:
        return f"That is what meta-training buys. Does {theirs} catch up with more steps?"
    if end < -close:
        return f"Meta-training buys the first step; with more of them {theirs} overtakes {ours}."
    if end <= close:
        made_up = "it" if end <= 0 else "most of it"
        return f"Meta-training buys the first step; more steps make up for {made_up}."
    if 2 * end <= first:
        return "Meta-training buys above all the first step."
    return "Here more steps do not make up for what meta-training buys."
