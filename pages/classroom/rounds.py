"""The rounds of Play that a class has handed in."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs

from maml_core.classroom.activities import Activity
from maml_core.classroom.hand_ins import HandIn
from maml_core.classroom.summaries import PlaySummary, summarise_round
from maml_core.figures.style import STYLES
from maml_core.teaching.play_round import INNER_STEPS, MODES, PlayQuestion
from pages.shared import cached
from pages.shared.character_sets import available_datasets
from pages.shared.classroom.subjects import PlaySubject, labels_of, play_subject
from pages.shared.link_settings import PART_LABELS, PARTS, dataset_label, dataset_labels

STAND_IN = "glyphs"  # for characters that are not here
MACHINES = ("maml", cached.BASELINE)
LABELS = {name: STYLES[name].label for name in MACHINES}
COLOURS = {name: STYLES[name].colour for name in MACHINES}


def rounds_of(handed_in: Sequence[HandIn]) -> dict[PlaySubject, list[HandIn]]:
    """Return what was handed in by round, the round that was begun last at the end."""
    found: dict[PlaySubject, list[HandIn]] = {}
    for one in handed_in:
        subject = play_subject(one.subject)
        if one.kind == "play" and subject is not None:
            found.setdefault(subject, []).append(one)
    return found


def opened_round(opened: Activity) -> PlaySubject | None:
    """Return the round that a teacher has opened; None: its characters are not on this server."""
    said = {name: values[-1] for name, values in parse_qs(opened.link.partition("?")[2]).items()}
    usual = "Omniglot" if available_datasets()["omniglot"] else "Glyphs"
    dataset = dataset_labels().get(said.get("dataset", usual), "")
    part = PART_LABELS.get(said.get("part", ""), "test")
    mode = said.get("mode", next(iter(MODES)))
    return play_subject("|".join(("play", dataset, part, mode, said.get("seed", "0"))))


def round_title(subject: PlaySubject) -> str:
    """Return which round it is, in words."""
    part = "" if subject.part == "test" else f", {PARTS.get(subject.part, subject.part)}"
    return f"Seed {subject.seed}, {subject.mode}, {dataset_label(subject.dataset)}{part}"


def summary_of(
    subject: PlaySubject, handed_in: Sequence[HandIn]
) -> tuple[PlaySummary, Sequence[PlayQuestion]] | None:
    """Return what a class answered in a round, and its questions.

    None: the round's characters are not on this server, or not for this visitor.
    """
    try:
        if cached.characters(subject.dataset).name == STAND_IN != subject.dataset:
            return None
        questions = cached.questions(*subject)
        machines = cached.machine_answers(*subject, MACHINES, INNER_STEPS)
    except (ValueError, KeyError, OSError):
        return None
    picks = {one.name: labels_of(one.content) for one in handed_in}
    truths = [question.truth for question in questions]
    n_way = MODES[subject.mode].n_way
    return summarise_round(truths, n_way, picks, machines), questions
