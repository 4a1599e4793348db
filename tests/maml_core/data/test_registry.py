"""Loading data sets by name, the stand-in, and what can be loaded."""

from __future__ import annotations

import pytest

from maml_core.config import DATASETS
from maml_core.data import registry
from maml_core.data.glyphs import dataset
from maml_core.data.omniglot import PARTS
from tests.support.tiny_set import assert_same, tiny_set


@pytest.fixture
def tiny_glyphs(monkeypatch):
    """Put two glyphs in the place of all; gives the list of the calls that drew them."""
    calls = []

    def draw(*, progress, **arguments):
        calls.append(arguments)
        return tiny_set()

    monkeypatch.setattr(dataset, "generate", draw)
    return calls


def test_there_is_a_loader_for_each_name():
    assert set(registry.LOADERS) == set(DATASETS)


def test_an_unknown_name_is_refused():
    for load in (registry.load, registry.load_or_glyphs):
        with pytest.raises(ValueError, match="name is 'cifar'; choose one of omniglot, glyphs"):
            load("cifar")


def test_glyphs_are_drawn_once_and_then_read(tiny_glyphs, data_dir):
    first, second = registry.load("glyphs"), registry.load("glyphs")
    assert tiny_glyphs == [registry.GLYPHS]
    assert_same(first, tiny_set())
    assert_same(second, first)
    assert (data_dir / "glyphs.npz").is_file()


def test_another_version_of_the_glyphs_is_drawn_anew(tiny_glyphs, monkeypatch):
    registry.load("glyphs")
    monkeypatch.setattr(dataset, "VERSION", dataset.VERSION + 1)
    registry.load("glyphs")
    assert len(tiny_glyphs) == 2


def test_omniglot_is_read_from_the_data_folder(fake_omniglot, tmp_path):
    for part in PARTS:
        fake_omniglot.pack(part, tmp_path / "mine" / "omniglot")
    assert len(registry.load("omniglot", tmp_path / "mine").inputs) == len(fake_omniglot.ink)
    assert (tmp_path / "mine" / "omniglot.npz").is_file()


def test_omniglot_is_read_from_the_folder_that_the_environment_names(
    fake_omniglot, tmp_path, monkeypatch
):
    for part in PARTS:
        fake_omniglot.pack(part, tmp_path / "chosen")
    monkeypatch.setenv("OMNIGLOT_DIR", str(tmp_path / "chosen"))
    data = registry.load_or_glyphs("omniglot")
    assert len(data.inputs) == len(fake_omniglot.ink)
    assert data.notice == ""


def test_glyphs_stand_in_for_omniglot_and_say_so(tiny_glyphs, data_dir):
    data = registry.load_or_glyphs("omniglot")
    assert_same(data, tiny_set())
    assert data.notice.startswith("These are the built-in glyphs.")
    assert str(data_dir / "omniglot") in data.notice
    assert "download Omniglot" in data.notice
    assert registry.load_or_glyphs("glyphs").notice == ""


def test_status_without_omniglot(data_dir):
    found, built_in, drawn, digits, pictures = registry.status()
    assert (digits.name, digits.available) == ("mnist", False)
    assert "data fetch mnist" in digits.detail
    assert (pictures.name, pictures.available) == ("folder", False)
    assert "PICTURES_DIR" in pictures.detail
    assert (drawn.name, drawn.available) == ("drawings", False)
    assert "0 boards; 2 to 200 make a data set" in drawn.detail
    assert (found.name, found.available) == ("omniglot", False)
    assert found.where == str(data_dir / "omniglot")
    assert "does not exist" in found.detail
    assert found.n_classes is None
    assert (built_in.name, built_in.available) == ("glyphs", True)
    assert built_in.where == "built in"


def test_status_with_omniglot(fake_omniglot, data_dir):
    for part in PARTS:
        fake_omniglot.pack(part, data_dir / "omniglot")
    found = registry.status()[0]
    assert found.available
    assert (found.n_classes, found.n_images) == (9, len(fake_omniglot.ink))
    assert found.detail == "9 characters in 27 pictures."
    assert not (data_dir / "omniglot.npz").exists()  # Nothing was decoded.
