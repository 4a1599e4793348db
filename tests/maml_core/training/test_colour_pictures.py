"""Pictures in colour from a folder to a trained network: the paper's mini-ImageNet network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maml_core.cli.commands import main
from maml_core.data.own_pictures import image_folder
from maml_core.learners import checkpoints

SIDE = 84
PARTS = {"train": 12, "val": 3, "test": 5}
N_PICTURES = 8
TRAIN = "train --dataset folder --n-ways 3 --q-query 3 --no-augment --validate-every 0"
EVALUATE = "evaluate --dataset folder --n-way 3 --q-query 5 --steps 1 --episodes 30 --json"


def draw(rng: np.random.Generator, red_green: np.ndarray) -> np.ndarray:
    """Return a picture of a class, uint8 [84, 84, 3].

    What a class is are its red and green; blue stripes, of any width, phase and depth, are the
    picture's own, and MAML has to learn to look past them.
    """
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    angle, waves, phase, depth = rng.random(4) * (np.pi, 6, 1, 1)
    wave = waves * (np.cos(angle) * x + np.sin(angle) * y) + phase
    blue = 255 * (rng.random() + depth * np.sin(2 * np.pi * wave))
    seen = np.stack([np.full(x.shape, red_green[0]), np.full(x.shape, red_green[1]), blue], -1)
    return (seen + 15 * rng.standard_normal(seen.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def colour_folder(tmp_path, monkeypatch) -> Path:
    """Twenty classes, of which five are for testing, in mini-ImageNet's folders."""
    rng = np.random.default_rng(0)
    root = tmp_path / "colours"
    for part, count in PARTS.items():
        for number in range(count):
            red_green = rng.uniform(40, 215, 2)
            folder = root / part / f"{part}{number}"
            folder.mkdir(parents=True)
            for i in range(N_PICTURES):
                Image.fromarray(draw(rng, red_green)).save(folder / f"{i}.png")
    monkeypatch.setenv("PICTURES_DIR", str(root))
    return root


def accuracy(command: str, capsys) -> list[float]:
    capsys.readouterr()
    assert main(command.split()) == 0
    return json.loads(capsys.readouterr().out)["accuracy"]


def learn(network: str, training: str, out: Path, capsys) -> None:
    """Train on twelve classes: one step on the unseen ones leads far above the random network's.

    After a single step from a head of zeros no answer depends on the random network's step size.
    """
    assert main(f"{TRAIN} {network} {training} --out {out}".split()) == 0
    assert checkpoints.load_weights(out).metadata["model"]["in_channels"] == 3
    before, after = accuracy(f"{EVALUATE} --weights {out}", capsys)
    _, random = accuracy(f"{EVALUATE} --method random {network}", capsys)
    assert before == pytest.approx(1 / 3)
    assert after > before + 0.25
    assert after > random + 0.1


@pytest.mark.usefixtures("colour_folder")
def test_maml_learns_on_a_folder_in_colour(tmp_path, capsys, monkeypatch):
    """On a twelfth of the pixels and by a narrow network, so that it takes a moment."""
    monkeypatch.setattr(image_folder, "SIDE", 24)
    training = "--meta-lr 0.02 --meta-batch-size 3 --meta-steps 20"
    learn("--channels 8 --max-pool --flatten", training, tmp_path / "weights", capsys)


@pytest.mark.slow
@pytest.mark.usefixtures("colour_folder")
def test_the_papers_network_learns_on_a_folder_in_colour(tmp_path, capsys):
    training = "--inner-lr 0.05 --meta-lr 0.005 --meta-batch-size 2 --meta-steps 30"
    learn("--channels 32 --max-pool --flatten", training, tmp_path / "weights", capsys)


@pytest.mark.usefixtures("colour_folder")
def test_weights_for_characters_do_not_read_colours_and_say_so(capsys):
    shape = "--n-way 3 --q-query 2 --episodes 1"
    assert main(f"evaluate --dataset folder {shape}".split()) == 1
    assert "These weights read pictures of 1×28×28" in capsys.readouterr().err
    assert main(f"evaluate --dataset folder-28 {shape}".split()) == 0
