"""What a class drew as a data set: every page takes an episode of it, for the class alone."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from maml_core.classroom.boards import NO_ACTIVITY, board_entries
from maml_core.classroom.drawn_set import load_drawn_set, make_drawn_set
from maml_core.classroom.hand_ins import take_out
from maml_core.classroom.membership import join, leave, start_class
from maml_core.config import EpisodeSpec, TrainConfig
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episodes
from maml_core.learners import checkpoints
from maml_core.teaching.anatomy import meta_update
from maml_core.training import recording
from pages.shared import cached
from pages.shared.character_sets import loaded_sets
from pages.shared.learners import recorded
from pages.shared.link_settings import DEFAULTS
from tests.pages.classroom.conftest import StartedClass
from tests.support.class_boards import board_of, give
from tests.support.opened_page import components, open_page, run, texts

PAGES = ("adapt", "draw", "episodes", "evaluate", "inside", "landscape")
SHAPE = ("n_way", "k_shot", "q_query")
LABEL = "Our class"


@pytest.fixture(autouse=True)
def two_boards(database: Engine, started: StartedClass) -> None:
    """Two pupils' boards of three characters; the browser is the third pupil's."""
    for person in range(2):
        give(database, started.pupils[person], board_of(person))
    make_drawn_set(database, started.record.id, NO_ACTIVITY)
    started.become_pupil(2)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opened_on_two_boards_has_an_episode_of_theirs(page: str) -> None:
    at = open_page(f"pages/{page}/page.py", dataset=LABEL, n_way="5", k_shot="2", q_query="10")
    assert not at.error, at.error[0].value
    assert not at.warning
    assert [at.session_state[key] for key in SHAPE] == [3, 1, 1]


def test_choosing_the_boards_sets_the_shape_once_and_larger_values_can_be_tried() -> None:
    at = open_page("pages/episodes/page.py", k_shot="3")
    at.sidebar.selectbox(key="dataset").set_value(LABEL).run()
    assert [at.session_state[key] for key in SHAPE] == [3, 1, 1]
    assert "3 characters, 2 pictures of each" in texts(at.sidebar, "caption")
    at.sidebar.slider(key="n_way").set_value(4).run()
    assert at.session_state.n_way == 4
    assert "lower “N-way: classes”" in at.error[0].value
    at.sidebar.selectbox(key="dataset").set_value("Glyphs").run()
    assert not at.error, at.error[0].value
    assert at.session_state.n_way == 4


def test_play_says_what_a_round_takes_of_these_characters() -> None:
    at = open_page("pages/play/page.py", dataset=LABEL, mode="20-way")
    assert "“20-way” takes 20 characters, and here there are 3." in at.error[0].value
    at.segmented_control(key="mode").set_value("5-way").run()
    assert "“5-way” takes 5 characters, and here there are 3." in at.error[0].value
    at.sidebar.selectbox(key="dataset").set_value("Glyphs").run()
    assert not at.exception
    assert not at.error


def test_pictures_say_who_drew_them_and_a_former_link_leads_here(started: StartedClass) -> None:
    for become in (started.become_teacher, lambda: started.become_pupil(0)):
        become()
        at = open_page("pages/episodes/page.py", dataset="Drawings")
        assert not at.warning
        assert at.session_state.dataset == LABEL
        shown = " ".join(one.proto.body for one in at.get("html"))
        for letter in "ABC":
            for name in ("red fox", "blue owl"):
                assert f"Our class · {letter}, drawer {name}" in shown
        assert "from one alphabet" not in texts(at, "markdown")


@pytest.mark.parametrize("words", [LABEL, "Drawings"])
def test_nobody_else_has_it(words: str, database: Engine, started: StartedClass) -> None:
    name = f"class-{started.record.id}"
    other, secret = start_class(database)
    _, token = join(database, other.code, "red fox")
    for cookies in ({}, {"maml_teacher": secret}, {"maml_pupil": token}, {"maml_pupil": "guess"}):
        started.cookies.clear()
        started.cookies.update(cookies)
        at = open_page("pages/episodes/page.py", dataset=words)
        assert "The link names the drawings of a class" in texts(at, "warning")
        assert at.session_state.dataset == "Glyphs"
        assert LABEL not in at.sidebar.selectbox(key="dataset").options
        assert cached.characters(name).name == "glyphs", "by its name, either"


def test_who_leaves_the_class_leaves_its_drawings(database: Engine, started: StartedClass) -> None:
    at = open_page("pages/episodes/page.py", dataset=LABEL)
    name = f"class-{started.record.id}"
    assert name in at.session_state["held_sets"]
    leave(database, started.pupils[2])
    run(at)
    assert name not in at.session_state["held_sets"]
    assert at.session_state.dataset == "Glyphs"
    assert LABEL not in at.sidebar.selectbox(key="dataset").options


def test_other_sets_stay_in_memory_and_what_was_kept_of_other_boards_is_not_shown(
    database: Engine, started: StartedClass
) -> None:
    def shown() -> list[str]:
        return [one.proto.body for one in at.get("html") if "Our class · A" in one.proto.body]

    at = open_page("pages/episodes/page.py", dataset="Glyphs")
    sets = loaded_sets()
    glyphs = sets.find("glyphs", sets.edition("glyphs"))
    assert glyphs is not None
    at.sidebar.selectbox(key="dataset").set_value(LABEL).run()
    first = shown()
    give(database, started.pupils[0], board_of(7), version=2)
    assert shown() == first
    run(at)
    assert shown() == first, "as it was when the teacher made it"
    make_drawn_set(database, started.record.id, NO_ACTIVITY)
    run(at)
    assert shown() != first
    take_out(database, started.record.id, board_entries(database, started.record.id)[0].id)
    run(at)
    assert "has fewer than 2 boards left" in texts(at, "warning")
    assert sets.find("glyphs", sets.edition("glyphs")) is glyphs


def test_numbers_on_inside_are_those_of_the_boards_of_now(
    database: Engine, started: StartedClass
) -> None:
    at = open_page("pages/inside/page.py", dataset=LABEL, meta_tasks="2")
    start = recording.load_recording(recorded.RECORDING)[0][0]
    config = TrainConfig(n_ways=(3,), q_query=1, inner_lr=0.05, meta_batch_size=2, augment=False)
    model = checkpoints.shipped("maml").model
    for version in (2, 3):
        (table,) = (told["rows"] for told in components(at) if "rows" in told)
        rows = {row["label"]: row["cells"] for row in table}
        (shown,) = (cells for label, cells in rows.items() if label.startswith("Query loss at"))
        drawn = load_drawn_set(database, started.record.id)
        pool = make_pool(drawn, split_classes(drawn, "alphabets", "test"))
        batch = list(sample_episodes(pool, EpisodeSpec(3, 1, 1), DEFAULTS["seed"], 2))
        tasks = meta_update.decompose_meta_update(model, start, batch, config)
        losses = [task.query_loss for task in tasks]
        assert [float(cell) for cell in shown[:2]] == pytest.approx(losses, abs=6e-4)
        give(database, started.pupils[0], board_of(3 + version), version=version)
        make_drawn_set(database, started.record.id, NO_ACTIVITY)
        run(at)
