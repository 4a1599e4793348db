"""Training in several processes against the same training in one, through torchrun itself."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maml_core.cli.commands import main
from maml_core.config import TrainConfig
from maml_core.learners import checkpoints
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.params import norm
from maml_core.optimisation.distributed import averaged, is_first, joined, n_processes
from maml_core.training import recipes, recording, saved_state, training_run

PROCESSES = 2
STEPS = 5
# Three tasks on two processes: one has twice the work of the other.
TRAIN = (
    "train --split paper --n-ways 2 --k-shots 1 2 --q-query 2 --meta-batch-size 3 "
    f"--meta-steps {STEPS} --validate-every 4 --record 3"
)
LR = TrainConfig().meta_lr


@pytest.fixture
def few_characters(make_characters, monkeypatch, tmp_path):
    """Forty characters in place of every data set, here and in what torchrun starts."""
    data = make_characters((10, 10, 10, 10), likeness=0.5)
    monkeypatch.setattr(training_run, "load", lambda name: replace(data, name=name))
    monkeypatch.setattr(recipes, "VALIDATION_EPISODES", 2)
    (tmp_path / "characters").write_bytes(pickle.dumps(data))


@pytest.fixture
def torchrun(tmp_path):
    """A function that runs under_torchrun.py in two processes on this machine alone."""

    def run(*arguments, **environment):
        root = Path(__file__).parents[3]
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        script = [root / "tests" / "support" / "under_torchrun.py", tmp_path, *arguments]
        return subprocess.run(
            [*launcher, f"--nproc-per-node={PROCESSES}", *map(str, script)],
            env={
                **os.environ,
                "PYTHONPATH": str(root),
                "OMP_NUM_THREADS": "1",
                **environment,
            },
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def two_processes(monkeypatch):
    """What torchrun tells a process, without the other process."""
    told = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@pytest.mark.slow
def test_processes_with_unequal_shares_find_the_gradient_of_one_process(
    torchrun, tmp_path, model, random_params, exact_tasks, assert_same
):
    tasks = exact_tasks(n_tasks=3)
    common = {"n_ways": (3,), "q_query": 2, "inner_lr": 0.25, "inner_steps": 2}
    configs = [TrainConfig(method=method, **common) for method in ("maml", "reptile")]
    params = random_params(model)
    torch.save((model, params, tasks, configs), tmp_path / "given")
    launched = torchrun("gradients")
    assert launched.returncode == 0, launched.stderr
    by_rank = [torch.load(tmp_path / f"found.{rank}") for rank in range(PROCESSES)]
    assert [sizes for _, sizes in by_rank] == [[2, 2], [1, 1]]
    for config in configs:
        expected, metrics = META_GRADIENTS[config.method](model, params, tasks, config)
        assert norm(expected) > 1e-3
        for found, _ in by_rank:
            gradient, measured = found[config.method]
            assert_same(gradient, expected, rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(measured, tuple(metrics))
        assert_same(by_rank[0][0][config.method][0], by_rank[1][0][config.method][0])


def assert_same_weights(found, expected, assert_same):
    """Compare the parameters; those that no gradient moves only roughly.

    Batch normalisation takes a convolution's bias away again: its gradient is rounding error,
    which Adam scales up to steps of the size of its learning rate.
    """
    biases = {name for name in expected if name.endswith("conv.bias")}
    for names, atol in ((expected.keys() - biases, 1e-5), (biases, 2 * STEPS * LR)):
        assert_same(
            {name: found[name] for name in sorted(names)},
            {name: expected[name] for name in sorted(names)},
            atol=atol,
        )
    assert found.keys() == expected.keys()


@pytest.mark.slow
def test_a_run_in_two_processes_survives_a_killed_one_and_ends_as_in_one_process(
    torchrun, tmp_path, few_characters, assert_same
):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert main([*TRAIN.split(), "--out", str(whole)]) == 0
    expected = checkpoints.load_weights(whole)

    killed = torchrun(*TRAIN.split(), "--out", broken, DIES_AFTER="3")
    assert killed.returncode != 0
    assert "SIGKILL" in killed.stderr
    state, _ = saved_state.load_update(broken.with_name("broken.state"))
    assert 2 <= state.step <= 3  # rank 0 is ended in its turn, perhaps before it saved the third
    assert not broken.exists()

    resumed = torchrun(*TRAIN.split(), "--out", broken, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.splitlines()[-1] == f"Wrote {broken}"
    assert resumed.stdout.count("Wrote") == 1
    assert resumed.stdout.count("4: validation after each step") == 1
    found = checkpoints.load_weights(broken)
    assert found.metadata["updates"] == STEPS
    assert_same_weights(found.params, expected.params, assert_same)
    by_rank = [torch.load(tmp_path / f"params.{rank}") for rank in range(PROCESSES)]
    assert_same(by_rank[0], by_rank[1])
    assert_same(by_rank[0], found.params)
    recordings = [out.with_suffix(".recording.safetensors") for out in (broken, whole)]
    points = [list(recording.load_recording(path)[0]) for path in recordings]
    assert points[0] == points[1] == [0, 1, STEPS]
    assert not broken.with_name("broken.state").exists()


@pytest.mark.slow
def test_a_run_in_two_processes_that_diverges_keeps_its_last_finite_weights(
    torchrun, tmp_path, few_characters
):
    """The second process does not end, and torchrun with it the first, before these are written."""
    out = tmp_path / "diverged"
    ended = torchrun(*TRAIN.split(), "--meta-lr", "1e30", "--out", out)
    assert ended.returncode != 0
    assert f"are in {out}." in ended.stderr
    state, _ = saved_state.load_update(out.with_name("diverged.state"))
    assert checkpoints.load_weights(out).metadata["updates"] == state.step > 0


def test_without_torchrun_there_is_one_process_and_nothing_changes():
    def gradient(params, batch):
        raise NotImplementedError

    with joined("cpu", 1):
        assert not torch.distributed.is_initialized()
        assert averaged(gradient) is gradient
    assert (n_processes(), is_first()) == (1, True)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (
            "train --meta-batch-size 1",
            "meta_batch_size is 1, but there are 2 processes and each needs a task; choose at "
            "least 2, or lower torchrun's --nproc-per-node.",
        ),
        ("pretrain", "pretrain runs in one process, .* start it without torchrun."),
    ],
)
def test_what_cannot_be_shared_out_is_told_before_anything_else(
    command, sentence, two_processes, tmp_path, capsys
):
    assert main([*command.split(), "--out", str(tmp_path / "weights")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(f"maml_core: {sentence}", line)
    assert not torch.distributed.is_initialized()


def test_more_processes_than_gpus_are_told_in_a_sentence(two_processes, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(ValueError, match="has 1 GPUs and more processes"), joined("cuda", 2):
        pytest.fail("joined")
