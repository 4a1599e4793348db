"""What a meta-training has brought so far, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maml_core.config import EpisodeSpec
from maml_core.evaluation.confidence_intervals import percent
from maml_core.teaching.sentences.words import AvailableClasses, count, something_harder, spelled

NEARLY_CHANCE = 0.05  # above chance: not learned to tell anything apart


def describe_training(
    updates: Sequence[int],
    accuracy: Sequence[Sequence[float]],
    ci95: Sequence[Sequence[float]],
    n_way: int,
) -> str:
    """Say how well θ adapts now and how well it did before the first update.

    Args:
        updates: Made at each validation, ascending.
        accuracy: Mean query accuracy after each inner step, by validation.
        ci95: Half-widths, likewise.
        n_way: Classes.
    """
    if not updates:
        return ""
    chance = 1 / n_way
    now, width = accuracy[-1], ci95[-1]
    steps = len(now) - 1
    after = f"after {spelled(steps, 'inner step')}" if steps else "without an inner step"
    sentence = (
        f"After {count(updates[-1], 'update')} the accuracy {after} is "
        f"{percent(now[-1], width[-1])} %"
    )
    if len(updates) == 1:
        return f"{sentence}; guessing has {100 * chance:.0f} %. Training begins here."
    before, before_width = accuracy[0][-1], ci95[0][-1]
    sentence += f"; before the first it was {percent(before, before_width)} %."
    gain = now[-1] - before
    if gain > width[-1] + before_width:
        same = "the same steps" if steps else "the same pictures"
        return f"{sentence} θ has learned to learn: {100 * gain:.0f} points more from {same}."
    if -gain > width[-1] + before_width:
        return f"{sentence} It has become worse: a smaller β, or fewer classes, may help."
    if now[-1] < chance + NEARLY_CHANCE:
        return f"{sentence} That is still near chance, {100 * chance:.0f} %: it takes more updates."
    return f"{sentence} The intervals overlap: it takes more updates to tell."


def describe_replay(
    correct: Mapping[int, Sequence[int]],
    total: int,
    spec: EpisodeSpec,
    available: AvailableClasses,
) -> str:
    """Say what a recorded meta-training brought on one episode.

    Args:
        correct: Right answers after each inner step, by meta-updates made; the first is the start.
        total: Query pictures.
        spec: Of the episode.
        available: What its classes were sampled from.
    """
    first, last = min(correct), max(correct)
    gains = {step: correct[last][step] - correct[first][step] for step in (1, -1)}
    sentence = (
        f"After one inner step θ has {correct[first][1]} of {total} right before meta-training and "
        f"{correct[last][1]} after {last:,} updates of it"
    )
    steps = len(correct[last]) - 1
    if steps > 1:
        sentence += f"; after {spelled(steps)} {correct[first][-1]} and {correct[last][-1]}"
    best = max(correct, key=lambda update: correct[update][1])
    if gains[1] > 0 and gains[1] > gains[-1]:
        return f"{sentence}. Meta-training buys the first step."
    if gains[1] > 0:
        return f"{sentence}. Meta-training has made θ a better start."
    if correct[best][1] > correct[first][1]:
        return f"{sentence}. In between, after {count(best, 'update')}, it was {correct[best][1]}."
    harder = something_harder(spec, available)
    return f"{sentence}. On this episode meta-training brings nothing: try {harder}."
