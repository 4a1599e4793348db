"""What was measured with which settings: the columns that are the same in every row of a CSV."""

from __future__ import annotations

from maml_core.config import EpisodeSpec, SinusoidConfig
from maml_core.methods.catalogue import BY_NAME
from maml_core.teaching.exports.experiment import portable_dataset
from maml_core.training.background.job import TrainingJob


def episode_facts(
    dataset: str, split: str, part: str, spec: EpisodeSpec, seed: int, number: int = 0
) -> dict[str, object]:
    """Return what names an episode, or the sequence of episodes that begins with it.

    Args:
        dataset: The characters' data set.
        split: Its split.
        part: The part that episodes are sampled from; 'test' was never seen in training.
        spec: Their shape.
        seed: Which episode.
        number: Its position in the seed's sequence, from 0.
    """
    return {
        "dataset": portable_dataset(dataset)[0],
        "split": split,
        "part": part,
        "n_way": spec.n_way,
        "k_shot": spec.k_shot,
        "q_query": spec.q_query,
        "within_alphabet": spec.within_alphabet,
        "same_drawers": spec.same_drawers,
        "official": spec.official,
        "seed": seed,
        "number": number,
    }


def training_facts(job: TrainingJob) -> dict[str, object]:
    """Return how a training on pictures was set up."""
    config = job.config
    return {
        "dataset": portable_dataset(job.dataset)[0],
        "split": job.split,
        "part": job.validate_on,
        "trained_by": config.method,
        "network": job.model.get("name", "conv4"),
        "from_pretrained": bool(job.start),
        "n_way": config.n_ways[0],
        "k_shot": config.k_shots[0],
        "q_query": config.q_query,
        "seed": config.seed,
        "inner_lr": config.inner_lr,
        "inner_steps": config.inner_steps,
        "meta_lr": config.meta_lr,
        "meta_batch_size": config.meta_batch_size,
        **({"proximal": config.proximal} if BY_NAME[config.method].is_proximal else {}),
    }


def sinusoid_facts(config: SinusoidConfig) -> dict[str, object]:
    """Return how the networks for sinusoids were trained."""
    return {
        "dataset": "sinusoids",
        "trained_with_k_shot": config.k_shot,
        "trained_with_q_query": config.q_query,
        "seed": config.seed,
        "maml_inner_lr": config.inner_lr,
        "meta_lr": config.meta_lr,
        "meta_batch_size": config.meta_batch_size,
        "meta_steps": config.meta_steps,
    }
