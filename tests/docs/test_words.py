"""What README, the documentation and the changelog call commands and options is what ``--help`` calls them.

The blocks of the guides are run; here every page is read, with the blocks that are not run and the words in
running text.
"""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer
from command_line import had
from pages import blocks_of

from had_cli.commands import COMMANDS, application
from had_cli.plugin import host

__all__ = ["had"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_SPAN = re.compile(r"`([^`\n]+)`")
_OPTION = re.compile(r"--[a-z][a-z0-9-]*")
# of other programs, and those that typer gives every program
OTHERS = {
    "--help",
    "--user",
    "--upgrade",
    "--extra-index-url",
    "--nthreads",
    "--install-completion",
    "--show-completion",
    "--version",
}


@cache
def parsed(words: tuple[str, ...]):
    """Return the program as it parses ``words``."""
    return typer.main.get_command(application(list(words)))


def spelt(command) -> set[str]:
    """Return the options of a command and its subcommands, as they may be typed."""
    found = {
        o for p in command.params if not getattr(p, "hidden", False) for o in (*p.opts, *p.secondary_opts)
    }
    for subcommand in getattr(command, "commands", {}).values():
        found |= spelt(subcommand)
    return found


@cache
def options(name: str, method: str | None = None) -> frozenset[str]:
    words = (name, *(("-m", method) if method else ()))
    return frozenset(spelt(parsed(words).commands[name]))


@cache
def every_option() -> frozenset[str]:
    own = [options(name) for name in COMMANDS]
    own += [options(c, m) for c in ("detect", "train") for m in host.methods()]
    return frozenset(OTHERS.union(*own))


def commands_of(page: Path) -> list[list[str]]:
    """Return the words of every ``had`` that stands in a block for the shell."""
    found = []
    for block in blocks_of(page):
        if block.language != "bash" or block.status:  # some show what is refused
            continue
        for line in block.code.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for start in [n for n, word in enumerate(words) if word == "had"]:
                rest = words[start + 1 :]
                ends = [n for n, word in enumerate(rest) if word in {"|", ";", "&&", "||", ">", "2>"}]
                found.append(rest[: ends[0]] if ends else rest)
    return found


def named(words: list[str]) -> str | None:
    return next((words[n + 1] for n, word in enumerate(words[:-1]) if word in {"-m", "--method"}), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_blocks_exist_with_their_options(page):
    for words in commands_of(page):
        if words[0].startswith("--"):
            assert words[0] in every_option(), words
            continue
        name, method = words[0], named(words) if words[0] in {"detect", "train"} else None
        assert name in COMMANDS, words
        if method is not None and method not in host.methods():
            assert page.parent.name == "plugins", words  # a method that the page itself builds, and runs
            continue
        command = parsed((name, *(("-m", method) if method else ()))).commands[name]
        if getattr(command, "commands", None) and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in command.commands, words
            command = command.commands[words[1]]
        known = spelt(command)
        typed = [word.partition("=")[0] for word in words[1:] if word.startswith("--")]
        assert [word for word in typed if word not in known | OTHERS] == [], words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_in_running_text_exist(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for span in _SPAN.findall(text):
        words = span.split()
        if words[0] == "had" and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in COMMANDS, span
            subcommands = getattr(parsed((words[1],)).commands[words[1]], "commands", {})
            if subcommands and len(words) > 2 and words[2].islower() and not words[2].startswith("-"):
                assert words[2] in subcommands, span
        if words[0].startswith("--") or words[0] == "had":
            assert [word for word in _OPTION.findall(span) if word not in every_option()] == [], span


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_and_the_printed_help_list_the_same_options(had, name):
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    section = reference.partition(f"\n## had {name}\n")[2].partition("\n## ")[0].partition("\n### had")[0]
    told = {
        word for line in re.findall(r"^`(-[^`]*)`$", section, re.MULTILINE) for word in _OPTION.findall(line)
    }
    printed = had(name, "--help")
    assert printed.status == 0
    assert told | {"--help"} == {option for option in spelt_here(name) if option.startswith("--")} | {
        "--help"
    }
    # a narrow terminal breaks lines within an option's name, a wide one does not
    assert [option for option in told if option not in printed.out] == []


def spelt_here(name: str) -> set[str]:
    """Return the options of a command itself."""
    command = parsed((name,)).commands[name]
    shown = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    return {o for p in shown for o in (*p.opts, *p.secondary_opts)}


def test_every_command_stands_in_the_guide():
    guide = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "guide").glob("*.md"))
    assert [name for name in COMMANDS if f"had {name}" not in guide] == []


def test_every_method_has_its_page_and_stands_in_the_index():
    own = [m for p in host.plugins() if p.distribution == "had" for m in p.offer.methods]
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for method in own:
        assert (ROOT / "docs" / "methods" / f"{method.name}.md").is_file()
        assert f"\nmethods/{method.name}\n" in index


def test_every_page_of_the_guide_stands_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for folder in ("guide", "plugins", "methods", "reference"):
        for page in (ROOT / "docs" / folder).glob("*.md"):
            assert f"\n{folder}/{page.stem}\n" in index, page.name
