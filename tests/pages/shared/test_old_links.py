"""Links that were made before a label or a page changed still name what they named then."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from tests.support.opened_page import open_page, texts

SMALL = "n_way=2&q_query=1"
LINKS = (
    f"play?seed=4&mode=5-way&timed=false&{SMALL}",
    "play?mode=20-way%2C+one+alphabet",
    f"lessons?lesson=Why+two+loops%3F&teacher=true&{SMALL}",
    f"episodes?k_shot=5&within=true&part=Seen+in+training&task=2&{SMALL}",
    f"adapt?methods=MAML&methods=Random+start&methods=Joint+pretraining&steps=2&{SMALL}",
    f"adapt?methods=First-order+MAML&methods=Reptile&steps=1&alpha=%C3%97+0.25&{SMALL}",
    f"draw?seed=7&{SMALL}",
    f"landscape?plane=Random&drawn=Query+accuracy&view=Surface&rate=%C3%97+2&path_steps=2&{SMALL}",
    f"landscape?plane=Both+ends&drawn=Support+loss&update=0&plane_seed=5&{SMALL}",
    f"inside?meta_theta=0&meta_tasks=2&meta_inner=1&meta_alpha=0.05&meta_beta=0.001&{SMALL}",
    "toy?n_params=2&n_tasks=4&layout=All+different&toy_lr=0.3&toy_steps=3&by_hand=false&theta=0,0",
    "evaluate?who=Random+start&who=Joint+pretraining&who=Nearest+by+features&queries=Each+alone"
    f"&test_steps=3&episodes=100&{SMALL}",
    "evaluate?who=Nearest+by+ResNet&who=Nearest+by+pixels&four_turns=true&close_ups=true"
    f"&same_drawers=true&split=Unseen+characters+%28paper%29&{SMALL}",
    f"train?what=Images&train_by=Joint+pretraining&train_with=MLP&train_from=Random&{SMALL}",
    f"train?what=Sinusoid&wave_k=5&half=true&updates=1000&{SMALL}",
    "train?wave_k=20&seed=7",
)
# What a label was called, and what it is called now.
RENAMED = {
    "Random start": "Random initialisation",
    "Joint pretraining": "Multi-task training",
}
# Controls that these links name but the page does not draw: of too small a data set, another plane,
# another network.
NOT_DRAWN = {"task", "plane_seed", "train_from"}
MOVED = {"train?what=Sinusoid": "Sinusoid", "train?wave_k": "Sinusoid"}  # to the page of this title


@pytest.mark.parametrize("link", LINKS)
def test_a_link_made_before_names_what_it_named(link: str) -> None:
    name, _, query = link.partition("?")
    wanted = parse_qs(query, strict_parsing=True)
    at = open_page(f"pages/{name}/page.py", **wanted)
    assert "The link asks for" not in texts(at, "warning")
    for beginning, title in MOVED.items():
        if link.startswith(beginning):
            assert texts(at, "title") == title
            wanted.pop("what", None)
    for key, values in wanted.items():
        if name == "toy" or key in NOT_DRAWN:
            continue
        state = at.session_state[key]
        shown = [str(one) for one in (state if isinstance(state, list) else [state])]
        assert len(shown) == len(values), key
        for value, now in zip(values, shown, strict=True):
            same = now.lower() == value.lower() or value.startswith("Nearest by")
            assert same or RENAMED.get(value) == now, (key, value, now)


def test_a_link_to_a_learner_that_is_not_here_says_why() -> None:
    at = open_page("pages/adapt/page.py", methods=["MAML", "Mine 1: MAML"], n_way="2", q_query="1")
    assert "a learner of somebody's own" in texts(at, "warning")
    assert "Mine 1" not in texts(at, "warning")
