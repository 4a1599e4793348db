"""MNIST and a folder of pictures on the pages: offered where there are some, and shown whole."""

from __future__ import annotations

import base64
import gzip
import io
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from maml_core.data import registry
from tests.support.opened_page import open_page

EPISODES, DRAW = "pages/episodes/page.py", "pages/draw/page.py"


def shown(at: AppTest) -> list[Image.Image]:
    """Return the pictures of the episode's grid."""
    page = " ".join(one.proto.body for one in at.get("html"))
    return [
        Image.open(io.BytesIO(base64.b64decode(found)))
        for found in re.findall(r"data:image/png;base64,([^\"]+)", page)
    ]


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three classes of 5, 6 and 7 pictures, each of one colour, a little darker at one end."""
    root = tmp_path / "things"
    for number, name in enumerate(("ant", "bee", "cow")):
        (root / name).mkdir(parents=True)
        for i in range(5 + number):
            colour = [0, 0, 40]
            colour[number] = 120 + 10 * i
            shades = np.linspace(0, 20, 30)[:, None, None] + np.array(colour)
            pixels = np.broadcast_to(shades, (30, 20, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    monkeypatch.setenv("PICTURES_DIR", str(root))
    return root


def test_a_folder_has_an_episode_grid_in_colour(pictures: Path) -> None:
    at = open_page(EPISODES, dataset="My folder", n_way="3", k_shot="2", q_query="3")
    assert not at.error
    assert "grey, 28 × 28 pixels" in " ".join(one.value for one in at.sidebar.caption)
    grid = shown(at)[: 3 * (2 + 3)]
    assert len(grid) == 15
    for row in range(3):
        # Support and query pictures of a row are of one class: the same channel is the brightest.
        own = [np.asarray(one)[42, 42].argmax() for one in grid[5 * row : 5 * row + 5]]
        assert {one.size for one in grid} == {(84, 84)}
        assert len(set(own)) == 1
    at.sidebar.slider(key="q_query").set_value(4).run()
    assert "4 query pictures per class are more than the 5 there are of things · ant" in (
        at.error[0].value
    )


def test_draw_says_which_pictures_show_no_ink(pictures: Path) -> None:
    """All of these are darker than ink has to be bright."""
    at = open_page(DRAW, dataset="My folder", n_way="3", q_query="2")
    at.button(key="fill_board").click().run()
    assert not at.exception
    assert [f"{cell}1: The picture has no ink" in at.warning[0].value for cell in "ABC"] == [
        True
    ] * 3


def test_a_folder_that_cannot_be_used_is_a_sentence_and_glyphs_stand_in(pictures: Path) -> None:
    (pictures / "bee" / "0.png").write_bytes(b"no picture")
    at = open_page(EPISODES, dataset="My folder")
    assert "bee/0.png" in at.warning[0].value
    assert "These are the built-in glyphs." in at.warning[0].value


def zipped(folder: Path) -> bytes:
    return Path(shutil.make_archive(str(folder), "zip", folder.parent, folder.name)).read_bytes()


def test_an_uploaded_zip_is_offered_to_its_owner_alone(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PICTURES_DIR")
    content = zipped(pictures)
    at = open_page(EPISODES, n_way="5", k_shot="2", q_query="10")
    at.file_uploader(key="zip_0").upload("things.zip", content).run()
    assert not at.exception
    assert at.sidebar.selectbox(key="dataset").value == "My zip"
    assert not at.error, "the episode is as small as three classes of five pictures want it"
    assert [at.session_state[name] for name in ("n_way", "k_shot", "q_query")] == [3, 2, 3]
    assert {one.size for one in shown(at)[: 3 * 5]} == {(84, 84)}
    assert "grey, 28 × 28 pixels" in " ".join(one.value for one in at.sidebar.caption[1:])
    for page in ("pages/adapt/page.py", "pages/train/page.py"):
        at.switch_page(page).run()
        assert not at.exception
        assert not at.warning
    at.segmented_control(key="what").set_value("Images").run()
    assert "My zip" in at.segmented_control(key="train_on").options
    other = open_page(EPISODES, dataset="My zip")
    assert "My zip" not in other.sidebar.selectbox(key="dataset").options
    assert "dataset = 'My zip'" in other.warning[0].value


def test_a_zip_without_test_classes_is_added_and_said_so(pictures: Path) -> None:
    root = pictures.parent / "divided"
    for part, names in (("train", ("ant", "bee")), ("val", ("cow",))):
        for name in names:
            shutil.copytree(pictures / name, root / part / name)
    at = open_page(EPISODES, n_way="2", q_query="1")
    at.file_uploader(key="zip_0").upload("divided.zip", zipped(root)).run()
    assert not at.exception
    assert not at.error
    assert at.session_state["part"] == "Seen in training"
    assert "There are no classes for testing: choose those for training" in at.warning[0].value
    at.sidebar.selectbox(key="part").set_value("Never seen in training").run()
    assert not at.exception
    assert "classes to sample from is 0" in at.error[0].value


def test_an_unusable_folder_is_looked_at_once_in_a_while_and_not_in_each_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "birds"
    (root / "owls").mkdir(parents=True)
    (root / "owls" / "0.png").write_bytes(b"no picture")
    monkeypatch.setenv("PICTURES_DIR", str(root))
    looks: list[str] = []
    sample = registry.sample_pictures
    monkeypatch.setattr(
        registry, "sample_pictures", lambda name: looks.append(name) or sample(name)
    )
    at = open_page(EPISODES)
    at.run()
    at.run()
    assert looks == ["folder-28"]


def test_a_zip_that_cannot_be_used_is_a_sentence_until_it_is_read(pictures: Path) -> None:
    (pictures / "bee" / "0.png").write_bytes(b"no picture")
    at = open_page(EPISODES)
    before = at.sidebar.selectbox(key="dataset").value
    at.file_uploader(key="zip_0").upload("things.zip", zipped(pictures)).run()
    assert not at.exception
    assert "bee/0.png in things.zip" in at.sidebar.warning[0].value
    assert at.sidebar.selectbox(key="dataset").value == before
    at.button(key="zip_refused_box_read").click().run()
    assert not at.sidebar.warning


def test_mnist_is_offered_where_it_is(data_dir: Path) -> None:
    (data_dir / "mnist").mkdir(parents=True)
    labels = np.repeat(np.arange(6), 4).astype(np.uint8)
    ink = np.zeros((24, 28, 28), dtype=np.uint8)
    ink[:, 10:18, 10:18] = 40 * labels[:, None, None]
    for name, head, values in (
        ("images-idx3", struct.pack(">4i", 2051, 24, 28, 28), ink),
        ("labels-idx1", struct.pack(">2i", 2049, 24), labels),
    ):
        path = data_dir / "mnist" / f"t10k-{name}-ubyte.gz"
        path.write_bytes(gzip.compress(head + values.tobytes()))
    at = open_page(EPISODES, dataset="MNIST", n_way="6", q_query="2")
    assert not at.error
    assert "MNIST" in at.sidebar.selectbox(key="dataset").options
    assert "My folder" not in at.sidebar.selectbox(key="dataset").options
    grid = [np.asarray(one)[14, 14] for one in shown(at)[:18]]
    assert sorted(grid[::3]) == sorted(255 - 40 * np.arange(6))  # black ink on white paper
    assert grid[::3] == grid[1::3] == grid[2::3]


@pytest.fixture
def handwriting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three characters of 4 pictures, white strokes on nothing; one picture is empty."""
    root = tmp_path / "letters"
    lines = {"bar": np.s_[20:100, 55:65], "dash": np.s_[55:65, 20:100], "dot": np.s_[50:70, 50:70]}
    for name, where in lines.items():
        (root / name).mkdir(parents=True)
        for i in range(4):
            layers = np.full((120, 160, 4), 255, dtype=np.uint8)
            layers[..., 3] = 0
            if (name, i) != ("dot", 3):
                layers[..., 3][where] = 255
            Image.fromarray(layers).save(root / name / f"{i}.png")
    monkeypatch.setenv("PICTURES_DIR", str(root))
    return root


def previews(at: AppTest) -> str:
    return " ".join(one.proto.body for one in at.sidebar.get("html") if "preview" in one.proto.body)


def test_pictures_of_ink_are_seen_as_handwriting_unless_chosen_otherwise(handwriting: Path) -> None:
    at = open_page(EPISODES, dataset="My folder", n_way="3", q_query="2")
    assert at.segmented_control(key="pictures").value == "as handwriting"
    assert {one.size for one in shown(at)[: 3 * 3]} == {(105, 105)}
    assert "1 of 12 pictures show no ink and are left out: letters/dot/3.png" in at.warning[0].value
    assert previews(at).count("as a network sees it") == 8, "of nine, and one shows no ink"
    assert previews(at).count("no ink") == 1
    at.segmented_control(key="pictures").set_value("as they are").run()
    assert not at.exception
    assert {one.size for one in shown(at)[: 3 * 3]} == {(84, 84)}
    assert "1 of 12 pictures show one shade only: letters/dot/3.png" in at.warning[0].value


def test_a_link_says_how_pictures_are_seen(handwriting: Path) -> None:
    at = open_page(EPISODES, dataset="My folder", pictures="as they are", n_way="3", q_query="2")
    assert at.segmented_control(key="pictures").value == "as they are"
    assert {one.size for one in shown(at)[: 3 * 3]} == {(84, 84)}
    other = open_page(EPISODES, dataset="My folder", n_way="3", q_query="2")
    assert {one.size for one in shown(other)[: 3 * 3]} == {(105, 105)}, "of another visitor"
    odd = open_page(EPISODES, dataset="My folder", pictures="upside down", n_way="3", q_query="2")
    assert "pictures = 'upside down'" in " ".join(one.value for one in odd.warning)


def test_a_zip_of_ink_is_seen_as_handwriting(
    handwriting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PICTURES_DIR")
    at = open_page(EPISODES)
    at.file_uploader(key="zip_0").upload("letters.zip", zipped(handwriting)).run()
    assert not at.exception
    assert at.sidebar.selectbox(key="dataset").value == "My zip"
    assert at.segmented_control(key="zip_pictures").value == "as handwriting"
    n_shown = at.session_state["n_way"] * (at.session_state["k_shot"] + at.session_state["q_query"])
    assert {one.size for one in shown(at)[:n_shown]} == {(105, 105)}
    at.segmented_control(key="zip_pictures").set_value("as they are").run()
    assert {one.size for one in shown(at)[:n_shown]} == {(84, 84)}
