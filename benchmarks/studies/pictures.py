"""What strangers' pictures cost: 5-way 1-shot accuracy as they are and as handwriting.

    python -m benchmarks.studies.pictures
    python -m benchmarks.studies.pictures --variants "tight crop" "dark frame" --episodes 200

The same evaluation characters of Omniglot are written as the files of `picture_variants`, and read
back in both of the ways in which the app and the command line read somebody's pictures.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from pathlib import Path

import numpy as np

from benchmarks.studies.picture_variants import VARIANTS, Variant, encode, to_image
from maml_core.config import AS_THEY_ARE, HANDWRITING, EpisodeSpec, EvaluationConfig
from maml_core.data.character_set import CharacterSet, DataError
from maml_core.data.own_pictures import image_folder
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.evaluation.accuracy import evaluate
from maml_core.evaluation.confidence_intervals import percent
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner

STEPS = 5
QUERIES = 10
DIGITS = "digits of scikit-learn, 8 × 8"


def main() -> None:
    """Print a row a variant."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variants", nargs="+", choices=[*VARIANTS, DIGITS], metavar="NAME")
    parser.add_argument("--characters", type=int, default=60, help="of the 659 for evaluation")
    parser.add_argument("--drawers", type=int, default=20, help="of each character, at most 20")
    parser.add_argument("--episodes", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0, help="of characters, variants and episodes")
    parsed = parser.parse_args()
    characters = choose_characters(parsed.characters, parsed.drawers, parsed.seed)
    config = EvaluationConfig(STEPS, parsed.episodes, parsed.seed)
    learner = checkpoints.shipped("maml", "alphabets")
    print("| pictures | as they are | as handwriting | without ink |\n| --- | --- | --- | --- |")
    for name in parsed.variants or [*VARIANTS, DIGITS]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "set"
            if name == DIGITS:
                if not write_digits(root):
                    continue  # scikit-learn is not here
            else:
                write_variant(root, VARIANTS[name], characters, (parsed.seed, name))
            print(row(name, root, learner, config), flush=True)


def choose_characters(count: int, drawers: int, seed: int) -> list[list[np.ndarray]]:
    """Return pictures of some evaluation characters of Omniglot, uint8 [105, 105] each."""
    data = load("omniglot")
    classes = np.array(split_classes(data, "alphabets", "test"))
    chosen = np.sort(np.random.default_rng(seed).permutation(classes)[:count])
    return [[data.picture(i) for i in data.images_of(c)[:drawers]] for c in chosen]


def write_variant(
    root: Path, variant: Variant, characters: list[list[np.ndarray]], seed: tuple[int, str]
) -> None:
    """Write characters as the files of a variant, a folder a class."""
    number, name = seed
    rng = np.random.default_rng([number, zlib.crc32(name.encode())])
    for label, pictures in enumerate(characters):
        folder = root / f"{label:03d}"
        folder.mkdir(parents=True)
        for i, ink in enumerate(pictures):
            # Pillow goes by a file's content, whatever its name.
            (folder / f"{i:02d}.png").write_bytes(variant(ink, rng))


def write_digits(root: Path, per_class: int = 40) -> bool:
    """Write scikit-learn's digits, light ink on black; return whether it is installed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        return False
    digits = load_digits()
    for label in range(10):
        folder = root / str(label)
        folder.mkdir(parents=True)
        for i, picture in enumerate(digits.images[digits.target == label][:per_class]):
            (folder / f"{i:02d}.png").write_bytes(encode(to_image(picture * 255 / 16)))
    return True


def row(name: str, root: Path, learner: Learner, config: EvaluationConfig) -> str:
    """Return a variant's row of the table."""
    cells = []
    for view in (AS_THEY_ARE, HANDWRITING):
        try:
            data = image_folder.load(root, root.parent / view, view=view)
        except DataError:  # as handwriting: a class without a picture that shows ink
            cells += ["–"]
            continue
        cells.append(accuracy(data, learner, config))
    written = len(list(root.rglob("*.png")))
    return f"| {name} | {cells[0]} | {cells[1]} | {written - len(data.drawers)} of {written:,} |"


def accuracy(data: CharacterSet, learner: Learner, config: EvaluationConfig) -> str:
    """Return the accuracy after the last step, in % with its 95 % confidence interval."""
    pool = make_pool(data, list(range(len(data.classes))))
    fewest = int(pool.counts.min())
    spec = EpisodeSpec(5, 1, min(QUERIES, fewest - 1))
    *_, last = evaluate(learner, pool, spec, config)
    return percent(last.accuracy[-1], last.ci95[-1])


if __name__ == "__main__":
    main()
