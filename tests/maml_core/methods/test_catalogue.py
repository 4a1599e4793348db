"""The methods' records: complete, in step with what trains and draws them, old names understood."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import maml_core.methods
from maml_core.config import META_METHODS, TrainConfig
from maml_core.methods.catalogue import (
    ALL,
    BY_NAME,
    FORMER_LABELS,
    FORMER_NAMES,
    GROUPS,
    METHODS,
    NEAREST,
    TAKES_NO_STEP,
    current_name,
    moving_of,
)
from maml_core.methods.registry import HEAD_SOLVERS, META_GRADIENTS


def test_names_and_labels_old_and_new_are_each_of_one_method() -> None:
    names = [*BY_NAME, *FORMER_NAMES]
    labels = [one.short_label for one in ALL] + [*FORMER_LABELS]
    assert {one.label for one in ALL} <= set(labels)
    assert len(ALL) == len(BY_NAME)
    assert len(names) == len(set(names))
    assert len(labels) == len(set(labels))


def test_every_method_adapts_or_is_a_nearest_neighbour() -> None:
    assert [*METHODS, *NEAREST] == [one.name for one in ALL]
    for one in ALL:
        assert one.summary.endswith(".")
        assert one.paper or one.name == "random"
    moved = {one: moving_of(one) for one in BY_NAME if moving_of(one) != "network"}
    assert moved == {"anil": "head", "boil": "body"}
    assert moving_of("a stranger's method") == "network"


def test_every_method_stands_under_one_heading_and_none_is_empty() -> None:
    assert {one.group for one in ALL} == set(GROUPS)
    assert {one.name for one in ALL if one.group == "References"} == NEAREST.keys()
    assert {one.name for one in ALL if one.group == "Metric and closed form"} == set(TAKES_NO_STEP)


def test_the_methods_without_a_step_are_those_that_solve_for_the_head() -> None:
    assert set(TAKES_NO_STEP) == HEAD_SOLVERS.keys()
    assert all(META_METHODS[name].inner_steps == (0, 0) for name in TAKES_NO_STEP)


def test_each_meta_gradient_is_in_its_own_file_which_names_the_paper() -> None:
    for name, gradient in META_GRADIENTS.items():
        module = import_module(f"maml_core.methods.{name}")
        assert gradient is getattr(module, f"{name}_gradient")
        assert module.__doc__ is not None
        first = module.__doc__.splitlines()[0]
        assert BY_NAME[name].paper.split(",")[0] in first, first


def test_a_meta_method_asks_for_steps_that_it_accepts() -> None:
    for name, demands in META_METHODS.items():
        for steps in demands.inner_steps:
            assert TrainConfig(method=name, inner_steps=steps)


def test_former_names_are_understood_and_others_left_alone() -> None:
    assert current_name("joint") == "multi_task"
    assert current_name("maml") == "maml"
    assert current_name("nobody") == "nobody"
    assert FORMER_LABELS == {
        "Random start": "Random initialisation",
        "Joint pretraining": "Multi-task training",
        "Nearest by features": "1-NN on features",
        "Nearest by ResNet": "1-NN on ResNet features",
        "Nearest by pixels": "1-NN on pixels",
        "Ridge regression (R2D2)": "R2D2",
        "1-nearest neighbour (cosine) on pretrained features": "1-NN on features",
        "1-nearest neighbour (cosine) on ResNet features": "1-NN on ResNet features",
        "1-nearest neighbour on pixels": "1-NN on pixels",
    }


@pytest.mark.parametrize("module", ["maml_core.methods.catalogue", "maml_core.figures.style"])
def test_labels_are_known_before_torch_is_imported(module: str) -> None:
    code = f"import sys, {module}; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "False"


def test_no_method_is_told_by_its_name_where_its_record_would_do() -> None:
    """A further method needs no change in the files of the others."""
    for path in Path(maml_core.methods.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                values = [one.value for one in node.comparators if isinstance(one, ast.Constant)]
                assert not BY_NAME.keys() & {value for value in values if isinstance(value, str)}
