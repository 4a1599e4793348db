"""How weights came to be: every shipped file's metadata is read, whatever they call things."""

from __future__ import annotations

import dataclasses
import json

import pytest

from maml_core.config import PretrainConfig, TrainConfig
from maml_core.learners.checkpoints import Checkpoint, load_weights, read_file, save_weights
from maml_core.learners.provenance import FORMER_SETTINGS, Provenance, current_names
from maml_core.paths import ASSETS, WEIGHTS

FILES = sorted(
    path for split in ("alphabets", "glyphs", "paper") for path in (WEIGHTS / split).iterdir()
)
RECORDING = ASSETS / "recordings" / "maml.safetensors"


def written(path) -> dict:
    """Return a file's metadata as they stand in it, by its header alone."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["maml_core"])


@pytest.mark.parametrize(
    "path", [*FILES, RECORDING], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_shipped_files_metadata_come_back_by_todays_names(path) -> None:
    before, found = written(path), Provenance.from_json(read_file(path)[1])
    renamed = {FORMER_SETTINGS.get(name, name): v for name, v in before["config"].items()}
    if before["method"] == "joint":
        renamed["method"] = before["method"] = "multi_task"
    assert found.to_json() == before | {"config": renamed}
    assert Provenance.from_json(json.loads(json.dumps(found.to_json()))) == found
    kind = PretrainConfig if found.method == "pretrained" else TrainConfig
    settings = {n: tuple(v) if isinstance(v, list) else v for n, v in found.config.items()}
    assert kind(**settings)  # no name that the settings do not know


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_file_written_again_says_the_same(path, tmp_path) -> None:
    found = load_weights(path)
    save_weights(tmp_path / "again", Checkpoint(found.params, found.provenance.to_json()))
    again = load_weights(tmp_path / "again")
    assert again.provenance == found.provenance == found.learner().provenance
    assert again.metadata == found.metadata


def test_every_setting_of_today_and_no_former_one_is_known() -> None:
    known = {f.name for kind in (TrainConfig, PretrainConfig) for f in dataclasses.fields(kind)}
    assert set(FORMER_SETTINGS.values()) <= known
    assert not FORMER_SETTINGS.keys() & known


def test_former_names_are_replaced_where_they_are_names_and_nowhere_else() -> None:
    before = {
        "method": "joint",
        "command": "train --method joint --learn-rates",
        "config": {"method": "joint", "learn_rates": True, "seed": 3},
        "step": 7,
    }
    assert current_names(before) == {
        "method": "multi_task",
        "command": "train --method joint --learn-rates",
        "config": {"method": "multi_task", "learn_inner_lr": True, "seed": 3},
        "step": 7,
    }
    assert before["method"] == before["config"]["method"] == "joint"
    assert current_names({"method": 3, "config": [1]}) == {"method": 3, "config": [1]}


def test_what_a_strangers_file_says_in_another_type_is_left_out() -> None:
    required = {"method": "maml", "model": {}, "inner_lrs": {"5": 0.1}}
    odd = {"start": 3, "split": ["paper"], "updates": "many", "seconds": None, "config": 1}
    odd |= {"validation": "none", "start_trained_on": 5, "seed": 1.5, "unknown": "left out"}
    found = Provenance.from_json(required | odd)
    assert found == Provenance("maml", {}, {5: 0.1})
    assert found.to_json() == required


@pytest.mark.parametrize("missing", ["method", "model", "inner_lrs"])
def test_what_makes_a_learner_has_to_be_there(missing) -> None:
    values = {"method": "maml", "model": {}, "inner_lrs": {"5": 0.1}}
    del values[missing]
    with pytest.raises(KeyError, match=missing):
        Provenance.from_json(values)
