"""What is said of the Landscape page's maps: how to read them, and how not to."""

from __future__ import annotations

from collections.abc import Iterable

from maml_core.figures.landscape import SOLID_FROM
from maml_core.figures.style import STYLES, trained_method
from maml_core.landscape.plane_descent import ProjectedTrajectory
from maml_core.landscape.planes import SHARED_PLANE
from maml_core.teaching.sentences.landscape import DescentLosses, describe_descents
from maml_core.teaching.sentences.words import kind_of
from pages.landscape.plane_cache import PlaneSettings
from pages.shared.learners.recorded import recorded_params

WHY_SLICE = """
The network has over 100,000 parameters; a map shows two directions of them. **It can show** how the
loss changes along the path that descent really took, how far one may go before it rises, and
whether two starting points differ in that. **It cannot show** what lies outside the plane: there
may be a way around a wall on the map, and a valley may be the edge of something deeper. A minimum
of the slice is hardly ever one of the loss. That is why the page says how much of each path's
length lies in the plane, and why a path that leaves it is dashed: its numbered points are drawn at
the nearest point of the plane, while their loss is that of the points themselves.
"""
WHY_PLANES = """
**Paths**: for each method the two directions in which its own ten steps went farthest (principal
components, seen from θ). **Both ends**: the one plane that holds MAML's θ, where MAML ended and
where the pretrained network ended. The two do not start from the same θ, so the pretrained starting
point lies outside this plane, and its path is drawn as its projection. **Random**: two directions,
sampled at random from the seed and *filter-normalised* (Li et al. 2018): each filter is moved by
its own norm; biases and normalisation stay. A row of the head, zero at θ, takes its norm after
adaptation. Descent hardly moves in random directions: the path is a dot.

Coordinates are distances in parameter space, the same unit in all maps.
"""


def panel_title(panel: str, update: int) -> str:
    """Return what a map is called.

    Args:
        panel: The method whose plane it is, or `SHARED_PLANE`.
        update: After how many meta-updates MAML's θ is shown.
    """
    if panel == SHARED_PLANE:
        return "Both on one plane"
    if panel == "maml" and update != max(recorded_params()):
        return f"MAML’s θ after {update:,} meta-updates"
    return f"{STYLES[panel].label}"


def map_caption(plane_settings: PlaneSettings, words: str, which: str) -> str:
    """Say what the maps show, of which pictures and how these are normalised.

    Args:
        plane_settings: Where.
        words: What is drawn.
        which: On the 'support' or the 'query' set.
    """
    spec = plane_settings.settings.spec
    if which == "support":
        n, how = spec.n_way * spec.k_shot, "normalised with their own statistics, as in every step"
    else:
        n, how = spec.n_way * spec.q_query, "normalised together, as on the Adapt page"
    text = f"{words} of one episode: its {n} {which} pictures, {how}."
    if words.endswith("loss"):
        text += " Levels are evenly spaced in the logarithm; light is low."
    text += " Axes are distances in parameter space, the same for all maps."
    if plane_settings.kind == "ends" and plane_settings.method == "maml":
        text += (
            " The dotted line is the path of meta-training, in meta-updates: it led from the "
            "pretrained θ to MAML's, farther than any descent here goes. Zoom in to see one."
        )
    if plane_settings.kind == "random":
        text += " At the edge of the whole map each filter has moved by about its own length."
    return text


def paths_sentence(paths: Iterable[ProjectedTrajectory]) -> str:
    """Say how far the descents lead."""
    return describe_descents(
        [
            DescentLosses(
                STYLES[path.method].in_sentences,
                kind_of(trained_method(path.method)),
                path.loss["support"].tolist(),
                path.loss["query"].tolist(),
                path.restarted,
                path.diverged,
            )
            for path in paths
        ]
    )


def trajectory_caption(path: ProjectedTrajectory) -> str:
    """Say how much of a path its plane holds."""
    who = STYLES[path.method].label + (", restarted" if path.restarted else "")
    text = f"**{who}**, α = {path.inner_lr:.3g}: "
    text += f"{100 * path.fraction_in_plane:.1f} % of its path's length lies in the plane"
    if path.fraction_in_plane < SOLID_FROM:
        text += ", so it is dashed; its points are up to "
        text += f"{path.off_plane_distance.max():.2g} away from the plane"
    if path.diverged:
        text += f". After step {len(path.x) - 1} the loss is not a finite number: α is too large"
    return text + "."
