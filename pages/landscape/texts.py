"""What is said of the Landscape page's maps: how to read them, and how not to."""

from __future__ import annotations

from maml_core.figures.landscape import HELD_WHOLE
from maml_core.figures.style import STYLES
from maml_core.landscape.plane_descent import Path
from pages.landscape.plane_cache import Ground

WHY_SLICE = """
The network has over 100,000 parameters; a map shows two directions of them. **It can show** how
the loss changes along the way that descent really took, how far one may go before it rises, and
whether two starts differ in that. **It cannot show** what lies beside: a wall on the map may have
a way around it, and a valley may be the edge of something deep. A minimum of the slice is hardly
ever one of the loss. That is why each path says how much of its length the plane holds, and why a
path that leaves the plane is dashed: its numbered points are drawn at the nearest point of the
plane, while their loss is that of the point itself.
"""
WHY_PLANES = """
**Paths**: for each method the two directions in which its own ten steps went farthest (principal
components, seen from θ). **Both ends**: the one plane that holds MAML's θ, where MAML ended and
where the pretrained network ended. The two do not start from the same θ, so the pretrained start
lies beside this plane, and its path is drawn as its shadow. **Random**: two directions, drawn from
the seed and *filter-normalised* (Li et al. 2018): each filter moves by as much as it is long;
biases and normalisation stay. A row of the head, zero at θ, takes its length after adaptation.
Descent hardly moves in random directions: the path is a dot.

Coordinates are distances in parameter space, the same unit in all maps.
"""


def what_is_drawn(ground: Ground, words: str, which: str) -> str:
    """Say what the maps show, of which pictures and how these are normalised.

    Args:
        ground: Where.
        words: What is drawn.
        which: On the 'support' or the 'query' set.
    """
    spec = ground.settings.spec
    if which == "support":
        n, how = spec.n_way * spec.k_shot, "normalised with their own statistics, as in every step"
    else:
        n, how = spec.n_way * spec.q_query, "normalised together, as on the Adapt page"
    text = f"{words} of one episode: its {n} {which} pictures, {how}."
    if words.endswith("loss"):
        text += " Levels are evenly spaced in the logarithm; light is low."
    text += " Axes are distances in parameter space, the same for all maps."
    if ground.kind == "ends" and ground.method == "maml":
        text += (
            " The dotted line is the way of the meta-training, in meta-updates: it led from the "
            "pretrained start to MAML's, farther than any descent here goes. Zoom in to see one."
        )
    if ground.kind == "random":
        text += " At the edge of the whole map each filter has moved by about its own length."
    return text


def what_is_held(path: Path) -> str:
    """Say how much of a path its plane holds."""
    who = STYLES[path.method].label + (", restarted" if path.restarted else "")
    text = f"**{who}**, α = {path.inner_lr:.3g}: the plane holds {path.held:.1%} of its path"
    if path.held < HELD_WHOLE:
        text += f", so it is dashed; its points lie up to {path.beside.max():.2g} beside the plane"
    if path.broke:
        text += f". After step {len(path.x) - 1} the loss is no finite number: α is too large"
    return text + "."
