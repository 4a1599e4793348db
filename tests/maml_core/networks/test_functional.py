"""Conv4 against the same network assembled from torch's own modules."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import HEAD, for_n_way, initial_params, logits, query_logits
from maml_core.networks.layers import normalise
from maml_core.networks.lstm import LSTM
from maml_core.networks.mlp import MLP
from maml_core.networks.registry import (
    MODELS,
    check_pictures,
    for_pictures,
    make_model,
    model_arguments,
)
from maml_core.networks.resnet import ResNet


def of_torch_modules(params, channels, max_pool):
    """Return an `nn.Sequential` of torch's modules that holds these weights."""
    layers = []
    for i in range(4):
        block = f"blocks.{i}."
        conv = nn.Conv2d(channels if i else 1, channels, 3, stride=1 if max_pool else 2, padding=1)
        norm = nn.BatchNorm2d(channels, track_running_stats=False)
        conv, norm = conv.double(), norm.double()
        with torch.no_grad():
            conv.weight.copy_(params[block + "conv.weight"])
            conv.bias.copy_(params[block + "conv.bias"])
            norm.weight.copy_(params[block + "gain"])
            norm.bias.copy_(params[block + "shift"])
        layers += [conv, norm, nn.ReLU(), *([nn.MaxPool2d(2)] if max_pool else [])]
    head = nn.Linear(channels, len(params["head.bias"])).double()
    with torch.no_grad():
        head.weight.copy_(params["head.weight"])
        head.bias.copy_(params["head.bias"])
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


@pytest.fixture
def pixels():
    return torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0)).double()


def test_normalise_is_batch_norm_in_training():
    generator = torch.Generator().manual_seed(0)
    x = (3 + 2 * torch.randn(7, 5, 4, 3, generator=generator)).double().requires_grad_()
    gain = torch.rand(5, generator=generator).double().requires_grad_()
    shift = torch.randn(5, generator=generator).double().requires_grad_()
    weights = torch.randn(x.shape, generator=generator).double()
    found = normalise(x, gain, shift)
    expected = F.batch_norm(x, None, None, gain, shift, training=True)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    for mine, theirs in zip(
        torch.autograd.grad((weights * found).sum(), (x, gain, shift)),
        torch.autograd.grad((weights * expected).sum(), (x, gain, shift)),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-11)


def test_normalise_by_a_reference_is_batch_norm_with_its_statistics():
    x = torch.randn(7, 5, 4, 3, generator=torch.Generator().manual_seed(0)).double()
    gain, shift = torch.rand(5).double(), torch.randn(5).double()
    variance, mean = torch.var_mean(x[:3], (0, 2, 3), correction=0)
    expected = F.batch_norm(x, mean, variance, gain, shift, training=False)
    torch.testing.assert_close(normalise(x, gain, shift, 3), expected, rtol=1e-12, atol=1e-12)


def test_inductive_queries_know_nothing_of_each_other(model, random_params, pixels):
    params = random_params(model, rows=3)
    support, query = pixels[:2], pixels[2:]
    together = query_logits(model, params, support, query, transductive=False)
    for number in range(len(query)):
        alone = query_logits(model, params, support, query[number, None], transductive=False)
        torch.testing.assert_close(alone[0], together[number])
    # The support set's own logits are those of the inner loop: the same statistics.
    again = query_logits(model, params, support, support, transductive=False)
    torch.testing.assert_close(again, logits(model, params, support))
    transductive = query_logits(model, params, support, query, transductive=True)
    assert torch.equal(transductive, logits(model, params, query))
    assert not torch.allclose(transductive, together)


def test_normalise_is_twice_differentiable_as_finite_differences_say():
    x = torch.randn(3, 2, 2, 2, generator=torch.Generator().manual_seed(0)).double()
    gain, shift = torch.tensor([1.5, 0.5]).double(), torch.tensor([0.1, -0.2]).double()
    arguments = tuple(value.requires_grad_() for value in (x, gain, shift))
    assert torch.autograd.gradgradcheck(normalise, arguments)


@pytest.mark.parametrize("max_pool", [False, True], ids=["stride", "max pooling"])
@pytest.mark.parametrize("rows", [1, 5])
def test_conv4_is_the_network_of_torchs_modules(max_pool, rows, pixels, random_params):
    model = Conv4(n_out=rows, channels=6, max_pool=max_pool)
    params = random_params(model, rows)
    found = logits(model, params, pixels)
    assert found.shape == (6, rows)
    torch.testing.assert_close(found, of_torch_modules(params, 6, max_pool)(pixels))


@pytest.mark.parametrize(
    ("max_pool", "sizes"),
    [(False, [14, 7, 4, 2]), (True, [14, 7, 3, 1])],
    ids=["stride", "max pooling"],
)
def test_each_block_halves_the_picture(max_pool, sizes, pixels):
    model = Conv4(channels=3, max_pool=max_pool).double()
    x = pixels
    for block, size in zip(model.blocks, sizes, strict=True):
        x = block(x)
        assert x.shape == (6, 3, size, size)
    torch.testing.assert_close(model.features(pixels), x.flatten(2).mean(-1))


@pytest.mark.parametrize("rows", [1, 7])
def test_initial_params_are_the_networks_parameters(rows):
    model = Conv4(n_out=rows, channels=5)
    found = {name: value.shape for name, value in initial_params(model, 0).items()}
    assert found == {name: value.shape for name, value in model.named_parameters()}


@pytest.mark.usefixtures("untouched_global_rng")
def test_initial_params_belong_to_their_seed(model, assert_same):
    one, same, other = (initial_params(model, seed) for seed in (1, 1, 2))
    assert_same(one, same)
    assert not torch.equal(one["blocks.0.conv.weight"], other["blocks.0.conv.weight"])


def test_initial_params_are_torchs_default_with_a_head_of_zeros():
    """Convolutions fill ±1/√fan_in as torch's own do; all else starts neutral."""
    model = Conv4(channels=32)
    for name, value in initial_params(model, 0).items():
        if name.endswith("conv.weight"):
            fan_in = 9 if ".0." in name else 9 * 32
            assert value.abs().max() <= fan_in**-0.5
            # Uniform: the variance is a third of the bound squared, here from 288 draws or more.
            assert value.var().item() == pytest.approx(1 / (3 * fan_in), rel=0.25)
            theirs = dict(model.named_parameters())[name]
            assert theirs.abs().max().item() == pytest.approx(fan_in**-0.5, rel=0.05)
        else:
            assert (value == (1 if name.endswith("gain") else 0)).all()


def test_an_untrained_network_gives_all_classes_the_same_logit(model, pixels):
    out = logits(model, for_n_way(initial_params(model, 0), 4), pixels.float())
    assert out.shape == (6, 4)
    assert (out == 0).all()


@pytest.mark.parametrize("n_way", [2, 20])
def test_a_head_of_one_row_stands_for_zeros(n_way, model, random_params):
    params = random_params(model, rows=1)
    before = {name: params[name].clone() for name in HEAD}
    found = for_n_way(params, n_way)
    assert found["head.weight"].shape == (n_way, 4)
    assert found["head.bias"].shape == (n_way,)
    for name in HEAD:
        assert found[name].count_nonzero() == 0
        assert found[name].dtype == params[name].dtype
        assert torch.equal(params[name], before[name])
    assert all(found[name] is params[name] for name in params if name not in HEAD)


@pytest.mark.parametrize("n_way", [2, 5])
def test_of_a_larger_head_the_first_rows_are_used(n_way, model, random_params):
    params = random_params(model, rows=5)
    found = for_n_way(params, n_way)
    for name in HEAD:
        assert torch.equal(found[name], params[name][:n_way])
    assert all(found[name] is params[name] for name in params if name not in HEAD)


def test_a_head_of_too_few_rows_is_told_in_a_sentence(model, random_params):
    with pytest.raises(ValueError, match="up to 5 ways, not 6; lower n_way"):
        for_n_way(random_params(model, rows=5), 6)


def test_arguments_left_out_are_the_networks_defaults():
    default = {"n_out": 1, "channels": 64, "max_pool": False}
    whole = {"name": "conv4", **default, "in_channels": 1, "side": 28, "flatten": False}
    assert model_arguments({}) == whole
    assert model_arguments({"max_pool": True, "n_out": 5}) == {
        **whole,
        "n_out": 5,
        "max_pool": True,
    }
    assert model_arguments({"name": "mlp", "hidden": 3}) == {
        "name": "mlp",
        "n_out": 1,
        "hidden": 3,
        "in_channels": 1,
        "side": 28,
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"width": 3}, "Conv4 has no width; leave that out"),
        ({"name": "mlp", "max_pool": True}, "MLP has no max_pool; leave that out"),
        ({"name": "vit"}, "model is 'vit'; choose one of conv4, resnet, mlp, lstm"),
        ({"name": "mlp", "hidden": 0}, "1 head rows and 0 hidden units; it needs at least 1"),
        ({"name": "lstm", "n_out": 0}, "0 head rows and 64 hidden units; it needs at least 1"),
        ({"side": 8, "max_pool": True, "flatten": True}, "Pictures of 8 pixels are too small"),
        ({"name": "resnet", "channels": 0}, "1 head rows and 0 channels; it needs at least 1"),
        ({"name": "resnet", "side": 7}, "Pictures of 7 pixels are too small"),
    ],
)
def test_a_network_that_cannot_be_made_is_told_in_a_sentence(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_model(given)


def test_the_papers_mini_imagenet_network():
    """32 filters, max pooling to 5 × 5, flattened: 800 weights a class (Finn et al. 2017)."""
    given = for_pictures({"channels": 32, "max_pool": True, "flatten": True}, (3, 84, 84))
    model = make_model(given)
    assert model.input_shape == (3, 84, 84)
    shapes = {name: tuple(value.shape) for name, value in initial_params(model, 0).items()}
    assert shapes["blocks.0.conv.weight"] == (32, 3, 3, 3)
    assert shapes["head.weight"] == (1, 5 * 5 * 32)
    assert model(torch.zeros(2, 3, 84, 84)).shape == (2, 1)
    check_pictures(model, (3, 84, 84))
    with pytest.raises(ValueError, match=r"read pictures of 3×84×84 .* pictures of 1×28×28;"):
        check_pictures(model, (1, 28, 28))


def test_pictures_like_characters_need_no_arguments():
    assert for_pictures({"n_out": 2}, (1, 28, 28)) == {"n_out": 2}


@pytest.mark.parametrize("max_pool", [False, True], ids=["stride", "max pooling"])
def test_flattened_features_are_the_last_blocks_pixels(max_pool, pixels):
    mean, flat = (Conv4(channels=3, max_pool=max_pool, side=28, flatten=f) for f in (False, True))
    flat.double().load_state_dict({**mean.double().state_dict(), **head_of(flat)})
    found = flat.features(pixels).reshape(6, 3, -1)
    torch.testing.assert_close(found.mean(-1), mean.features(pixels))


def head_of(model):
    return {f"head.{name}": value for name, value in model.head.state_dict().items()}


def with_random_head(model, rows=3):
    """Return float64 parameters, none of them at a special value."""
    generator = torch.Generator().manual_seed(1)
    params = {
        name: 0.3 * torch.randn(value.shape, generator=generator, dtype=torch.float64)
        for name, value in model.named_parameters()
    }
    shapes = {"head.weight": (rows, params["head.weight"].shape[1]), "head.bias": (rows,)}
    heads = {n: torch.randn(s, generator=generator).double() for n, s in shapes.items()}
    return {**params, **heads}


def test_the_mlp_is_that_of_torchs_modules(pixels):
    params = with_random_head(MLP(hidden=5))
    layers = [nn.Linear(784, 5), nn.Linear(5, 5), nn.Linear(5, 3)]
    plain = nn.Sequential(nn.Flatten(), layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    plain.double()
    for layer, name in zip(layers, ("layers.0", "layers.1", "head"), strict=True):
        layer.load_state_dict({n: params[f"{name}.{n}"] for n in ("weight", "bias")})
    torch.testing.assert_close(logits(MLP(hidden=5), params, pixels), plain(pixels))


def test_the_resnet_is_that_of_torchs_modules(pixels):
    model = ResNet(channels=2)
    params = with_random_head(model)

    def convolved(x, name):
        wide, narrow = params[f"{name}.conv.weight"].shape[:2]
        conv = nn.Conv2d(narrow, wide, 3, padding=1, bias=False).double()
        norm = nn.BatchNorm2d(wide, track_running_stats=False).double()
        conv.load_state_dict({"weight": params[f"{name}.conv.weight"]})
        norm.load_state_dict({"weight": params[f"{name}.gain"], "bias": params[f"{name}.shift"]})
        return norm(conv(x))

    x = convolved(pixels, "stem").relu()
    for stage, side in enumerate((14, 7, 3)):
        x = nn.MaxPool2d(2)(x)
        first = convolved(x, f"stages.{stage}.widen").relu()
        x = (first + convolved(first, f"stages.{stage}.refine")).relu()
        assert x.shape == (6, 4 * 2**stage, side, side)
    out = nn.AdaptiveAvgPool2d(1)(x).flatten(1) @ params["head.weight"].T + params["head.bias"]
    torch.testing.assert_close(logits(model, params, pixels), out)


def test_the_lstm_is_torchs_reading_the_picture_row_by_row(pixels):
    model = LSTM(hidden=4)
    params = with_random_head(model)
    plain = nn.LSTM(28, 4, batch_first=True).double()
    open_gate = torch.tensor([0.0] * 4 + [1.0] * 4 + [0.0] * 8).double()  # torch's order: i f g o
    plain.load_state_dict(
        {
            "weight_ih_l0": params["read.weight"],
            "weight_hh_l0": params["recall.weight"],
            "bias_ih_l0": params["read.bias"],
            "bias_hh_l0": open_gate,
        }
    )
    last = plain(pixels[:, 0])[0][:, -1]
    expected = last @ params["head.weight"].T + params["head.bias"]
    torch.testing.assert_close(logits(model, params, pixels), expected)


@pytest.mark.parametrize("name", MODELS)
def test_every_network_answers_all_queries_in_either_way(name, pixels):
    """Where nothing is normalised the two ways are one."""
    convolves = name in ("conv4", "resnet")
    size = {"channels": 3} if convolves else {"hidden": 3}
    model = make_model({"name": name, **size})
    params = with_random_head(model)
    x = pixels[:2], pixels[2:]
    together, alone = (query_logits(model, params, *x, transductive=t) for t in (True, False))
    assert together.shape == alone.shape == (4, 3)
    assert torch.allclose(together, alone, rtol=1e-9) == (not convolves)
    assert params["head.weight"].shape[1] == model.head.in_features


@pytest.mark.parametrize("given", [{"n_out": 0}, {"n_out": -1}, {"channels": 0}])
def test_a_network_has_rows_and_filters(given):
    with pytest.raises(ValueError, match="it needs at least 1 of each"):
        Conv4(**given)
