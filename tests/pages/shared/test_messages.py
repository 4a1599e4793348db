"""Messages that reach a page name each control as the page writes it, never as the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from maml_core.config import EpisodeSpec, SettingError, TrainConfig
from maml_core.data import registry
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from pages.shared.messages import message_of
from pages.train.images.controls import CONTROLS
from tests.support.opened_page import open_page, texts

ROOT = Path(__file__).parents[3]
CODE_NAME = re.compile(r"(?<![`\w])[a-z]+(?:_[a-z0-9]+)+(?![\w`])")
# Raised in notebooks alone, where names of the code are right.
NOTEBOOKS_ONLY = {"learners/learner.py", "training/recipes.py"}


def raised_texts() -> list[tuple[str, str, bool]]:
    """Return file, text and whether it is a template, of all texts in `raise` in the core."""
    found = []
    for path in sorted((ROOT / "maml_core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                typed = isinstance(node.exc.func, ast.Name) and node.exc.func.id == "SettingError"
                found += [
                    (str(path.relative_to(ROOT / "maml_core")), part.value, typed)
                    for part in ast.walk(node.exc)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
    return found


def test_no_message_of_the_core_that_can_reach_a_page_spells_a_name_of_the_code() -> None:
    plain = [(file, text) for file, text, typed in raised_texts() if not typed]
    assert len(plain) > 60
    offenders = {
        (file, text)
        for file, text in plain
        if CODE_NAME.search(text) and "python -m maml_core" not in text
    }
    assert {file for file, _ in offenders} == NOTEBOOKS_ONLY, offenders


def test_every_setting_that_a_message_names_has_a_control_to_be_called_by() -> None:
    texts_in_braces = [text for _, text, typed in raised_texts() if typed and "{" in text]
    templates = [text for text in texts_in_braces if text.count("{") == text.count("}")]
    assert len(templates) >= 8
    for template in templates:
        names = {name for _, name, _, _ in Formatter().parse(template) if name}
        error = SettingError(template, **dict.fromkeys(names - _settings(names), 3))
        assert not CODE_NAME.search(message_of(error, CONTROLS)), template


def _settings(names: set[str]) -> set[str]:
    """Return which of the names in a template are of settings and not facts."""
    fields = {*EpisodeSpec.__dataclass_fields__, *TrainConfig.__dataclass_fields__, "split", "part"}
    return names & fields


@pytest.mark.parametrize(
    ("arguments", "refused", "sentence"),
    [
        ({"method": "reptile"}, "inner_steps", "is 1; Reptile needs at least 2 to learn to adapt."),
        ({"meta_lr": float("nan")}, "meta_lr", "is nan; choose a finite value above 0."),
        ({"inner_lr": 0.0}, "inner_lr", "is 0.0; choose a finite value above 0."),
        ({"meta_batch_size": 0}, "meta_batch_size", "is 0; choose a value from 1 to 1000."),
    ],
)
def test_a_refused_training_names_the_controls_of_its_page(
    arguments: dict[str, object], refused: str, sentence: str
) -> None:
    with pytest.raises(SettingError) as refusal:
        TrainConfig(**arguments)
    assert str(refusal.value) == f"{refused} {sentence}"
    assert message_of(refusal.value, CONTROLS) == f"“{CONTROLS[refused]}” {sentence}"


def test_a_name_with_braces_in_it_is_left_as_it_is() -> None:
    error = SettingError("{n_way} is 9, but {name} is alone.", name="{k_shot} {0}")
    assert str(error) == "n_way is 9, but {k_shot} {0} is alone."
    assert message_of(error) == "“N-way: classes” is 9, but {k_shot} {0} is alone."


def test_an_episode_with_too_many_pictures_names_both_sliders() -> None:
    data = registry.load("glyphs")
    pool = make_pool(data, [0, 1, 2])
    with pytest.raises(SettingError) as refusal:
        sample_episode(pool, EpisodeSpec(3, 10, 11), 0)
    assert str(refusal.value).endswith("lower k_shot or q_query.")
    assert message_of(refusal.value).endswith(
        "lower “K-shot: examples of each” or “Queries of each”."
    )


@pytest.mark.parametrize("page", ["adapt", "evaluate", "draw"])
def test_pages_name_the_sliders_that_have_to_be_lowered(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "GLYPHS", {"n_alphabets": 5, "n_drawers": 8, "seed": 0})
    at = open_page(f"pages/{page}/page.py", k_shot="4", q_query="10")
    shown = texts(at, "error")
    assert "lower “K-shot: examples of each” or “Queries of each”." in shown
    assert not CODE_NAME.search(shown)
