"""The pages in the order of the navigation, and the controls that each of them uses."""

from __future__ import annotations

from dataclasses import dataclass

CHARACTERS = ("dataset", "part")
SHAPE = ("n_way", "k_shot", "q_query", "within")
EPISODE = (*CHARACTERS, *SHAPE, "seed")


@dataclass(frozen=True)
class AppPage:
    """One page.

    Attributes:
        name: Of its folder and address.
        title: In the navigation.
        icon: A Material symbol.
        controls: Keys of the sidebar's controls that have an effect on it.
    """

    name: str
    title: str
    icon: str
    controls: tuple[str, ...] = EPISODE

    @property
    def path(self) -> str:
        """The file that Streamlit runs."""
        return f"pages/{self.name}/page.py"


PAGES = (
    AppPage("play", "Play", "stadia_controller", (*CHARACTERS, "seed")),
    AppPage("lessons", "Lessons", "school", ()),
    AppPage("episodes", "Episodes", "grid_view"),
    AppPage("adapt", "Adapt", "trending_up"),
    AppPage("draw", "Draw", "draw"),
    AppPage("landscape", "Landscape", "landscape"),
    AppPage("inside", "Inside MAML", "account_tree"),
    AppPage("toy", "Toy world", "toys", ()),
    AppPage("evaluate", "Evaluate", "analytics"),
    AppPage("train", "Train", "model_training"),
)
PAGES_BY_NAME = {page.name: page for page in PAGES}
FIRST_PAGE = PAGES[0].name  # its address is that of the app itself
