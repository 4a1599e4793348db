"""The exported script and command repeat what was shown."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from maml_core.cli import commands as command_line
from maml_core.config import META_METHODS, EpisodeSpec, TrainConfig, suited_config
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.networks.functional import initial_params
from maml_core.paths import WEIGHTS
from maml_core.teaching.exports.experiment import Experiment
from maml_core.teaching.exports.script_exports import comparison_script, training_command
from maml_core.training.background.job import TrainingJob

ROOT = Path(__file__).parents[4]


@pytest.fixture
def learners(model):
    rates = {5: 0.1, 2: 0.3}
    return {
        name: Learner(name, model, initial_params(model, seed), rates)
        for seed, name in enumerate(("maml", "pretrained", "random"))
    }


@pytest.mark.parametrize("spec", [EpisodeSpec(4, 1, 5), EpisodeSpec(3, 2, 4, within_alphabet=True)])
@pytest.mark.parametrize(("split", "part"), [("alphabets", "test"), ("paper", "train")])
@pytest.mark.parametrize(("lr_factor", "number"), [(1.0, 0), (8.0, 0), (1.0, 4)])
def test_the_script_prints_the_accuracies_of_the_recordings(
    lr_factor, number, split, part, spec, learners, characters, monkeypatch, capsys
):
    pool = make_pool(characters, split_classes(characters, split, part))
    shown = compare(learners, sample_episode(pool, spec, 7, number), 3, lr_factor)
    inner_lrs = {trajectory.method: trajectory.inner_lr for trajectory in shown}
    text = comparison_script(Experiment("omniglot", split, part, spec, 7, inner_lrs, 3, number))
    monkeypatch.setattr(registry, "load", lambda name: replace(characters, name=name))
    monkeypatch.setattr(checkpoints, "shipped", learners.__getitem__)
    exec(compile(text, "experiment.py", "exec"), {"__name__": "__main__"})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [[r.method, *(f"{100 * share:.1f}" for share in r.accuracy)] for r in shown]
    assert len({tuple(line[1:]) for line in lines}) > 1


def test_the_script_loads_a_weights_file_by_its_name(
    characters, monkeypatch, capsys, tmp_path, model
):
    monkeypatch.chdir(tmp_path)
    params = initial_params(model, 1)
    about = {"method": "anil", "model": {"channels": 4}, "inner_lrs": {"3": 0.2}}
    checkpoints.save_weights(
        tmp_path / "mine-1-anil.safetensors", checkpoints.Checkpoint(params, about)
    )
    spec, classes = EpisodeSpec(3, 1, 2), split_classes(characters, "alphabets", "test")
    episode = sample_episode(make_pool(characters, classes), spec, 7)
    learner = checkpoints.load_weights(tmp_path / "mine-1-anil.safetensors").learner()
    other = Learner("maml", model, initial_params(model, 0), {3: 0.1})
    shown = compare({"mine": learner, "maml": other}, episode, 2, 0.5)
    monkeypatch.setattr(registry, "load", lambda name: characters)
    monkeypatch.setattr(checkpoints, "shipped", lambda method: other)
    inner_lrs = {"mine-1-anil.safetensors": 0.1, "maml": 0.05}
    text = comparison_script(Experiment("omniglot", "alphabets", "test", spec, 7, inner_lrs, 2))
    exec(compile(text, "experiment.py", "exec"), {"__name__": "__main__"})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        [name, *(f"{100 * share:.1f}" for share in one.accuracy)]
        for name, one in zip(inner_lrs, shown, strict=True)
    ]


def test_the_script_stands_alone_and_asks_for_what_it_is_told(monkeypatch):
    """It imports nothing but the core, and whole numbers of α survive to the last digit."""
    spec, inner_lrs = EpisodeSpec(20, 5, 10), {"maml": 0.1 + 0.2, "random": 1e-17}
    experiment = Experiment("glyphs", "paper", "validation", spec, 123, inner_lrs, 17)
    tree = ast.parse(comparison_script(experiment))
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert all(isinstance(n, ast.ImportFrom) and n.module == "maml_core" for n in imports)
    constants = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert {"glyphs", "paper", "validation", 123, 17, 20, 0.1 + 0.2, 1e-17} <= constants
    assert ast.get_docstring(tree)


def test_a_visitor_zip_is_loaded_as_a_folder():
    text = comparison_script(
        Experiment("zip-0123456789abcdef", "alphabets", "test", EpisodeSpec(), 0, {"maml": 0.1}, 1)
    )
    assert "data = load('folder-28')  # Let PICTURES_DIR name" in text
    assert "zip-0" not in text


@pytest.mark.parametrize(
    "job",
    [
        TrainingJob(TrainConfig(), "omniglot", "alphabets", {"name": "conv4", "n_out": 1}),
        TrainingJob(
            TrainConfig(
                method="multi_task", n_ways=(5, 20), k_shots=(1, 5), inner_steps=0, inner_lr=0.05,
                transductive=False, augment=False, alternate_within_alphabet=True, seed=9,
                meta_lr=2e-3,
                meta_steps=7, meta_batch_size=3, q_query=2,
            ),
            "glyphs", "classes", {"name": "lstm", "n_out": 20},
            str(WEIGHTS / "alphabets" / "pretrained.safetensors"),
        ),
        *(
            TrainingJob(suited_config(name), model={"n_out": demands.head_rows})
            for name, demands in META_METHODS.items()
        ),
        TrainingJob(
            TrainConfig("fomaml", inner_steps=1), "glyphs", "classes", {"name": "mlp", "n_out": 3}
        ),
        TrainingJob(
            TrainConfig(multi_step=True, learn_inner_lr=True, scale_inner_lr=True, inner_steps=3),
            validate_on="train",
        ),
    ],
)  # fmt: skip
def test_the_command_trains_what_was_ordered(job, monkeypatch):
    asked = []
    monkeypatch.setattr(command_line.recipes, "train", lambda *told: asked.append(told))
    words = training_command(job, "runs/mine.safetensors").split()
    assert words[:4] == ["python", "-m", "maml_core", "train"]
    command_line.main(words[3:])
    ((run, config, model, start),) = asked
    assert config == job.config
    assert (run.dataset, run.split, str(run.out)) == (
        job.dataset, job.split, "runs/mine.safetensors"
    )  # fmt: skip
    assert (run.validate_every == 0) == (job.validate_on == "train")
    shape = {"name": "conv4"} | dict(job.model)
    assert {"name": "conv4"} | model == shape
    assert (ROOT / start if start else None) == (Path(job.start) if job.start else None)
