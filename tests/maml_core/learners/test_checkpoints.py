"""Weights on disk: nothing is lost, nothing is half written, and what is wrong is told."""

from __future__ import annotations

import io
import json
import os
import re
import stat
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.func import functional_call
from torch.nn import functional as F

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.episodes.sampling import sample_episode
from maml_core.learners import checkpoints
from maml_core.learners.adaptation import adapt_to_episode, adapt_to_support
from maml_core.learners.checkpoints import (
    Checkpoint,
    CheckpointError,
    is_shipped,
    load_weights,
    save_weights,
    shipped,
)
from maml_core.methods.boil import first_head
from maml_core.methods.inner_loop import adapt
from maml_core.methods.maml_plus_plus import first_steps
from maml_core.methods.protonet import prototype_head
from maml_core.methods.r2d2 import first_ridge, ridge_head
from maml_core.networks.functional import HEAD, for_n_way, head_input, initial_params
from maml_core.networks.meta_params import (
    LOG_LR_PREFIX,
    LOG_LR_SCALE,
    LR_PREFIX,
    split_lr_multipliers,
    with_lr_multipliers,
)
from maml_core.optimisation.outer_loop import Metrics, TrainState, optimise
from maml_core.training.saved_state import load_update, save_update

METADATA = {
    "method": "maml",
    "model": {"n_out": 1, "channels": 4, "max_pool": True},
    "inner_lrs": {"5": 0.4, "20": 0.1},
    "command": "python -m maml_core train — α",
    "config": {"n_ways": [5], "augment": True, "meta_lr": 0.001},
}


@pytest.fixture
def checkpoint(model):
    """Weights with a factor on α of its own for each parameter."""
    params = with_lr_multipliers(initial_params(model, 3))
    lr_multipliers = {
        n: 0.1 / LOG_LR_SCALE * i
        for i, n in enumerate(n for n in params if n.startswith(LOG_LR_PREFIX))
    }
    return Checkpoint(params | {n: torch.tensor(v) for n, v in lr_multipliers.items()}, METADATA)


def factors(params):
    """The factors on α that are in a weights file."""
    logs = {n: v for n, v in params.items() if n.startswith(LOG_LR_PREFIX)}
    return {n.removeprefix(LOG_LR_PREFIX): (LOG_LR_SCALE * v).exp() for n, v in logs.items()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new folder" / "weights.safetensors"


def test_weights_and_metadata_come_back_bit_for_bit(checkpoint, path, assert_same):
    save_weights(path, checkpoint)
    found = load_weights(path)
    assert_same(found.params, checkpoint.params)
    assert found.metadata == METADATA
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_learner_comes_back_with_network_rates_and_step_sizes(checkpoint, path, assert_same):
    save_weights(path, checkpoint)
    learner = load_weights(path).learner()
    body = {n: v for n, v in checkpoint.params.items() if not n.startswith(LOG_LR_PREFIX)}
    assert_same(learner.params, body)
    assert_same(learner.lr_multipliers, factors(checkpoint.params))
    assert learner.inner_lrs == {5: 0.4, 20: 0.1}
    assert learner.method == "maml"
    assert learner.provenance.to_json() == METADATA
    assert learner.model.blocks[0].max_pool
    assert {n: v.shape for n, v in learner.model.named_parameters()} == {
        n: v.shape for n, v in body.items()
    }


def test_a_method_is_understood_by_its_former_name(checkpoint, path):
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"method": "joint"}))
    assert load_weights(path).learner().method == "multi_task"
    assert shipped("joint").method == shipped("multi_task").method == "multi_task"
    assert is_shipped("joint")
    assert not is_shipped("nobody")


def test_weights_without_rates_have_none(checkpoint, path):
    body = {n: v for n, v in checkpoint.params.items() if not n.startswith(LOG_LR_PREFIX)}
    save_weights(path, Checkpoint(body, METADATA))
    assert load_weights(path).learner().lr_multipliers is None


def test_boil_adapts_all_but_the_head(model, path, pool):
    params = initial_params(model, 3) | first_head(initial_params(model, 3), 4, seed=1)
    save_weights(path, Checkpoint(params, METADATA | {"method": "boil"}))
    learner = load_weights(path).learner()
    episode = sample_episode(pool, EpisodeSpec(3, 1, 2), 0)
    start, *_, last = adapt_to_episode(learner, episode, AdaptConfig(0.4, 2))
    assert all(torch.equal(start[n], params[n][:3]) for n in HEAD)
    assert all(torch.equal(last[n], start[n]) for n in HEAD)
    weights = [n for n in start if n.endswith(("conv.weight", "gain", "shift"))]
    assert all(not torch.equal(last[n], start[n]) for n in weights)


def test_meta_sgd_takes_the_steps_that_it_learned(model, path, pool):
    params = initial_params(model, 3)
    generator = torch.Generator().manual_seed(0)
    rates = {LR_PREFIX + n: torch.randn(v.shape, generator=generator) for n, v in params.items()}
    save_weights(path, Checkpoint(params | rates, METADATA | {"method": "meta_sgd"}))
    learner = load_weights(path).learner()
    episode = sample_episode(pool, EpisodeSpec(3, 1, 2), 0)
    start, first, _ = adapt_to_episode(learner, episode, AdaptConfig(0.4, 2))
    leaves = {n: v.clone().requires_grad_() for n, v in start.items()}
    out = functional_call(learner.model, leaves, (episode.task.support_x,))
    loss = F.cross_entropy(out, episode.task.support_y)
    gradients = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    for name, gradient in zip(leaves, gradients, strict=True):
        expected = start[name] - 0.4 * rates[LR_PREFIX + name] * gradient
        torch.testing.assert_close(first[name], expected, rtol=1e-4, atol=1e-6)


def test_maml_plus_plus_takes_at_each_step_what_it_learned_for_it(model, path, pool):
    params = initial_params(model, 3)
    generator = torch.Generator().manual_seed(0)
    own = {
        n: v + 0.05 * torch.randn(v.shape, generator=generator)
        for n, v in first_steps(params, 2).items()
    }
    save_weights(path, Checkpoint(params | own, METADATA | {"method": "maml_plus_plus"}))
    learner = load_weights(path).learner()
    task = sample_episode(pool, EpisodeSpec(3, 1, 2), 0).task
    points = adapt_to_support(learner, task.support_x, task.support_y, 3, AdaptConfig(0.4, 4))
    for step, (now, after) in enumerate(pairwise(points)):
        stage = min(step, 1)  # what was learned last serves all further steps
        leaves = {n: v.clone().requires_grad_() for n, v in now.items()}
        out = functional_call(learner.model, leaves, (task.support_x,))
        loss = F.cross_entropy(out, task.support_y)
        slopes = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
        for name, slope in zip(leaves, slopes, strict=True):
            if name.endswith(("gain", "shift")):
                expected = own[f"step/{name}"][stage]
            else:
                factor = (LOG_LR_SCALE * own[LOG_LR_PREFIX + name][stage]).exp()
                expected = now[name] - 0.4 * factor * slope
            torch.testing.assert_close(after[name], expected, rtol=1e-4, atol=1e-6)
    assert learner.params.keys() == params.keys()


@pytest.mark.parametrize("left_out", ["step/", LOG_LR_PREFIX])
def test_a_part_of_what_maml_plus_plus_learns_is_refused(left_out, model, path):
    params = initial_params(model, 3)
    own = {n: v for n, v in first_steps(params, 2).items() if not n.startswith(left_out)}
    save_weights(path, Checkpoint(params | own, METADATA | {"method": "maml_plus_plus"}))
    with pytest.raises(CheckpointError, match="choose another file"):
        load_weights(path)


@pytest.mark.parametrize("method", ["protonet", "r2d2"])
def test_what_solves_for_its_head_does_so_after_training_too(method, model, path, pool):
    params = initial_params(model, 3)
    beside = {n: v + 0.01 for n, v in first_ridge(params).items()} if method == "r2d2" else {}
    save_weights(path, Checkpoint({**params, **beside}, METADATA | {"method": method}))
    learner = load_weights(path).learner()
    task = sample_episode(pool, EpisodeSpec(3, 2, 2), 0).task
    *_, last = adapt_to_support(learner, task.support_x, task.support_y, 3, AdaptConfig(1.0, 1))
    solve = partial(ridge_head, **{n.split("/")[1]: v for n, v in beside.items()})
    head = (solve if beside else prototype_head)(
        head_input(learner.model, params, task.support_x), task.support_y, 3
    )
    for name in HEAD:
        torch.testing.assert_close(last[name], head[name])
    assert learner.params.keys() == params.keys()


def test_a_regression_without_what_it_learned_is_refused(model, path):
    path.parent.mkdir()
    save_weights(path, Checkpoint(initial_params(model, 3), METADATA | {"method": "r2d2"}))
    with pytest.raises(CheckpointError, match="choose another file"):
        load_weights(path)


@pytest.mark.parametrize("learned", [True, False])
def test_anil_adapts_the_head_alone_after_training_too(learned, checkpoint, path, pool):
    """As it did in training: the factors are those learned for the head, or one."""
    params = checkpoint.params if learned else split_lr_multipliers(checkpoint.params)[0]
    save_weights(path, Checkpoint(params, METADATA | {"method": "anil"}))
    learner = load_weights(path).learner()
    expected = {n: factors(params)[n].item() if learned else 1.0 for n in HEAD}
    assert {n: v.item() for n, v in learner.lr_multipliers.items()} == expected
    task = sample_episode(pool, EpisodeSpec(3, 1, 2), 0).task
    start, *_, last = adapt(
        learner.model,
        for_n_way(learner.params, 3),
        task.support_x,
        task.support_y,
        inner_lr=0.4,
        inner_steps=3,
        lr_multipliers=learner.lr_multipliers,
    )
    assert {n for n in start if not torch.equal(start[n], last[n])} == set(HEAD)


def test_views_are_saved_as_what_they_show(checkpoint, path):
    """safetensors refuses tensors that are not contiguous or share memory."""
    wide = torch.arange(8.0).reshape(4, 2)
    params = checkpoint.params | {"head.weight": wide.T[:1], "head.bias": wide[0, :1]}
    save_weights(path, Checkpoint(params, METADATA))
    assert torch.equal(load_weights(path).params["head.weight"], torch.tensor([[0.0, 2, 4, 6]]))


@pytest.mark.parametrize("failing", ["write", "replace"])
def test_an_interrupted_write_leaves_the_old_file_and_no_rest(
    failing, checkpoint, path, monkeypatch
):
    save_weights(path, checkpoint)
    before = path.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    class Half(io.FileIO):
        def write(self, content):
            super().write(content[:100])
            raise KeyboardInterrupt

    if failing == "write":
        monkeypatch.setattr(Path, "open", lambda file, mode: Half(file, mode))
    else:
        monkeypatch.setattr(os, "replace", interrupt)
    other = {n: v + 1 for n, v in checkpoint.params.items()}
    with pytest.raises(KeyboardInterrupt):
        save_weights(path, Checkpoint(other, METADATA))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_weights_file_has_the_mode_that_umask_says(umask, mode, checkpoint, path):
    former = os.umask(umask)
    try:
        save_weights(path, checkpoint)
    finally:
        os.umask(former)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def write_nothing(path, _):
    path.parent.mkdir()


def write_half(path, checkpoint):
    save_weights(path, checkpoint)
    path.write_bytes(path.read_bytes()[:-7])


def write_text(path, _):
    path.parent.mkdir()
    path.write_text("no tensors at all, only a sentence")


def write_empty(path, _):
    path.parent.mkdir()
    path.write_bytes(b"")


def write_foreign(path, checkpoint):
    path.parent.mkdir()
    save_file(checkpoint.params, path, {"format": "pt"})


def write_without_step_sizes(path, checkpoint):
    save_weights(
        path, Checkpoint(checkpoint.params, {"method": "maml", "model": METADATA["model"]})
    )


def write_broken_metadata(path, checkpoint):
    path.parent.mkdir()
    save_file(checkpoint.params, path, {"maml_core": "{'method': not JSON"})


def write_wider_network(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"model": {"channels": 8}}))


def write_without_a_layer(path, checkpoint):
    params = {n: v for n, v in checkpoint.params.items() if not n.startswith("blocks.3.gain")}
    save_weights(path, Checkpoint(params, METADATA))


def write_unknown_argument(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"model": {"width": 3}}))


def write_no_arguments(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"model": 4}))


def write_empty_step_sizes(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"inner_lrs": {}}))


def write_list_of_step_sizes(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"inner_lrs": [0.4]}))


def write_zero_step_size(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"inner_lrs": {"5": 0}}))


def write_list_as_metadata(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params, [1, 2]))


def write_half_a_gain(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params | {"blocks.3.gain": torch.ones(2)}, METADATA))


def write_fewer_filters(path, checkpoint):
    narrow = {"blocks.0.conv.weight": torch.ones(2, 1, 3, 3)}
    save_weights(path, Checkpoint(checkpoint.params | narrow, METADATA))


def write_head_without_rows(path, checkpoint):
    empty = {"head.weight": torch.ones(0, 4), "head.bias": torch.ones(0)}
    save_weights(path, Checkpoint(checkpoint.params | empty, METADATA))


def write_uneven_head(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params | {"head.bias": torch.ones(3)}, METADATA))


def write_without_head(path, checkpoint):
    params = {n: v for n, v in checkpoint.params.items() if "head" not in n}
    save_weights(path, Checkpoint(params, METADATA))


def write_rates_of_rates(path, checkpoint):
    double = {LOG_LR_PREFIX + LOG_LR_PREFIX + "head.bias": torch.tensor(0.0)}
    save_weights(path, Checkpoint(checkpoint.params | double, METADATA))


def write_endless_network(path, checkpoint):
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"model": {"channels": 10**6}}))


def write_no_number(path, checkpoint):
    odd = {"blocks.1.gain": torch.full((4,), torch.nan)}
    save_weights(path, Checkpoint(checkpoint.params | odd, METADATA))


def write_half_numbers(path, checkpoint):
    half = {name: value.half() for name, value in checkpoint.params.items()}
    save_weights(path, Checkpoint(half, METADATA))


def write_huge_numbers(path, checkpoint):
    huge = {n: torch.full_like(v, 1e38) for n, v in checkpoint.params.items()}
    save_weights(path, Checkpoint(huge, METADATA))


def write_huge_gain_before_the_head(path, checkpoint):
    name = [n for n in checkpoint.params if n.endswith("gain") and "log" not in n][-1]
    huge = torch.full_like(checkpoint.params[name], 1e38)
    save_weights(path, Checkpoint(checkpoint.params | {name: huge}, METADATA))


def write_nested_metadata(path, checkpoint):
    nested = "[" * 5_000 + "]" * 5_000
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(checkpoint.params), path, {"maml_core": nested})


def write_wide_pictures(path, checkpoint):
    """Its tensors do not depend on the pictures' width."""
    model = METADATA["model"] | {"side": 10**6}
    save_weights(path, Checkpoint(checkpoint.params, METADATA | {"model": model}))


def test_only_the_heads_rows_may_vary(checkpoint, path):
    wide = {"head.weight": torch.ones(7, 4), "head.bias": torch.ones(7)}
    save_weights(path, Checkpoint(checkpoint.params | wide, METADATA))
    assert len(load_weights(path).learner().params["head.weight"]) == 7


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (write_unknown_argument, "{path} names no usable network or step sizes (Conv4"),
        (write_no_arguments, "{path} names no usable network or step sizes ("),
        (
            write_empty_step_sizes,
            "{path} names no usable network or step sizes (inner_lrs is empty",
        ),
        (write_list_of_step_sizes, "{path} names no usable network or step sizes ("),
        (write_zero_step_size, "{path} names no usable network or step sizes (inner_lr is 0"),
        (write_list_as_metadata, "{path} is damaged or not a safetensors file"),
        (write_half_a_gain, "{path} holds weights of another network than it names"),
        (write_fewer_filters, "{path} holds weights of another network than it names"),
        (write_head_without_rows, "{path} holds weights of another network than it names"),
        (write_uneven_head, "{path} holds weights of another network than it names"),
        (write_without_head, "{path} holds weights of another network than it names"),
        (write_rates_of_rates, "{path} holds weights of another network than it names"),
        (write_endless_network, "{path} holds weights of another network than it names"),
        (write_no_number, "{path} holds weights that are not finite 32-bit numbers"),
        (write_huge_numbers, "holds weights, up to 1e+38, with which nothing finite can be"),
        (
            write_huge_gain_before_the_head,
            "holds weights, up to 1e+38, with which nothing finite",
        ),
        (write_nested_metadata, "has metadata that are nested too deeply"),
        (write_wide_pictures, "names a network for pictures of 1×1000000×1000000"),
        (write_half_numbers, "{path} holds weights that are not finite 32-bit numbers"),
        (write_nothing, "no weights at {path}; train them or name another file"),
        (write_half, "{path} is damaged or not a safetensors file"),
        (write_text, "{path} is damaged or not a safetensors file"),
        (write_empty, "{path} is damaged or not a safetensors file"),
        (write_broken_metadata, "{path} is damaged or not a safetensors file"),
        (write_foreign, "{path} does not say its inner_lrs, method, model; choose a file that"),
        (write_without_step_sizes, "{path} does not say its inner_lrs; choose a file that"),
        (write_wider_network, "{path} holds weights of another network than it names"),
        (write_without_a_layer, "{path} holds weights of another network than it names"),
    ],
)
def test_unusable_files_are_told_in_a_sentence_with_their_path(write, sentence, checkpoint, path):
    write(path, checkpoint)
    with pytest.raises(CheckpointError, match=re.escape(sentence.format(path=path))):
        load_weights(path)


def test_a_file_in_memory_is_the_file_on_disk(checkpoint, path, assert_same):
    save_weights(path, checkpoint)
    found = checkpoints.from_bytes(checkpoints.to_bytes(checkpoint), "mine")
    assert_same(found.params, load_weights(path).params)
    assert found.metadata == load_weights(path).metadata
    with pytest.raises(CheckpointError, match=r"^mine is damaged"):
        checkpoints.from_bytes(checkpoints.to_bytes(checkpoint)[:-7], "mine")


@pytest.fixture
def update(checkpoint):
    """The state after three updates."""

    def gradient(params, batch):
        return {n: v - batch for n, v in params.items()}, Metrics(batch, batch)

    start = TrainState(0, checkpoint.params)
    *_, last = optimise(gradient, start, torch.arange(3.0), lr=0.1, steps=5)
    return last


def test_the_state_of_a_training_comes_back_bit_for_bit(update, path, assert_same):
    save_update(path, update, METADATA)
    found, metadata = load_update(path)
    assert metadata == METADATA
    assert found.step == 3
    assert_same(found.params, update.params)
    assert found.optimizer.keys() == update.optimizer.keys() == update.params.keys()
    for name, moments in update.optimizer.items():
        assert_same(found.optimizer[name], moments)


@pytest.mark.parametrize(("moment", "tail"), [("exp_avg", "/other"), ("exp_avg_sq", "/head.bias")])
def test_a_state_with_moments_too_many_or_too_few_is_refused(moment, tail, update, path):
    """One of a parameter that is not there, and one that a parameter lacks."""
    save_update(path, update, METADATA)
    tensors, metadata = checkpoints.read_file(path, "cpu")
    if tensors.pop(moment + tail, None) is None:
        tensors[moment + tail] = torch.zeros(1)
    checkpoints.write_file(path, tensors, metadata)
    with pytest.raises(CheckpointError, match="is not the state of a training"):
        load_update(path)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (save_weights, "{path} is not the state of a training; train without --resume"),
        (write_foreign, "{path} is not the state of a training; train without --resume"),
        (write_nothing, "no weights at {path}"),
        (write_text, "{path} is damaged or not a safetensors file"),
    ],
)
def test_an_unusable_state_is_told_in_a_sentence_with_its_path(write, sentence, checkpoint, path):
    write(path, checkpoint)
    with pytest.raises(CheckpointError, match=re.escape(sentence.format(path=path))):
        load_update(path)


def test_a_state_is_no_weights_file(update, path):
    save_update(path, update, METADATA)
    with pytest.raises(CheckpointError, match=re.escape(str(path))):
        load_weights(path)


def test_metadata_is_readable_without_this_project(checkpoint, path):
    """The file format itself: a length, then JSON that holds what was said of the weights."""
    save_weights(path, checkpoint)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["maml_core"]) == METADATA


def test_shipped_weights_are_found_by_method(checkpoint, tmp_path, assert_same):
    save_weights(tmp_path / "paper" / "maml.safetensors", checkpoint)
    assert shipped("maml", "paper", tmp_path).method == "maml"
    assert shipped("random", "paper", tmp_path).method == "random"
    assert is_shipped("maml", "paper", tmp_path)
    for method, split in (("pretrained", "paper"), ("maml", "alphabets")):
        assert not is_shipped(method, split, tmp_path)
        with pytest.raises(CheckpointError, match=re.escape(str(tmp_path / split / method))):
            shipped(method, split, tmp_path)
