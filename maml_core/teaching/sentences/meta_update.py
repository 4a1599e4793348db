"""What one meta-update brings, and how other methods' gradients compare, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from maml_core.teaching.anatomy.learned_rates import Rates
from maml_core.teaching.sentences.words import capitalised, listed, spelled


def describe_meta_update(
    before: Sequence[float], after: Sequence[float], others: tuple[float, float]
) -> str:
    """Say what one update of θ does for its own tasks and for tasks that it has not seen.

    Args:
        before: Query loss of each task after its inner steps, from the old θ.
        after: From the new θ.
        others: Mean query loss of other tasks, from the old and from the new θ.
    """
    n, means = len(before), (sum(before) / len(before), sum(after) / len(after))
    if not all(map(math.isfinite, (*means, *others))):
        return "The losses are not finite: α or β is too large. Lower one of them."
    better = sum(b > a for b, a in zip(before, after, strict=True))
    told = [f"{value:.3f}" for value in (*means, *others)]
    own, foreign = float(told[1]) - float(told[0]), float(told[3]) - float(told[2])
    unseen = "leaves that of" if not foreign else f"takes it from {told[2]} to {told[3]} on"
    sentence = (
        f"This one update takes the mean query loss after the inner steps from {told[0]} to "
        f"{told[1]} nats on its {spelled(n, 'task')} ({better} of {n} better), and {unseen} {n} "
        f"others, which it has not seen{'' if foreign else f', at {told[2]}'}."
    )
    if own < 0 and foreign < 0:
        return f"{sentence} The new θ is a better start for both: that is meta-learning."
    if own < 0:
        return (
            f"{sentence} So few tasks pull θ their own way; thousands of updates average that out."
        )
    return f"{sentence} β is too large here, or θ is already as good as it gets: lower β."


def describe_angles(angles: Mapping[str, float]) -> str:
    """Say which methods' gradients point MAML's way.

    Args:
        angles: Degrees to MAML's meta-gradient, by the name in sentences; NaN where the gradient
            is zero.
    """
    known = {name: angle for name, angle in angles.items() if not math.isnan(angle)}
    zero = [name for name in angles if name not in known]
    sentences = []
    if known:
        parts = [f"{name} {angle:.0f}°" for name, angle in known.items()]
        sentences.append(f"Away from MAML's direction: {listed(parts)}.")
        against = [name for name, angle in known.items() if angle > 90]
        if against:
            sentences.append(
                f"Above 90° a small step makes MAML's objective worse: {listed(against)} would "
                "train against it here."
            )
        elif min(known.values()) < 45:
            nearest = min(known, key=lambda name: known[name])
            sentences.append(f"{capitalised(nearest)} is a fair stand-in for MAML here.")
    if zero:
        verb = "says" if len(zero) == 1 else "say"
        sentences.append(f"{capitalised(listed(zero))} {verb} nothing here: a gradient of zero.")
    return " ".join(sentences)


def describe_rates(rates: Mapping[str, Sequence[Mapping[str, Rates]]]) -> str:
    """Say in which layer and step each method takes the largest rates, and what ascends.

    Args:
        rates: By the name in sentences, for each step that has its own, by layer.
    """
    sentences = []
    for name, steps in rates.items():
        medians = {
            (layer, number): one.median
            for number, by_layer in enumerate(steps, 1)
            for layer, one in by_layer.items()
        }
        layer, number = max(medians, key=medians.__getitem__)
        where = f"in {_in_a_sentence(layer)}"
        if len(steps) > 1:
            where += f" at step {number}"
        low, high = min(medians.values()), medians[layer, number]
        words = f"{name} learned its largest rate {where}: {high:.2g}; its smallest is {low:.2g}."
        negative = [one.negative for one in steps[-1].values()]
        if max(negative) > 0:
            least, most = (f"{100 * share:.0f}" for share in (min(negative), max(negative)))
            words += f" In its layers {least} to {most} % of the weights ascend: a rate below 0."
        sentences.append(words)
    return " ".join(sentences)


def _in_a_sentence(layer: str) -> str:
    return "the head" if layer == "Head" else layer.lower()


def describe_layers(changes: Mapping[str, Mapping[str, float]], steps: int) -> str:
    """Say which layer below the head adaptation moves most.

    Args:
        changes: Relative change by layer, by the name in sentences; who has none that is finite,
            as a network of zeros, is left out.
        steps: Inner steps.
    """
    changes = {
        name: finite
        for name, by_layer in changes.items()
        if (finite := {layer: c for layer, c in by_layer.items() if math.isfinite(c)})
    }
    most = {name: max(by_layer, key=by_layer.__getitem__) for name, by_layer in changes.items()}
    moved = {name: f"{100 * changes[name][layer]:.2g} %" for name, layer in most.items()}
    if not most:
        return ""
    opening = f"In {spelled(steps, 'inner step')}, below the head,"
    layers = set(most.values())
    if len(most) > 1 and len(layers) == 1:
        each = listed([f"{name} by {moved[name]} of its length" for name in most])
        return f"{opening} {layers.pop().lower()} moves most: {each}."
    parts = [
        f"{name} moves {most[name].lower()} most, by {moved[name]} of its length" for name in most
    ]
    return f"{opening} {listed(parts)}."
