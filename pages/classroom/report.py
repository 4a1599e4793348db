"""What a class takes away to read: its report, and each pupil's hand-in file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

import numpy as np

from maml_core.classroom.activities import is_revealed
from maml_core.classroom.boards import BoardEntry, board_entries, handed_in_board
from maml_core.classroom.hand_ins import HandIn, hand_ins_of, own_hand_ins
from maml_core.classroom.membership import ClassRecord, Pupil
from maml_core.classroom.predictions import field_name, steps_asked
from maml_core.classroom.summaries import ranking
from maml_core.config import N_QUESTIONS
from maml_core.figures.classroom import (
    choices_figure,
    choices_in_words,
    predictions_figure,
    predictions_in_words,
    round_figure,
    round_in_words,
)
from maml_core.figures.style import STYLES
from maml_core.images.decoding import PictureError
from maml_core.teaching.exports.html_report import Section, html_report
from maml_core.teaching.lessons import Lesson
from maml_core.teaching.play_round import score
from pages.classroom.drawings import board_pixels
from pages.classroom.lesson_results import answers_of, lessons_by_number, summary_of_choices
from pages.classroom.prediction_results import summary_of_predictions, truth_of
from pages.classroom.rounds import COLOURS, LABELS, round_title, rounds_of, summary_of
from pages.shared.charts.picture_html import pixels_uri
from pages.shared.classroom.predictions import PredictionTask, prediction_task
from pages.shared.classroom.store import database
from pages.shared.classroom.subjects import AFTER, PlaySubject, labels_of, lesson_number
from pages.shared.frame.class_line import root
from pages.shared.link_settings import PART_LABELS, dataset_label

Subject = TypeVar("Subject", PlaySubject, str)
MOST = 20  # rounds, and predictions, of a report
NOT_HERE = "The characters are not on this server."


def class_report(taught: ClassRecord) -> str:
    """Return a class's results as one HTML file."""
    handed_in = hand_ins_of(database(), taught.id)
    # A pupil's browser may say any text; what is no link to a prediction here is passed over.
    predicted = {link: of for link, of in _tasks(handed_in).items() if prediction_task(link)}
    sections = [
        *(_round_section(taught, *one) for one in _most(rounds_of(handed_in)).items()),
        *(_prediction_section(taught, *one) for one in _most(predicted).items()),
        *(_lesson_section(taught, *one) for one in _by_lesson(handed_in).items()),
    ]
    drawings = _pictures(
        [one for one in board_entries(database(), taught.id) if not one.is_taken_out]
    )
    sections += [Section("Drawings", pictures=drawings)] if drawings else []
    about = f"Class {taught.code}, {_day(taught.started_at)}. Names are from a list."
    about += _left_out(handed_in)
    empty = [Section("Nothing has been handed in yet.")]
    return html_report("What the class thought", about, sections or empty)


def own_report(pupil: Pupil) -> str:
    """Return what a pupil handed in as one HTML file; of others it says nothing."""
    handed_in = own_hand_ins(database(), pupil)
    sections = [
        *(_own_round_section(*one) for one in _most(rounds_of(handed_in)).items()),
        *(_own_prediction_section(pupil, *one) for one in _most(_tasks(handed_in)).items()),
        *(_own_lesson_section(*one) for one in _by_lesson(handed_in).items()),
    ]
    own = [one for one in board_entries(database(), pupil.class_id) if one.name == pupil.name]
    sections += [Section("Your drawings", pictures=_pictures(own))] if own else []
    empty = [Section("You have handed in nothing yet.")]
    about = f"{_day(pupil.seen_at)}.{_left_out(handed_in)}"
    return html_report(f"Hand-in of the {pupil.name}", about, sections or empty)


def _most(groups: Mapping[Subject, Sequence[HandIn]]) -> dict[Subject, Sequence[HandIn]]:
    """Return the `MOST` groups that most have handed in to, in their order.

    The machines answer each of them anew: of what one pupil alone did hundreds of times, a report
    would keep the server busy for minutes.
    """
    chosen = sorted(groups, key=lambda one: len(groups[one]), reverse=True)[:MOST]
    return {subject: groups[subject] for subject in groups if subject in chosen}


def _left_out(handed_in: Sequence[HandIn]) -> str:
    """Say how much `_most` leaves out; empty: nothing."""
    counts = len(rounds_of(handed_in)), len(_tasks(handed_in))
    left_out = sum(max(0, count - MOST) for count in counts)
    if not left_out:
        return ""
    return (
        f" At most {MOST} rounds and {MOST} predictions are shown, those that most took part in; "
        f"{left_out} more were handed in."
    )


def _round_section(
    taught: ClassRecord, subject: PlaySubject, handed_in: Sequence[HandIn]
) -> Section:
    title = f"Play: {round_title(subject)}"
    found = summary_of(subject, handed_in)
    if found is None:
        return Section(title, [NOT_HERE])
    summary, _ = found
    finished = summary.finished
    mean = f"{sum(finished.values()) / len(finished):.1f}" if finished else "–"
    machines = ", ".join(
        f"{label} {int(summary.machine_right[name].sum())}" for name, label in LABELS.items()
    )
    sentences = [
        f"Of {N_QUESTIONS} questions the class got {mean} right, the mean of {len(finished)} who "
        f"answered all; {machines}."
    ]
    if (worst := summary.most_missed) is not None:
        right = summary.chosen[worst, summary.truths[worst]]
        sentences.append(
            f"Most missed was question {worst + 1}: {right} of {summary.n_answers[worst]} right."
        )
    return Section(
        title,
        sentences,
        round_figure(summary, LABELS, COLOURS),
        round_in_words(summary, LABELS),
        ("Place", "Name", "Right"),
        ranking(summary.scores) if taught.options["ranking"] else [],
    )


def _own_round_section(subject: PlaySubject, handed_in: Sequence[HandIn]) -> Section:
    title = f"Play: {round_title(subject)}"
    link = {
        "dataset": dataset_label(subject.dataset),
        "part": next((label for label, part in PART_LABELS.items() if part == subject.part), ""),
        "mode": subject.mode,
        "seed": subject.seed,
    }
    address = f"{root()}/?{urlencode(link)}"
    found = summary_of(subject, handed_in)
    if found is None:
        return Section(title, [NOT_HERE, address])
    summary, questions = found
    labels = labels_of(handed_in[-1].content)[: len(questions)]
    machines = ", ".join(
        f"{label} {int(summary.machine_right[name].sum())} of {len(questions)}"
        for name, label in LABELS.items()
    )
    rows = [
        (n, "–" if label is None else label + 1, question.truth + 1)
        for n, (label, question) in enumerate(zip(labels, questions, strict=False), 1)
    ]
    return Section(
        title,
        [f"{score(questions, labels)} of {len(labels)} right; {machines}.", address],
        head=("Question", "Chosen", "Right answer"),
        rows=rows,
    )


def _tasks(handed_in: Sequence[HandIn]) -> dict[str, list[HandIn]]:
    found: dict[str, list[HandIn]] = {}
    for one in handed_in:
        if one.kind == "prediction":
            found.setdefault(one.subject, []).append(one)
    return found


def _truth(task: PredictionTask) -> np.ndarray | None:
    with suppress(ValueError, OSError):
        return truth_of(task)
    return None


def _prediction_section(taught: ClassRecord, link: str, handed_in: Sequence[HandIn]) -> Section:
    task = prediction_task(link)
    assert task is not None  # see `class_report`
    summary = summary_of_predictions(task, handed_in)
    # The report can go to pupils: what they may not know yet is not in it.
    revealed = is_revealed(database(), taught.id, link)
    truth = _truth(task) if revealed else None
    sentences = list(predictions_in_words(summary, truth))
    words = " ".join(sentences)
    if not revealed:
        sentences.append("What the methods reach has not been revealed.")
    return Section(
        f"Predictions: {task.title}", sentences, predictions_figure(summary, truth), words
    )


def _own_prediction_section(pupil: Pupil, link: str, handed_in: Sequence[HandIn]) -> Section:
    task = prediction_task(link)
    address = f"{root()}/{link}"
    if task is None:
        return Section("Predictions", [NOT_HERE, address])
    content = handed_in[-1].content
    said = content if isinstance(content, dict) else {}
    revealed = is_revealed(database(), pupil.class_id, link)
    truth = _truth(task) if revealed else None
    rows = [
        (
            STYLES[method].label,
            step,
            f"{said.get(field_name(method, step), '–')} %",
            "not revealed yet" if truth is None else f"{truth[m, s]:.0f} %",
        )
        for m, method in enumerate(task.methods)
        for s, step in enumerate(steps_asked(task.inner_steps))
    ]
    return Section(
        f"Predictions: {task.title}",
        [address],
        head=("Method", "After step", "Predicted", "Reached"),
        rows=rows,
    )


def _by_lesson(handed_in: Sequence[HandIn]) -> dict[int, list[HandIn]]:
    found: dict[int, list[HandIn]] = {}
    for one in handed_in:
        number = lesson_number(one.subject)
        if one.kind in ("choice", "answer") and number is not None:
            found.setdefault(number, []).append(one)
    return found


def _lesson(number: int) -> Lesson | None:
    return lessons_by_number().get(number)


def _lesson_section(taught: ClassRecord, number: int, handed_in: Sequence[HandIn]) -> Section:
    lesson = _lesson(number)
    if lesson is None:
        return Section(f"Lesson {number}", ["This lesson is not on this server."])
    answers = [one for one in answers_of(number, handed_in) if not one.is_taken_out]
    named = taught.options["names"]
    has_chosen = any(one.kind == "choice" for one in handed_in)
    summary = summary_of_choices(lesson, number, handed_in) if has_chosen else None
    return Section(
        f"Lesson {number}: {lesson.title}",
        [lesson.question] if answers else [],
        choices_figure(summary) if summary else None,
        choices_in_words(summary) if summary else "",
        ("Name", "Answer") if named else ("Answer",),
        [(one.name, one.content) if named else (one.content,) for one in answers],
    )


def _own_lesson_section(number: int, handed_in: Sequence[HandIn]) -> Section:
    lesson = _lesson(number)
    rows = [
        (
            "Answer" if one.kind == "answer" else "After" if AFTER in one.subject else "Before",
            one.content,
        )
        for one in handed_in
    ]
    title = f"Lesson {number}: {lesson.title}" if lesson else f"Lesson {number}"
    address = f"{root()}/lessons?lesson={number}"
    return Section(title, [address], head=("", "Handed in"), rows=rows)


def _pictures(entries: Sequence[BoardEntry]) -> list[tuple[str, str]]:
    """Return boards as data URIs under their drawers' names; what is no board is passed over."""
    found = []
    for entry in entries:
        with suppress(PictureError):
            board = handed_in_board(database(), entry)
            found.append((pixels_uri(board_pixels(board)), entry.name))
    return found


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %B %Y")
