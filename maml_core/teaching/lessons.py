"""Lessons as data: one text file each, Markdown under a little TOML.

    +++
    title = "What is an episode?"
    choices = ["5", "25"]
    +++
    Some words to begin with.

    ## Prediction
    How many pictures …?

and so on with the other sections. Without `choices` the pupil writes a prediction. A link into the
app is relative: `[Open it](adapt?n_way=20)`, and `./?mode=20-way` for the first page.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path

FENCE = "+++"  # around the TOML
SECTIONS = ("Prediction", "Steps", "Outcome", "Question", "Answer", "Notes")
_LINK = re.compile(r"\]\(([^)\s]*)\)")
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


class LessonError(ValueError):
    """A lesson's file cannot be used; the message says why, and what to do."""


@dataclass(frozen=True)
class Lesson:
    """A walk of five minutes over the app's pages. All but title and choices is Markdown.

    Attributes:
        title: What it is called.
        choices: What the pupil may predict; empty: the pupil writes.
        introduction: What it is about.
        prediction: What is asked before anything is opened.
        steps: What to do, with links into the app.
        outcome: What is to be seen there.
        question: The one it ends with.
        answer: To that question.
        notes: For teachers.
    """

    title: str
    choices: tuple[str, ...]
    introduction: str
    prediction: str
    steps: str
    outcome: str
    question: str
    answer: str
    notes: str

    @property
    def links(self) -> tuple[str, ...]:
        """The links into the app, in order: a page's name and its settings."""
        texts = [str(getattr(self, one.name)) for one in fields(self) if one.name != "choices"]
        return tuple(target for text in texts for target in _LINK.findall(text) if _inner(target))


def load(folder: Path, pages: Collection[str]) -> tuple[list[Lesson], list[str]]:
    """Read all lessons of a folder, in the order of their files' names.

    Args:
        folder: With a file `*.md` for each lesson.
        pages: Names that links may begin with, '' for the first page.

    Returns:
        The lessons, and a sentence for each file that is none.
    """
    lessons: list[Lesson] = []
    broken: list[str] = []
    for path in sorted(folder.glob("*.md")):
        try:
            lesson = parse(_text(path), pages)
            if lesson.title in {one.title for one in lessons}:
                raise LessonError(
                    f"another lesson is called “{lesson.title}” already; choose another title."
                )
        except LessonError as error:
            broken.append(f"The lesson {path.name} cannot be shown: {error}")
        else:
            lessons.append(lesson)
    return lessons, broken


def parse(text: str, pages: Collection[str]) -> Lesson:
    """Read one lesson.

    Args:
        text: Of its file.
        pages: As in `load`.

    Raises:
        LessonError: It is none, or links to a page that is not there.
    """
    title, choices, body = _front_matter(text)
    introduction, *parts = _HEADING.split(body)
    found = {name: part.strip() for name, part in zip(parts[::2], parts[1::2], strict=True)}
    if len(found) < len(parts) // 2:
        twice = next(name for name in found if parts[::2].count(name) > 1)
        raise LessonError(f"the section “{twice}” is there twice; join the two.")
    for name in found.keys() - set(SECTIONS):
        raise LessonError(f"“## {name}” is no section; the sections are {', '.join(SECTIONS)}.")
    for name in SECTIONS:
        if not found.get(name):
            raise LessonError(f"nothing stands under “## {name}”; add that line and a text.")
    texts = {name.lower(): found[name] for name in SECTIONS}
    lesson = Lesson(title, choices, introduction.strip(), **texts)
    for link in lesson.links:
        if _page(link) not in pages:
            names = ", ".join(sorted(filter(None, pages)))
            raise LessonError(
                f"it links to {link!r}, but there is no such page; begin the link with one of "
                f"{names}, or with ./ for the first page."
            )
    return lesson


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin with a byte order mark
    except UnicodeDecodeError:
        raise LessonError("it is no UTF-8 text; save it as UTF-8.") from None


def _front_matter(text: str) -> tuple[str, tuple[str, ...], str]:
    """Return title, choices, and what comes after them."""
    before, *parts = re.split(rf"^{re.escape(FENCE)} *$", text, maxsplit=2, flags=re.MULTILINE)
    if before.strip() or len(parts) < 2:
        raise LessonError(f"it must begin with a title between two lines {FENCE}.")
    try:
        found = tomllib.loads(parts[0])
    except tomllib.TOMLDecodeError as error:
        raise LessonError(f"between its lines {FENCE} is no TOML: {error}.") from None
    for name in found.keys() - {"title", "choices"}:
        raise LessonError(f"it sets {name!r}; what can be set is title and choices.")
    title, choices = found.get("title"), found.get("choices", [])
    if not (isinstance(title, str) and title.strip()):
        raise LessonError(f'it has no title; write title = "…" between its lines {FENCE}.')
    is_list = isinstance(choices, list) and all(isinstance(one, str) and one for one in choices)
    if not is_list or len(choices) == 1 or len(set(choices)) < len(choices):
        raise LessonError(
            f"its choices are {choices!r}; give two or more different texts in quotes, or none."
        )
    return title.strip(), tuple(choices), parts[1]


def _inner(target: str) -> bool:
    """Say whether a link stays in the app."""
    return ":" not in _page(target) and not target.startswith("#")


def _page(target: str) -> str:
    return target.partition("?")[0].removeprefix("./")
