"""What the descents on a loss landscape say, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maml_core.config import EpisodeSpec
from maml_core.teaching.sentences.words import (
    AvailableClasses,
    Kind,
    capitalised,
    listed,
    something_harder,
    spelled,
)

ALIKE = 0.25  # of the larger of two gains: so far apart they are called much the same
ENOUGH, CLEAR = 0.95, 0.05  # of the queries right: all but all, and a lead that is worth a word


@dataclass(frozen=True)
class DescentLosses:
    """One descent, up to where it diverged.

    Attributes:
        name: What a sentence calls it.
        kind: What its weights were trained for.
        support_loss: Nats, [S + 1].
        query_loss: Likewise.
        restarted: It began where somebody clicked.
        diverged: It was cut short because the loss was not finite.
    """

    name: str
    kind: Kind
    support_loss: Sequence[float]
    query_loss: Sequence[float]
    restarted: bool = False
    diverged: bool = False


def loss(value: float) -> str:
    """Return a loss with as many digits as tell something."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def describe_descents(descents: Sequence[DescentLosses]) -> str:
    """Say how far the first step leads on support and query set, and how far the last.

    Args:
        descents: The methods' own and those restarted; all empty of NaN.
    """
    own = [d for d in descents if not d.restarted and len(d.query_loss) > 1]
    sentences = [_first_step(own), _end(own), _meaning(own)]
    sentences += [_restart(d, own) for d in descents if d.restarted][-1:]
    gone = list(dict.fromkeys(d.name for d in descents if d.diverged))
    if gone:
        sentences.append(f"{capitalised(listed(gone))} diverged: lower α.")
    return " ".join(filter(None, sentences))


def _first_step(own: Sequence[DescentLosses]) -> str:
    if not own:
        return ""
    first, *others = own
    parts = [
        f"{first.name}'s query loss from {loss(first.query_loss[0])} to "
        f"{loss(first.query_loss[1])} nats"
    ]
    parts += [
        f"{other.name}'s from {loss(other.query_loss[0])} to {loss(other.query_loss[1])}"
        for other in others
    ]
    return f"The first step takes {listed(parts)}."


def _end(own: Sequence[DescentLosses]) -> str:
    later = [d for d in own if len(d.query_loss) > 2]
    if not later:
        return ""
    steps = {len(d.query_loss) - 1 for d in later}
    when = f"After {spelled(steps.pop(), 'step')}" if len(steps) == 1 else "At the end"
    return f"{when} {listed([f'{d.name} is at {loss(d.query_loss[-1])}' for d in later])}."


def _meaning(own: Sequence[DescentLosses]) -> str:
    """Say whether the first steps, alike on the support set, differ on the query set."""
    ours = next((d for d in own if d.kind == "meta-trained"), None)
    theirs = next((d for d in own if d.kind == "pretrained"), None)
    if ours is None or theirs is None:
        return ""
    support = [d.support_loss[0] - d.support_loss[1] for d in (ours, theirs)]
    query = [d.query_loss[0] - d.query_loss[1] for d in (ours, theirs)]
    if max(query) <= 0:
        return "Neither step helps with the query pictures: α is too large, or K too small."
    if query[1] >= (1 - ALIKE) * query[0] and query[0] >= (1 - ALIKE) * query[1]:
        return (
            "Measured in loss, their first steps are worth about the same here; in pictures right "
            "they may still differ."
        )
    if query[1] > query[0]:
        return f"Here {theirs.name}'s first step generalises better."
    values = f"({loss(support[0])} and {loss(support[1])} nats)"
    if abs(support[0] - support[1]) <= ALIKE * max(support):
        return (
            f"On the support set the two steps gain much the same {values}, on the query set "
            f"{ours.name}'s gains more: meta-training chose a start from which a step helps with "
            "pictures it has not seen."
        )
    return f"On the query set {ours.name}'s step gains more; on the support set they differ, too."


def _restart(restarted: DescentLosses, own: Sequence[DescentLosses]) -> str:
    """Compare the descent from where somebody clicked with the method's own."""
    same = next((d for d in own if d.name == restarted.name), None)
    end = loss(restarted.query_loss[-1])
    if same is None:
        return f"From the place you chose, descent ends at a query loss of {end}."
    difference = restarted.query_loss[-1] - same.query_loss[-1]
    where = "lower than" if difference < 0 else "higher than" if difference > 0 else "the same as"
    return (
        f"From the place you chose, descent ends at a query loss of {end}, {where} from "
        f"{restarted.name}'s θ."
    )


@dataclass(frozen=True)
class FirstStep:
    """What one inner step did.

    Attributes:
        name: What a sentence calls the method.
        kind: What its weights were trained for.
        loss_before: Support loss at θ, nats.
        loss_after: After the step.
        correct: Query pictures right after it; None where the loss is not finite.
        total: Query pictures.
    """

    name: str
    kind: Kind
    loss_before: float
    loss_after: float
    correct: int | None
    total: int

    @property
    def share(self) -> float:
        """Of the query pictures right, 0 to 1."""
        return (self.correct or 0) / self.total


def describe_first_steps(
    steps: Sequence[FirstStep], spec: EpisodeSpec, available: AvailableClasses
) -> str:
    """Say what one step does for the support loss and for the queries, and for whom it is enough.

    Args:
        steps: One a method.
        spec: Of the episode.
        available: What its classes were sampled from.
    """
    alive = [step for step in steps if step.correct is not None]
    parts = [
        f"{step.name}'s support loss from {loss(step.loss_before)} to {loss(step.loss_after)}, and "
        f"{step.correct} of {step.total} query pictures are right ({100 * step.share:.0f} %)"
        for step in alive
    ]
    gone = [step.name for step in steps if step.correct is None]
    sentences = [f"One step takes {'; '.join(parts)}."] if parts else []
    sentences += [f"{capitalised(listed(gone))} diverged in it: lower α."] if gone else []
    ours = next((step for step in alive if step.kind == "meta-trained"), None)
    theirs = next((step for step in alive if step.kind == "pretrained"), None)
    if ours and theirs:
        sentences.append(_enough(ours, theirs, something_harder(spec, available)))
    return " ".join(sentences)


def _enough(ours: FirstStep, theirs: FirstStep, harder: str) -> str:
    """Say for whom one step is enough."""
    if min(ours.share, theirs.share) >= ENOUGH:
        return f"On so easy an episode one step is enough for both: try {harder}."
    lead = ours.share - theirs.share
    if lead >= CLEAR:
        enough = "is enough" if ours.share >= ENOUGH else "goes farther"
        return (
            f"One step {enough} from {ours.name}'s θ. The losses on the support set alone would "
            "not tell you: what differs is what the step does for pictures it has not seen."
        )
    if -lead >= CLEAR:
        return f"Here one step goes farther from {theirs.name}'s θ."
    return f"One step does about the same for both here: try {harder}."
