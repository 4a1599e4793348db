"""Pretraining and fine-tuning (Dhillon et al. 2020, arXiv:1909.02729): a classifier as the start.

A classifier of all training classes; on an episode its head is replaced by zeros and the whole
network fine-tuned by the same inner loop as MAML's. (That paper starts the new head from the
support features; "Baseline" of Chen et al. 2019, arXiv:1904.04232, fixes the body and trains the
new head alone.)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from maml_core.config import PretrainConfig, SettingError
from maml_core.episodes.pool import TaskPool, picture_tensors
from maml_core.images.augmentation import random_affine, random_elastic
from maml_core.methods.losses import accuracy
from maml_core.networks.functional import HEAD, features, logits
from maml_core.networks.params import Params, gradient
from maml_core.optimisation.distributed import own_rows
from maml_core.optimisation.outer_loop import Metrics, TrainState, optimise, until_divergence

MEAN_OF = 3  # pictures a class, whose features' mean its head row begins with
MEAN_BATCH = 512
MEAN_LOGIT = 25.0  # of a picture in the direction of its class: e^25 is far above 10⁴ classes


def updates_of(pool: TaskPool, config: PretrainConfig) -> int:
    """Return how many updates `pretrain` makes in all; the last batch of an epoch is dropped.

    Raises:
        ValueError: There are fewer pictures than a batch takes.
    """
    count = len(pool.pixels)
    if config.batch_size > count:
        raise SettingError(
            "{batch_size} is {value}; choose at most the {count} pictures there are.",
            value=config.batch_size,
            count=count,
        )
    return config.epochs * (count // config.batch_size)


def pretrain(
    model: nn.Module, start: TrainState, pool: TaskPool, config: PretrainConfig
) -> Iterator[TrainState]:
    """Train a classifier over all classes of the pool and yield the state after each update.

    Args:
        model: The network.
        start: Where to begin, with a head row for each class (`with_new_head`), or an earlier
            state to go on from; stays as it is.
        pool: The training classes, rotations included; of its close-ups, where it has them, every
            other picture is taken.
        config: How long and how fast.

    Yields:
        The classifier's parameters and the `Metrics` of the batch that made the update.

    Raises:
        DivergenceError: The loss, its gradient or the parameters are not finite.
    """
    states = optimise(
        partial(_classifier_gradient, model, config),
        start,
        _batches(pool, config, start.step),
        lr=config.lr,
        steps=updates_of(pool, config),
        weight_decay=config.weight_decay,
        muon_lr=config.muon_lr,
        batch_size=config.batch_size,
        whole_batch_statistics=True,
    )
    muon = f" or a smaller Muon step size than {config.muon_lr:g}" if config.muon_lr else ""
    return until_divergence(
        start, states, "loss", f"choose a smaller learning rate than {config.lr:g}{muon}"
    )


def with_new_head(params: Params, rows: int = 1) -> Params:
    """Return the parameters with a head of zeros; one row serves every N."""
    heads = {n: params[n].new_zeros(rows, *params[n].shape[1:]) for n in HEAD}
    return {**params, **heads}


def imprint_head(model: nn.Module, params: Params, pool: TaskPool) -> Params:
    """Return the parameters with a head row for each class, in the direction of its features.

    From a head of zeros a classifier of ten thousand classes learns next to nothing in its first
    hundreds of updates. After Qi et al. 2018, arXiv:1712.07136, equation 4, "imprinting".

    Args:
        model: The network.
        params: Where the features are taken, their head plays no part.
        pool: The classes, of which `MEAN_OF` pictures each are looked at.
    """
    n_classes, each = len(pool.classes), min(MEAN_OF, int(pool.counts.min()))
    # Mixed, so that every batch is normalised with much the same statistics.
    order = torch.randperm(n_classes * each, generator=torch.Generator().manual_seed(0))
    found = []
    for some in tqdm(torch.split(order, MEAN_BATCH), "classes' means", unit="batch", disable=None):
        rows, numbers = some // each, some % each
        x = picture_tensors(pool, rows, pool.images[rows, numbers])
        with torch.no_grad():
            found.append(features(model, params, x, x[:0], transductive=False)[0])
    mixed = torch.cat(found)
    vectors = torch.empty_like(mixed)
    vectors[order] = mixed
    centre = vectors.mean(0)
    length = (vectors - centre).norm(dim=1).mean()
    means = F.normalize((vectors - centre).reshape(n_classes, each, -1).mean(1), dim=1)
    weight = means * MEAN_LOGIT / length
    return {**params, HEAD[0]: weight, HEAD[1]: -weight @ centre}


def _classifier_gradient(
    model: nn.Module, config: PretrainConfig, params: Params, batch: tuple[Tensor, Tensor]
) -> tuple[Params, Metrics]:
    x, y = batch
    leaves = {name: value.detach().requires_grad_() for name, value in params.items()}
    with torch.enable_grad():
        with torch.autocast(x.device.type, torch.bfloat16, enabled=config.bfloat16):
            out = logits(model, leaves, x)
        out = out.to(torch.promote_types(out.dtype, torch.float32))
        loss = F.cross_entropy(out, y, label_smoothing=config.label_smoothing)
    measured = Metrics(loss.detach(), accuracy(out.detach(), y))
    return gradient(loss, leaves), measured


def _batches(
    pool: TaskPool, config: PretrainConfig, first_step: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs [batch_size, …] and class rows [batch_size], shuffled by epoch.

    Of several processes each makes its own rows of them, see `distributed.own_rows`.
    """
    own, size = own_rows(config.batch_size), config.batch_size
    owner = torch.repeat_interleave(pool.counts)  # the class row of each picture
    numbers = pool.images[pool.images >= 0]  # one class after the other, as `pixels` has them
    per_epoch = len(numbers) // config.batch_size
    for epoch in range(first_step // per_epoch, config.epochs):
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)
        order = torch.randperm(len(numbers), generator=generator)
        for i in range(per_epoch):
            rows = order[i * config.batch_size : (i + 1) * config.batch_size]
            classes = owner[rows]
            x = picture_tensors(pool, classes, numbers[rows], part=own)
            if pool.ink_crops:
                close = torch.rand(size, 1, 1, 1, generator=generator)[own] < 0.5
                crops = picture_tensors(pool.ink_crops, classes, numbers[rows], part=own)
                x = torch.where(close, crops, x)
            if config.augment:
                x = random_affine(x, generator, own, size)
            if config.elastic:
                x = random_elastic(x, generator, own, size)
            if epoch * per_epoch + i >= first_step:
                yield x, classes[own].to(x.device)
