"""The options that say which classes a command reads: data set, view of pictures, split."""

from __future__ import annotations

import argparse

from maml_core.config import AS_THEY_ARE, DATASETS, HANDWRITING, SPLITS


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which data set and which of its splits are meant."""
    parser.add_argument(
        "--dataset",
        choices=[name for name in DATASETS if name != "folder-handwriting"],
        default="omniglot",
        help="characters, or your pictures: folder in colour, folder-28 as small as characters",
    )
    parser.add_argument(
        "--pictures",
        choices=(HANDWRITING, AS_THEY_ARE),
        help="how folder-28 is seen: the ink found and made like Omniglot's, or just made smaller; "
        "unless given, what a sample of them suggests",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="alphabets",
        help="alphabets: whole alphabets, or a folder's own parts, are kept for testing; paper: "
        "characters shuffled, 1100/100/423; classes: classes shuffled, 64/16/20 %%; minimal: five "
        "of Omniglot's background alphabets for training",
    )
    parser.add_argument("--split-seed", type=int, default=0, help="seed of the split's shuffle")
