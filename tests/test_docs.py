"""What README, CONTRIBUTING and docs/ name exists: files, headings, commands, options."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from maml_core.cli.measured_learners import check_options
from maml_core.cli.options import from_options
from maml_core.cli.parser import make_parser, parse_typed
from maml_core.cli.training_options import suit_method
from maml_core.config import TrainConfig

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
TOP = ("app.py", "pages/", "maml_core/", "assets/", "benchmarks/", "deploy/", "docs/", "tests/")
OTHERS_OPTIONS = {"--standalone"}  # torchrun's
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield module and arguments of each `python -m …` or torchrun, shell variables filled in."""
    for block in re.findall(r"```\n(.*?)```|`([^`\n]+)`", text, re.DOTALL):
        lines = "".join(block).replace("\\\n", " ").splitlines()
        variables: dict[str, str] = {}
        for line in lines:
            variables |= dict(re.findall(r"\b([A-Z])=\"(.*?)\"", line))
            line = re.sub(r"\$([A-Z])\b", lambda name, known=variables: known[name[1]], line)
            found = re.search(
                r"(?:python3?|torchrun\b.*?) -m ((?:maml_core|benchmarks)\S*)(.*)", line
            )
            if found:
                arguments = shlex.split(found[2], comments=True)
                yield found[1], [one for one in arguments if one != "--help"]


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def prose(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


class _Parsed(Exception):
    """The arguments were read; what follows would take hours."""


def parse(module: ModuleType, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a script read its arguments, and do nothing else."""
    read = argparse.ArgumentParser.parse_args

    def stop(self: argparse.ArgumentParser, args: list[str] | None = None) -> None:
        read(self, args)
        raise _Parsed

    with monkeypatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", stop)
        patched.setattr(sys, "argv", [module.__name__, *arguments])
        with pytest.raises(_Parsed):
            module.main()


@cache
def current_options() -> set[str]:
    """Return every option of the command line in its present spelling: the first of its names."""
    parsers = [make_parser()]
    options = set()
    for parser in parsers:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
            elif action.option_strings and action.help != argparse.SUPPRESS:
                options |= {next(o for o in action.option_strings if o.startswith("--"))}
    return options


def test_there_are_pages_and_commands() -> None:
    assert len(PAGES) > 15
    assert sum(1 for page in PAGES for _ in commands(page.read_text(encoding="utf-8"))) > 40


@each_page
def test_every_command_can_be_given(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, arguments in commands(page.read_text(encoding="utf-8")):
        if name == "maml_core":
            parsed = parse_typed(arguments)
            if parsed.doing == "train":
                suit_method(parsed)
                from_options(TrainConfig, parsed)
            if parsed.doing == "evaluate" and not parsed.all:
                check_options(parsed)
            assert {one for one in arguments if one.startswith("--")} <= current_options()
            continue
        module = importlib.import_module(name)
        if hasattr(module, "argparse"):
            parse(module, arguments, monkeypatch)
        else:
            assert callable(module.main)
            assert not arguments


@each_page
def test_every_option_in_the_text_exists(page: Path) -> None:
    text = re.sub(r"`[^`\n]*-m [^`\n]*`", "", prose(page.read_text(encoding="utf-8")))
    named = set(re.findall(r"`(--[a-z][a-z0-9-]*)", text))
    assert named <= current_options() | OTHERS_OPTIONS


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


@each_page
def test_every_path_in_the_text_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    quoted = [word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()]
    paths = [word for word in quoted if word.startswith(TOP) and "<" not in word]
    for path in paths:
        assert (ROOT / path).exists(), path


@each_page
def test_every_page_is_in_the_index(page: Path) -> None:
    if page.is_relative_to(ROOT / "docs") and page.name != "README.md":
        index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
        assert f"({page.relative_to(ROOT / 'docs')})" in index


def test_contributing_fits_on_a_screen() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 60


def test_the_citation_is_complete() -> None:
    """The required keys of the Citation File Format 1.2.0, and those of each reference."""
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert found["cff-version"] == "1.2.0"
    assert found.keys() >= {"message", "title", "authors", "version", "license"}
    assert all(author.get("name") or author.get("family-names") for author in found["authors"])
    assert found["license"] == "MIT"
    for reference in found["references"]:
        assert reference.keys() >= {"type", "title", "authors", "year"}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{found["version"]}"' in project
