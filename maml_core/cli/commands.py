"""The command line: `python -m maml_core --help`."""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import nullcontext

from tqdm import tqdm

from maml_core.cli.evaluation import choose_inner_lr, measure
from maml_core.cli.options import from_options, model_options
from maml_core.cli.parser import parse_typed
from maml_core.cli.training_options import suit_method
from maml_core.cli.typed_options import option_names, refuse_options
from maml_core.config import AS_THEY_ARE, PretrainConfig, SettingError, TrainConfig
from maml_core.data.character_set import DataError
from maml_core.data.download.fetch import fetch_mnist, fetch_omniglot
from maml_core.data.registry import FOLDER_VIEWS, best_view, load, status, with_view
from maml_core.data.splits import MINIMAL
from maml_core.learners.checkpoints import CheckpointError
from maml_core.learners.training_classes import SeenClassesWarning
from maml_core.optimisation.cores import worker_count
from maml_core.optimisation.distributed import is_first
from maml_core.optimisation.freed_memory import keep_freed_memory
from maml_core.optimisation.thread_pool import in_processes
from maml_core.training import recipes
from maml_core.training.training_run import TrainingRun


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 after printing an error in a sentence, or 130 after Ctrl-C."""
    typed = sys.argv[1:] if arguments is None else arguments
    parsed = parse_typed(typed)
    parsed.command = shlex.join(["python", "-m", "maml_core", *typed])
    try:
        keep_freed_memory()
        worker_count()  # raises now, not after the data are read
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SeenClassesWarning)  # `cli.evaluation` has said it
            if "split" in parsed and parsed.split in MINIMAL:
                why = f"The alphabets of --split {parsed.split} are fixed"
                refuse_options(parsed, why, "split_seed")
            if "pictures" in parsed:
                parsed.dataset = _dataset(parsed.dataset, parsed.pictures)
            COMMANDS[parsed.doing](parsed)
    except (DataError, CheckpointError, OSError, ValueError) as error:
        print(f"maml_core: {_message_of(error, parsed)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _message_of(error: Exception, parsed: argparse.Namespace) -> str:
    """Return the sentence of an error, with each setting called as its option is written."""
    return error.worded(option_names(parsed)) if isinstance(error, SettingError) else str(error)


def _data(parsed: argparse.Namespace) -> None:
    if parsed.action != "fetch":
        refuse_options(parsed, f"data {parsed.action} is about all data sets", "what")
    if parsed.action == "fetch" and parsed.what == "mnist":
        fetch_mnist()
    elif parsed.action == "fetch":
        with tqdm(unit="B", unit_scale=True) as bar:
            for report in fetch_omniglot():
                bar.total = report.total_bytes
                bar.set_description(report.message)
                bar.update(report.done_bytes - bar.n)
    if parsed.action == "prepare":
        for dataset in status():
            if dataset.available:
                load(dataset.name)
    for dataset in status():
        print(f"{dataset.name}: {'here' if dataset.available else 'not here'}. {dataset.detail}")


def _dataset(name: str, pictures: str | None) -> str:
    """Return the data set that is meant, and say how pictures are seen if nobody said it.

    Raises:
        ValueError: A way of seeing pictures is asked for that are not one's own.
        DataError: The pictures cannot be looked at.
    """
    if name != FOLDER_VIEWS[AS_THEY_ARE]:
        if pictures:
            raise ValueError(f"--pictures is for folder-28, not for {name}; leave it out.")
        return name
    if pictures is None:
        pictures = best_view(name)
        if is_first():
            print(f"Pictures are seen as with --pictures {pictures}.", file=sys.stderr)
    return with_view(name, pictures)


def _train(parsed: argparse.Namespace) -> None:
    suit_method(parsed)
    model_config = {**model_options(parsed), "n_out": parsed.head_rows}
    run = from_options(TrainingRun, parsed, WITHOUT_OPTION["train"])
    config = from_options(TrainConfig, parsed)
    with in_processes() if config.meta_steps >= MANY_UPDATES else nullcontext():
        recipes.train(run, config, model_config, parsed.start)
    if is_first():
        print(f"Wrote {parsed.out}")


def _pretrain(parsed: argparse.Namespace) -> None:
    config, model_config = from_options(PretrainConfig, parsed), model_options(parsed)
    run = from_options(TrainingRun, parsed, WITHOUT_OPTION["pretrain"])
    recipes.train_baseline(run, config, model_config, parsed.start, parsed.inner_lr)
    if is_first():
        print(f"Wrote {parsed.out}")


def _import_boards(parsed: argparse.Namespace) -> None:
    from maml_core.cli.classroom import import_from_folder  # Only where a database is needed.

    import_from_folder(parsed)


MANY_UPDATES = 500  # of half a minute or more
# Fields of `TrainingRun` that a command has no option for.
WITHOUT_OPTION = {
    "train": ("validate_on", "validation_query"),
    "pretrain": ("validate_on", "validation_query", "record", "with_validation"),
}
COMMANDS = {
    "data": _data,
    "train": _train,
    "pretrain": _pretrain,
    "evaluate": measure,
    "choose-inner-lr": choose_inner_lr,
    "import-boards": _import_boards,
}
