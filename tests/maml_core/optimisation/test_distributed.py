"""Work in several processes against the same work in one, through torchrun itself."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.func import functional_call
from torch.nn import functional as F

from maml_core.cli.commands import main
from maml_core.config import TrainConfig
from maml_core.learners import checkpoints
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.conv4 import Conv4
from maml_core.networks.params import norm
from maml_core.networks.resnet import ResNet
from maml_core.optimisation.distributed import averaged, is_first, joined, n_processes
from maml_core.training import recording, saved_state
from tests.support.under_torchrun import ROWS, use

PROCESSES = 2
STEPS = 5
# Three tasks on two processes: one has twice the work of the other.
TRAIN = (
    "train --split paper --n-ways 2 --k-shots 1 2 --q-query 2 --meta-batch-size 3 "
    f"--meta-steps {STEPS} --validate-every 4 --record 3"
)
LR = TrainConfig().meta_lr
# 2,160 pictures, 27 characters turned four times: four updates, in shares of unequal size.
PRETRAIN = (
    "pretrain --split paper --channels 4 --epochs 2 --batch-size 721 --validate-every 2 "
    "--label-smoothing 0.1"
)
EVALUATE = "evaluate --split paper --n-way 2 --q-query 3 --episodes 11 --steps 2 --json"
ALL = "evaluate --all --episodes 9 --steps 2"


@pytest.fixture
def few_characters(make_characters, monkeypatch, tmp_path):
    """Forty characters in place of every data set, here and in what torchrun starts."""
    data = make_characters((10, 10, 10, 10), likeness=0.5)
    use(data, monkeypatch.setattr)
    (tmp_path / "characters").write_bytes(pickle.dumps(data))


@pytest.fixture
def torchrun(tmp_path):
    """A function that runs under_torchrun.py in several processes on this machine alone."""

    def run(*arguments, processes=PROCESSES, **environment):
        root = Path(__file__).parents[3]
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        script = [root / "tests" / "support" / "under_torchrun.py", tmp_path, *arguments]
        return subprocess.run(
            [*launcher, f"--nproc-per-node={processes}", *map(str, script)],
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
    assert [sizes for _, sizes in by_rank] == [[1, 1], [2, 2]]
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
    assert f"The last finite weights, after update 0, are in {out}." in ended.stderr
    assert checkpoints.load_weights(out).metadata["updates"] == 0, "the first update left no others"


def test_pretraining_in_two_processes_has_the_gradient_of_the_whole_batch(
    torchrun, tmp_path, random_params, plain_conv4, assert_same
):
    """Each process normalises its part of the batch with the statistics of all of it."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(7, 1, 28, 28, generator=generator, dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 3, 0, 1, 0])
    models = {"conv4": Conv4(4, channels=4), "resnet": ResNet(4, channels=4)}
    networks = {name: (one, random_params(one, rows=4)) for name, one in models.items()}
    torch.save((networks, (x, y)), tmp_path / "given")
    launched = torchrun("sharing")
    assert launched.returncode == 0, launched.stderr
    by_rank = [torch.load(tmp_path / f"found.{rank}") for rank in range(PROCESSES)]
    for name, (model, params) in networks.items():
        leaves = {n: value.clone().requires_grad_() for n, value in params.items()}
        out = plain_conv4(leaves, x) if name == "conv4" else functional_call(model, leaves, (x,))
        loss = F.cross_entropy(out, y)
        expected = dict(zip(leaves, torch.autograd.grad(loss, leaves.values()), strict=True))
        for found, _, _ in by_rank:
            gradients, (found_loss, share) = found[name]
            assert_same(gradients, expected, rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(found_loss, loss.detach())
            assert share == pytest.approx(float((out.argmax(1) == y).double().mean()))
        assert_same(by_rank[0][0][name][0], by_rank[1][0][name][0])
    none, one, several = by_rank[0][1]
    assert by_rank[0][1] == by_rank[1][1]
    assert (none, one) == ([], [(0, 1)])
    assert several == [(0, 0), (1, 0), (4, 1), (9, 1), (16, 1)], "in order, by whom"
    assert [rank for _, _, rank in by_rank] == [0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_pretraining_in_some_processes_is_that_of_one_also_killed_and_resumed(
    processes, torchrun, tmp_path, few_characters, assert_same
):
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    assert main([*PRETRAIN.split(), "--out", str(whole)]) == 0
    expected = checkpoints.load_weights(whole)

    if processes > 1:
        killed = torchrun(*PRETRAIN.split(), "--out", shared, processes=processes, DIES_AFTER="2")
        assert killed.returncode != 0
        assert "SIGKILL" in killed.stderr
        assert saved_state.load_update(shared.with_name("shared.state"))[0].step in (1, 2)
        assert not shared.exists()
    how = ["--resume"] if processes > 1 else []
    ended = torchrun(*PRETRAIN.split(), "--out", shared, *how, processes=processes)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("Wrote") == 1
    assert ended.stdout.count("4: validation after each step") == 1
    found = checkpoints.load_weights(shared)
    assert_same_weights(found.params, expected.params, assert_same)
    for name in ("updates", "inner_lrs", "validation", "config"):
        assert found.metadata[name] == expected.metadata[name]
    by_rank = [torch.load(tmp_path / f"params.{rank}") for rank in range(processes)]
    for params in by_rank[1:]:
        assert_same(params, by_rank[0])
    assert not shared.with_name("shared.state").exists()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_evaluation_in_some_processes_gives_the_bytes_of_one_also_killed_and_resumed(
    processes, torchrun, tmp_path, few_characters, capsys
):
    assert main(EVALUATE.split()) == 0
    expected = capsys.readouterr().out
    assert json.loads(expected)["episodes"] == 11
    launched = torchrun(*EVALUATE.split(), processes=processes)
    assert (launched.returncode, launched.stdout) == (0, expected), launched.stderr

    choose = "choose-inner-lr --split paper"
    assert main(choose.split()) == 0
    expected = capsys.readouterr().out
    launched = torchrun(*choose.split(), processes=processes)
    assert (launched.returncode, launched.stdout) == (0, expected), launched.stderr

    whole, shared = tmp_path / "whole.jsonl", tmp_path / "shared.jsonl"
    assert main([*ALL.split(), "--record", str(whole)]) == 0
    if processes > 1:
        killed = torchrun(*ALL.split(), "--record", shared, processes=processes, DIES_AFTER="1")
        assert killed.returncode != 0
        assert "SIGKILL" in killed.stderr
        assert shared.read_bytes() == whole.read_bytes().splitlines(keepends=True)[0]
    ended = torchrun(*ALL.split(), "--record", shared, processes=processes)
    assert ended.returncode == 0, ended.stderr
    assert shared.read_bytes() == whole.read_bytes()
    assert whole.read_bytes().count(b"\n") == len(ROWS)


@pytest.mark.slow
def test_processes_with_other_pictures_are_refused(torchrun, tmp_path, few_characters):
    refused = torchrun(*EVALUATE.split(), OTHER_PICTURES="1")
    assert refused.returncode != 0
    assert "The pictures or classes of omniglot on " in refused.stderr
    assert "are not those of the first process; give every machine the same." in refused.stderr


def test_without_torchrun_there_is_one_process_and_nothing_changes():
    def gradient(params, batch):
        raise NotImplementedError

    with joined(meta_batch_size=1):
        assert not torch.distributed.is_initialized()
        assert averaged(gradient, 3) is gradient
    assert (n_processes(), is_first()) == (1, True)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (
            "train --meta-batch-size 1",
            "--meta-batch-size is 1, but there are 2 processes and each needs a part; choose at "
            "least 2, or lower torchrun's --nproc-per-node.",
        ),
        (
            "pretrain --batch-size 2",
            "--batch-size is 2, but there are 3 processes and each needs a part; choose at least "
            "3, or lower torchrun's --nproc-per-node.",
        ),
    ],
)
def test_what_cannot_be_shared_out_is_told_before_anything_else(
    command, sentence, two_processes, tmp_path, capsys, monkeypatch
):
    if command.startswith("pretrain"):
        monkeypatch.setenv("WORLD_SIZE", "3")
    assert main([*command.split(), "--out", str(tmp_path / "weights")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(f"maml_core: {sentence}", line)
    assert not torch.distributed.is_initialized()


def test_more_processes_than_gpus_are_told_in_a_sentence(two_processes, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with (
        pytest.raises(ValueError, match="has 1 GPUs and more processes"),
        joined("cuda", meta_batch_size=2),
    ):
        pytest.fail("joined")
