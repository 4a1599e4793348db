"""What runs in the browser: how scripts are put together, and what they may and may not hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from maml_core.figures.landscape import RESTART_COLOUR
from maml_core.figures.style import CHANCE_COLOUR, OWN_LOOKS, STYLES
from maml_core.teaching.quadratic_tasks import CENTRE_WEIGHTS
from pages.shared.component import COMPONENTS, joined, newest_last

CHECK = COMPONENTS / "check"
NAMES = sorted(file.stem for file in COMPONENTS.glob("*/*.html"))
SOURCES = sorted(
    file
    for kind in ("js", "css")
    for file in COMPONENTS.glob(f"*/*.{kind}")
    if file.parent != CHECK
)


def write(folder: Path, **texts: str) -> Path:
    """Write scripts; return the first."""
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / f"{next(iter(texts))}.js"


def test_each_module_stands_once_before_those_that_import_it(tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        main='import { b } from "./b.js";\nimport {\n c\n} from "./c.js";\nexport default b + c;\n',
        b='import { c } from "./c.js";\nexport function b() { return c; }\n',
        c="export const c = 1;\nconst exported = 2;\n",
    )
    assert joined(entry) == (
        "const c = 1;\nconst exported = 2;\n\nfunction b() { return c; }\n\nexport default b + c;\n"
    )


def test_modules_that_import_each_other_stand_once(tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        a='import { b } from "./b.js";\nexport function a() { return b(); }\n',
        b='import { a } from "./a.js";\nexport function b() { return a(); }\n',
    )
    assert joined(entry).split("\n") == [
        *("function b() { return a(); }", "", "function a() { return b(); }", "")
    ]


def test_a_style_imports_another(tmp_path: Path) -> None:
    (tmp_path / "base.css").write_text("a { color: red; }\n", encoding="utf-8")
    (tmp_path / "own.css").write_text('@import "./base.css";\nb { top: 0; }\n', encoding="utf-8")
    assert joined(tmp_path / "own.css") == "a { color: red; }\n\nb { top: 0; }\n"


@pytest.mark.parametrize(
    "line",
    [
        'import * as all from "./b.js";',
        'import b from "./b.js";',
        'import "./b.js";',
        "import { b } from './b.js';",
        'import { b as c } from "./b.js";',
        'import { html } from "lit";',
        "export { a };",
        'export * from "./b.js";',
    ],
)
def test_other_imports_and_exports_are_refused(tmp_path: Path, line: str) -> None:
    entry = write(tmp_path, a=f"{line}\nconst a = 1;\n", b="export const b = 1;\n")
    with pytest.raises(ValueError, match=r"a\.js: cannot put this in one text: (im|ex)port"):
        joined(entry)


@pytest.mark.parametrize("name", NAMES)
def test_a_component_is_one_text_in_which_no_name_is_declared_twice(name: str) -> None:
    script = joined(COMPONENTS / name / f"{name}.js")
    declared = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", script, re.MULTILINE)
    assert len(declared) == len(set(declared))
    assert len(re.findall("^export default function", script, re.MULTILINE)) == 1
    assert "@import" not in joined(COMPONENTS / name / f"{name}.css")


@pytest.mark.parametrize("name", NAMES)
def test_a_component_put_together_is_a_module(name: str, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = tmp_path / f"{name}.mjs"
    script.write_text(newest_last(joined(COMPONENTS / name / f"{name}.js")), encoding="utf-8")
    found = subprocess.run([node, "--check", script], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_older_data_that_come_late_are_ignored(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    own = "export default function draw({ data }) {\n  console.log(data.made);\n}\n"
    (tmp_path / "component.mjs").write_text(newest_last(own), encoding="utf-8")
    (tmp_path / "main.mjs").write_text(
        'import draw from "./component.mjs";\n'
        "const element = () => new (class { toggleAttribute() {} })();\n"
        "const [one, other] = [element(), element()];\n"
        "const send = (parentElement, made) => draw({ parentElement, data: { made } });\n"
        "send(one, 1); send(one, 3); send(one, 2); send(one, 3); send(other, 2); send(one, 4);\n",
        encoding="utf-8",
    )
    drawn = subprocess.run(
        [node, tmp_path / "main.mjs"], capture_output=True, text=True, check=True
    )
    assert drawn.stdout.split() == ["1", "3", "3", "2", "4"]


@pytest.mark.parametrize(
    "script", ["export default 1;", "export default function () {}\n", "const a = 1;\n"]
)
def test_a_component_without_a_named_default_export_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="one `export default function name"):
        newest_last(script)


@pytest.mark.slow
def test_the_scripts_pass_the_linter_and_the_type_checker() -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    if not (CHECK / "node_modules/.bin/tsc").exists():
        pytest.skip("eslint and TypeScript are not installed: `make lint` does it")
    found = subprocess.run(
        [npm, "--prefix", str(CHECK), "run", "--silent", "check"], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_there_is_something_to_check() -> None:
    assert len(NAMES) == 17
    assert {file.parent.name for file in SOURCES} == {*NAMES, "shared"}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_colours_of_methods_come_from_the_palette(file: Path) -> None:
    """Written once, in Python: they are sent with the data."""
    palette = {style.colour for style in STYLES.values()} | {colour for colour, *_ in OWN_LOOKS}
    palette |= {CHANCE_COLOUR, RESTART_COLOUR}
    text = file.read_text(encoding="utf-8").upper()
    assert not [colour for colour in palette if colour.upper() in text]


def test_every_mark_that_the_scripts_are_sent_is_drawn_by_them() -> None:
    toy = (COMPONENTS / "toy_world/plot_panel.js").read_text(encoding="utf-8")
    for name in ("person", *CENTRE_WEIGHTS):
        assert re.search(rf'^  "?{STYLES[name].marker}"?: "M', toy, re.MULTILINE), name
    play = (COMPONENTS / "play_board/play_board.css").read_text(encoding="utf-8")
    players = {STYLES[name].marker for name in ("person", "maml", "pretrained")}
    # A square is what a mark is without a rule of its own.
    for marker in (players | {marker for *_, marker in OWN_LOOKS}) - {"square"}:
        assert f".mark.{marker} {{" in play
