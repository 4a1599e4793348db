"""Lessons as data: one text file each, Markdown under a little TOML.

    +++
    title = "What is an episode?"
    choices = ["5", "25"]
    +++
    Some words to begin with.

    ## Prediction
    How many pictures …?

and so on with the other sections. Without `choices` the pupil writes a prediction. A link into the
app is relative: `[Open it](adapt?n_way=20)`, and `./?mode=20-way` for the first page. `{{seed}}` is
a figure of the characters that are present, see `lesson_figures`; a section that has to say
something else of one data set is there a second time, as `## Outcome: glyphs`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from maml_core.teaching.lesson_figures import DATASETS, figures_of

FENCE = "+++"  # around the TOML
SECTIONS = ("Prediction", "Steps", "Outcome", "Question", "Answer", "Notes")
_LINK_TARGET = re.compile(r"\]\(([^)\s]*)\)")
_FIGURE = re.compile(r"\{\{([^{}]+)\}\}")
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


class LessonError(ValueError):
    """A lesson's file cannot be used; the message says why, and what to do."""


@dataclass(frozen=True)
class Lesson:
    """Five minutes' work on the app's pages. All but title and choices is Markdown.

    Attributes:
        title: What it is called.
        choices: What the pupil may predict; empty: the pupil writes a prediction.
        introduction: What it is about.
        prediction: What is asked before anything is opened.
        steps: What to do, with links into the app.
        outcome: What there is to see.
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
        names = (field.name for field in fields(self) if field.name != "choices")
        texts = [str(getattr(self, name)) for name in names]
        return tuple(link for text in texts for link in internal_links(text))


@dataclass(frozen=True)
class Plan:
    """What a teacher does in one lesson.

    Attributes:
        title: How long it takes.
        text: Markdown, with links into the app.
    """

    title: str
    text: str


def load(
    folder: Path, pages: Collection[str], dataset: str = "omniglot"
) -> tuple[list[Lesson], list[str]]:
    """Read all lessons of a folder, in the order of their files' names.

    Args:
        folder: With a file `*.md` for each lesson.
        pages: Names that links may begin with, '' for the first page.
        dataset: Whose figures the lessons quote: 'omniglot' or 'glyphs'.

    Returns:
        The lessons, and a sentence for each file that is not a lesson.
    """
    figures = figures_of(dataset)
    lessons: list[Lesson] = []
    broken: list[str] = []
    for path in sorted(folder.glob("*.md")):
        try:
            lesson = parse(_read(path), pages, dataset, figures)
            if lesson.title in {other.title for other in lessons}:
                raise LessonError(
                    f"another lesson is already called “{lesson.title}”; choose another title."
                )
        except LessonError as error:
            broken.append(f"The lesson {path.name} cannot be shown: {error}")
        else:
            lessons.append(lesson)
    return lessons, broken


def load_plans(
    folder: Path, pages: Collection[str], dataset: str = "omniglot"
) -> tuple[list[Plan], list[str]]:
    """Read all plans of a folder as `load` reads lessons; their TOML holds the title alone."""
    plans, broken = [], []
    for path in sorted(folder.glob("*.md")):
        try:
            title, _, body = _front_matter(_quote(_read(path), figures_of(dataset)))
            _check_links(internal_links(body), pages)
        except LessonError as error:
            broken.append(f"The plan {path.name} cannot be shown: {error}")
        else:
            plans.append(Plan(title, body.strip()))
    return plans, broken


def parse(
    text: str,
    pages: Collection[str],
    dataset: str = "omniglot",
    figures: Mapping[str, str] | None = None,
) -> Lesson:
    """Read one lesson.

    Args:
        text: Of its file.
        pages: As in `load`.
        dataset: As in `load`.
        figures: What it may quote, by name.

    Raises:
        LessonError: It is not a lesson, links to a page that does not exist, or quotes a figure
            that nobody measured.
    """
    title, choices, body = _front_matter(_quote(text, figures or {}))
    introduction, *parts = _HEADING.split(body)
    sections = {name: part.strip() for name, part in zip(parts[::2], parts[1::2], strict=True)}
    if len(sections) < len(parts) // 2:
        twice = next(name for name in sections if parts[::2].count(name) > 1)
        raise LessonError(f"the section “{twice}” is there twice; join the two.")
    variants = {f"{name}: {other}": name for name in SECTIONS for other in DATASETS}
    for name in sections.keys() - set(SECTIONS) - set(variants):
        raise LessonError(f"“## {name}” is not a section; the sections are {', '.join(SECTIONS)}.")
    for name in SECTIONS:
        if not sections.get(name):
            raise LessonError(f"there is nothing under “## {name}”; add that line and a text.")
    texts = {name.lower(): sections.get(f"{name}: {dataset}", sections[name]) for name in SECTIONS}
    lesson = Lesson(title, choices, introduction.strip(), **texts)
    _check_links(lesson.links, pages)
    return lesson


def _check_links(links: Iterable[str], pages: Collection[str]) -> None:
    for link in links:
        if _page_of(link) not in pages:
            names = ", ".join(sorted(filter(None, pages)))
            raise LessonError(
                f"it links to {link!r}, but there is no such page; begin the link with one of "
                f"{names}, or with ./ for the first page."
            )


def _quote(text: str, figures: Mapping[str, str]) -> str:
    """Put the figures in where a text names them."""

    def figure(match: re.Match[str]) -> str:
        name = " ".join(match[1].split())
        if name not in figures:
            raise LessonError(
                f"it quotes {match[0]}, which is not among the figures; write the number itself, "
                "or measure it with `python -m benchmarks.studies.lesson_figures`."
            )
        return figures[name].replace(" ", "\N{NO-BREAK SPACE}")  # '98.4 ± 0.5 %' stays on a line

    return _FIGURE.sub(figure, text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin with a byte order mark
    except UnicodeDecodeError:
        raise LessonError("it is not UTF-8 text; save it as UTF-8.") from None


def _front_matter(text: str) -> tuple[str, tuple[str, ...], str]:
    """Return title, choices, and what comes after them."""
    before, *parts = re.split(rf"^{re.escape(FENCE)} *$", text, maxsplit=2, flags=re.MULTILINE)
    if before.strip() or len(parts) < 2:
        raise LessonError(f"it must begin with a title between two lines {FENCE}.")
    try:
        front_matter = tomllib.loads(parts[0])
    except (ValueError, RecursionError) as error:
        raise LessonError(f"what is between its lines {FENCE} is not TOML: {error}.") from None
    for name in front_matter.keys() - {"title", "choices"}:
        raise LessonError(f"it sets {name!r}; what can be set is title and choices.")
    title, choices = front_matter.get("title"), front_matter.get("choices", [])
    if not (isinstance(title, str) and title.strip()):
        raise LessonError(f'it has no title; write title = "…" between its lines {FENCE}.')
    is_list = isinstance(choices, list) and all(isinstance(text, str) and text for text in choices)
    if not is_list or len(choices) == 1 or len(set(choices)) < len(choices):
        raise LessonError(
            f"its choices are {choices!r}; give two or more different texts in quotes, or none."
        )
    return title.strip(), tuple(choices), parts[1]


def internal_links(text: str) -> list[str]:
    """Return the links of a text into the app."""
    return list(filter(_is_internal, _LINK_TARGET.findall(text)))


def _is_internal(target: str) -> bool:
    """Say whether a link stays in the app."""
    return ":" not in _page_of(target) and not target.startswith("#")


def _page_of(target: str) -> str:
    return target.partition("?")[0].removeprefix("./")
