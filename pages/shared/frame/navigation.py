"""The pages in the order of the navigation, and the controls that each of them uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHARACTERS = ("dataset", "about_dataset", "zip_upload", "omniglot", "part")
SEED = ("seed", "seed_button")
EPISODE = (*CHARACTERS, "presets", "n_way", "k_shot", "q_query", "within", *SEED)


@dataclass(frozen=True)
class AppPage:
    """One page.

    Attributes:
        name: Of its folder, and in links.
        title: In the navigation.
        icon: A Material symbol.
        controls: Keys of what the sidebar offers that has an effect on it.
        controls_by_section: The same by the page's choice `what`, where it has one.
    """

    name: str
    title: str
    icon: str
    controls: tuple[str, ...] = EPISODE
    controls_by_section: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """What follows the app's own address, which is that of the first page."""
        return "" if self.name == FIRST_PAGE else self.name

    @property
    def path(self) -> str:
        """The file that Streamlit runs."""
        return f"pages/{self.name}/page.py"

    @property
    def shows_episode(self) -> bool:
        """Whether the page, or a section of it, depends on the seed."""
        return any("seed" in used for used in (self.controls, *self.controls_by_section.values()))


PAGES = (
    AppPage("play", "Play", "stadia_controller", (*CHARACTERS, *SEED)),
    AppPage("classroom", "Class", "groups", ()),
    AppPage("lessons", "Lessons", "school", ("omniglot",)),
    AppPage("sinusoid", "Sinusoid", "airwave", ("seed",)),  # it has a button of its own
    AppPage("episodes", "Episodes", "grid_view"),
    AppPage("adapt", "Adapt", "trending_up"),
    AppPage("draw", "Draw", "draw"),
    AppPage("landscape", "Landscape", "landscape"),
    AppPage("inside", "Inside MAML", "account_tree"),
    AppPage("toy", "Toy world", "toys", ()),
    AppPage("evaluate", "Evaluate", "analytics"),
    AppPage(
        "train",
        "Train",
        "model_training",
        ("zip_upload", "omniglot"),
        {"Replay": EPISODE},
    ),
)
PAGES_BY_NAME = {page.name: page for page in PAGES}
FIRST_PAGE = PAGES[0].name
