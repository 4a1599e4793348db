"""What a comparison over many episodes says: who is ahead, by how much, and whether it can tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from maml_core.episodes.official_runs import NOT_INDEPENDENT
from maml_core.evaluation.confidence_intervals import Estimate, paired_difference, percent
from maml_core.teaching.sentences.words import Kind, capitalised, count, listed, spelled


@dataclass(frozen=True)
class MethodEstimate:
    """One method's estimate.

    Attributes:
        name: What a sentence calls it.
        kind: What its weights were trained for.
        estimate: Its mean accuracy; a nearest neighbour, which adapts nothing, has a single one.
    """

    name: str
    kind: Kind
    estimate: Estimate

    @property
    def takes_no_step(self) -> bool:
        """Whether its accuracy is the same at every step, as it takes none."""
        return self.kind == "no step" or len(self.estimate.accuracy) == 1

    def step(self, step: int) -> int:
        """Return the step, or the last there is."""
        return min(step, len(self.estimate.accuracy) - 1)

    def mean(self, step: int) -> float:
        """Return the mean accuracy after a step, 0 to 1."""
        return self.estimate.accuracy[self.step(step)]

    def half_width(self, step: int) -> float:
        """Return half the width of its interval."""
        return self.estimate.ci95[self.step(step)]


def describe_estimates(methods: Sequence[MethodEstimate]) -> str:
    """Say who is ahead after one step and after the last, and whether the episodes can tell.

    Args:
        methods: At least one, all over the same episodes.
    """
    still = all(method.takes_no_step for method in methods)
    last = 0 if still else max(len(method.estimate.accuracy) for method in methods) - 1
    steps = [1, last] if last > 1 else [last]
    if len(methods) == 1:
        (method,) = methods
        values = [
            f"after {spelled(step, 'step')} {percent(method.mean(step), method.half_width(step))} %"
            if step
            else f"{percent(method.mean(step), method.half_width(step))} %"
            for step in steps
        ]
        episodes = count(method.estimate.episodes, "episode")
        return f"{capitalised(method.name)} has {' and '.join(values)} right over {episodes}."
    sentences = [_leader(methods, group) for group in _groups(methods, steps)]
    contest = _contest(methods, steps)
    return " ".join(filter(None, [*sentences, contest, _why_unpaired(methods)]))


def _why_unpaired(methods: Sequence[MethodEstimate]) -> str:
    """Say what the sentences go by where episodes are not independent; empty where they are."""
    if all(method.estimate.independent for method in methods):
        return ""
    return (
        "The official runs are not independent episodes: what is told apart here is told by the "
        "methods' own intervals."
    )


def describe_pairs(methods: Sequence[MethodEstimate], reference: MethodEstimate) -> str:
    """Say what a table of paired differences holds, or why there is none.

    Args:
        methods: All but the reference, at least one.
        reference: What is subtracted.
    """
    estimate = reference.estimate
    if not estimate.independent:
        return f"{NOT_INDEPENDENT}, so there is no paired interval of them."
    still = [method.name for method in (*methods, reference) if method.takes_no_step]
    none_descends = len(still) > len(methods)
    text = (
        f"In points: each method's accuracy minus that of {reference.name}"
        f"{'' if none_descends else ' after as many inner steps'}, the mean over the same "
        f"{count(estimate.episodes, 'episode')} ± its 95 % confidence interval (Student's t). "
        "Pairing takes out what makes an episode hard for both."
    )
    if not still or none_descends:
        return text
    verb = "takes no step and is" if len(still) == 1 else "take no step and are"
    each = "its" if len(still) == 1 else "their"
    return f"{text} {capitalised(listed(still))} {verb} compared by {each} one accuracy."


def describe_voters(voters: Sequence[str], silent: Sequence[str]) -> str:
    """Say who answers in an ensemble and who does not, or why there is none.

    Args:
        voters: Who can.
        silent: Who cannot, having no features.
    """
    have = "has" if len(silent) == 1 else "have"
    without = f"{listed(silent)} {have} no features to vote with" if silent else ""
    if len(voters) > 1:
        return f"{listed(voters)} vote{f'; {without}' if without else ''}."
    one = f"An ensemble takes two methods that vote{f', and {voters[0]} is one' if voters else ''}"
    why = "; ".join(filter(None, [one, without]))
    return f"{why}. Choose {'one more' if voters else 'two that have some'}."


def describe_change(name: str, before: Estimate, now: Estimate, changed: str) -> str:
    """Compare one method's last accuracies under two settings, measured on different episodes.

    Args:
        name: What a sentence calls the method.
        before: Under the earlier settings.
        now: Under the present ones.
        changed: What differs, as 'K-shot 1 → 5'.
    """
    old, new = before.accuracy[-1], now.accuracy[-1]
    direction = "up" if new > old else "down" if new < old else "the same"
    words = "unchanged" if new == old else f"{direction} {abs(new - old) * 100:.1f} points"
    apart = _bands(old, before.ci95[-1], new, now.ci95[-1])
    return (
        f"With {changed}, {name} goes from {percent(old, before.ci95[-1])} to "
        f"{percent(new, now.ci95[-1])} %, {words}; the intervals {apart}."
    )


def _bands(a: float, half_a: float, b: float, half_b: float) -> str:
    if math.isnan(half_a) or math.isnan(half_b):
        return "are not known"
    return "do not overlap" if abs(a - b) > half_a + half_b else "overlap"


def lead(first: MethodEstimate, second: MethodEstimate, step: int) -> tuple[str, bool | None]:
    """Return by how much one method is ahead of another, and whether that is told.

    Returns:
        '2.3 ± 0.4 points', and whether 0 is outside of the paired interval; where the episodes
        were not kept '2.3 points', and whether the two intervals are apart. None: not known.
    """
    paired = paired_difference(first.estimate, second.estimate, first.step(step), second.step(step))
    if paired:
        mean, half = paired
        if math.isnan(half):
            return f"{100 * mean:.1f} points", None
        return f"{percent(mean, half)} points", abs(mean) > half
    gap = first.mean(step) - second.mean(step)
    bands = _bands(
        first.mean(step), first.half_width(step), second.mean(step), second.half_width(step)
    )
    return f"{100 * gap:.1f} points", None if bands == "are not known" else bands != "overlap"


def _first_two(methods: Sequence[MethodEstimate], step: int) -> list[MethodEstimate]:
    return sorted(methods, key=lambda method: -method.mean(step))[:2]


def _groups(methods: Sequence[MethodEstimate], steps: Sequence[int]) -> list[Sequence[int]]:
    """Return the steps, those together of which one thing is said: the first two take none."""
    leaders = [_first_two(methods, step) for step in steps]
    alike = all(pair == leaders[0] for pair in leaders)
    if alike and all(method.takes_no_step for method in leaders[0]):
        return [steps]
    return [[step] for step in steps]


def _leader(methods: Sequence[MethodEstimate], steps: Sequence[int]) -> str:
    """Say who is first after steps, how far ahead of the second, and whether that is told."""
    first, second = _first_two(methods, steps[0])
    points, told = lead(first, second, steps[0])
    after = " and ".join(f"after {spelled(step, 'step')}" for step in steps)
    when = capitalised(after) if steps[0] else "Without a step"
    still = [bool(steps[0]) and method.takes_no_step for method in (first, second)]
    percentage = f"{percent(first.mean(steps[0]), first.half_width(steps[0]))} %"
    if told is False:
        pair = f"{first.name} ({percentage}) and {second.name}"
        if all(still):
            pair += ", which take none,"
        elif still[0]:
            pair = f"{first.name} ({percentage}), which takes none, and {second.name}"
        elif still[1]:
            pair += ", which takes none,"
        return f"{when} {pair} cannot be told apart: {points} lie between them."
    name = f"{first.name}, which takes none," if still[0] else first.name
    other = f"{second.name}, which takes none either" if all(still) else second.name
    if told:
        return f"{when} {name} leads with {percentage}, {points} ahead of {other}."
    return f"{when} {name} has {percentage}, {points} more than {other}."


def _contest(methods: Sequence[MethodEstimate], steps: Sequence[int]) -> str:
    """Say what the contest of meta-training and pretraining comes to."""
    ours = next((m for m in methods if m.kind == "meta-trained"), None)
    theirs = next((m for m in methods if m.kind == "pretrained"), None)
    if ours is None or theirs is None or steps[0] == 0:
        return ""
    gaps = [ours.mean(step) - theirs.mean(step) for step in steps]
    told = [lead(ours, theirs, step)[1] for step in steps]
    text = _relation(ours, theirs, steps) if len(methods) > 2 else ""
    return f"{text} {_verdict(ours.name, theirs.name, gaps, told)}".strip()


def _relation(ours: MethodEstimate, theirs: MethodEstimate, steps: Sequence[int]) -> str:
    """Say how far apart the two are where others stand between them."""
    parts = []
    for step in steps:
        ahead, behind = sorted((ours, theirs), key=lambda method: -method.mean(step))
        points, _ = lead(ahead, behind, step)
        parts.append(
            f"{ahead.name} is {points} ahead of {behind.name} after {spelled(step, 'step')}"
        )
    return f"{capitalised('; '.join(parts))}."


def _verdict(ours: str, theirs: str, gaps: Sequence[float], told: Sequence[bool | None]) -> str:
    first, end = gaps[0], gaps[-1]
    if len(gaps) == 1:
        return f"Take more steps: does {theirs} catch up?" if told[0] and first > 0 else ""
    if told[0] and first > 0:
        if not told[-1]:
            return f"Meta-training buys the first step; with more of them {theirs} catches up."
        if end < 0:
            return f"Meta-training buys the first step; with more of them {theirs} overtakes."
        if 2 * end <= first:
            return "Meta-training buys above all the first step."
        return f"More steps do not make up for what {ours} learned."
    if told[0] and first < 0:
        return f"Here {theirs} is the better start."
    return "" if told[-1] else "More episodes would narrow the intervals."
