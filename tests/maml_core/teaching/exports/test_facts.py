"""What a CSV says about how its numbers were measured."""

from __future__ import annotations

from maml_core.config import EpisodeSpec, SinusoidConfig, TrainConfig
from maml_core.teaching.exports.facts import episode_facts, sinusoid_facts, training_facts
from maml_core.training.background.job import TrainingJob


def test_an_episode_is_named_by_all_that_chooses_it():
    spec = EpisodeSpec(20, 5, 7, within_alphabet=True)
    assert episode_facts("zip-0123456789abcdef", "paper", "train", spec, 11, 3) == {
        "dataset": "folder-28", "split": "paper", "part": "train", "n_way": 20, "k_shot": 5,
        "q_query": 7, "within_alphabet": True, "same_drawers": False, "official": False, "seed": 11,
        "number": 3,
    }  # fmt: skip


def test_what_a_class_drew_is_named_as_it_can_be_loaded_elsewhere():
    facts = episode_facts("class-7", "alphabets", "test", EpisodeSpec(3, 1, 1), 0, 0)
    assert facts["dataset"] == "drawings"


def test_a_training_is_named_by_its_settings():
    config = TrainConfig(
        method="reptile", n_ways=(3,), k_shots=(2,), q_query=4, inner_lr=0.05, inner_steps=5,
        meta_lr=2e-3, meta_batch_size=6, seed=9,
    )  # fmt: skip
    job = TrainingJob(config, "glyphs", "paper", {"name": "lstm"}, start="a.safetensors")
    assert training_facts(job) == {
        "dataset": "glyphs", "split": "paper", "part": "validation", "trained_by": "reptile",
        "network": "lstm", "from_pretrained": True, "n_way": 3, "k_shot": 2, "q_query": 4,
        "seed": 9, "inner_lr": 0.05, "inner_steps": 5, "meta_lr": 2e-3, "meta_batch_size": 6,
    }  # fmt: skip
    facts = sinusoid_facts(SinusoidConfig(k_shot=5, seed=3))
    assert (facts["dataset"], facts["trained_with_k_shot"], facts["seed"]) == ("sinusoids", 5, 3)
