"""The house: modules lie in rooms, arrows run one way, and plugins come in by one door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from had_cli import plugin

ROOT = Path(__file__).parents[2]
CORE, PLUGINS = ROOT / "had_cli", ROOT / "plugins"
LOOSE = {"__init__", "__main__", "_version", "api", "errors", "files"}


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """Yield (module, name) of every import in a file, inside functions and for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)


def test_no_module_lies_loose_in_the_core():
    assert {path.stem for path in CORE.glob("*.py")} == LOOSE


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_import_runs_in_a_circle():
    modules = {module_of(path): path for path in sources(CORE)}
    arrows: dict[str, set[str]] = {}
    for module, path in modules.items():
        targets = set()
        for home, name in imports(path):
            whole = f"{home}.{name}"
            targets.add(whole if whole in modules else home)
        arrows[module] = {target for target in targets if target in modules and target != module}
    finished: set[str] = set()

    def walk(module: str, trail: list[str]) -> None:
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in finished:
            for target in sorted(arrows[module]):
                walk(target, [*trail, module])
            finished.add(module)

    for module in sorted(modules):
        walk(module, [])


@pytest.mark.parametrize("package", sorted(folder.name for folder in PLUGINS.iterdir() if folder.is_dir()))
def test_plugins_import_from_the_contract_alone(package):
    for path in sources(PLUGINS / package):
        homes = {home for home, _ in imports(path) if home.split(".")[0] == "had_cli"}
        assert homes <= {"had_cli.plugin"}, path


def test_type_checkers_see_the_names_that_the_contract_has():
    stub = ast.parse((CORE / "plugin" / "__init__.pyi").read_text(encoding="utf-8"))
    seen = {
        alias.name: node.module
        for node in ast.walk(stub)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == plugin._HOME


def test_every_name_of_the_contract_is_there_and_on_its_page():
    page = (ROOT / "docs" / "plugins" / "contract.md").read_text(encoding="utf-8")
    for name in plugin.__all__:
        assert getattr(plugin, name) is not None
        assert f"`{name}`" in page, name
    assert set(plugin.__all__) <= set(dir(plugin))


def test_a_name_that_the_contract_lacks_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Executor"):
        _ = plugin.Executor


def test_describing_a_method_by_the_contract_imports_neither_numpy_nor_torch():
    code = (
        "import sys; from had_cli.plugin import Method, Param, Reader, hookimpl;"
        "assert not {'numpy', 'torch', 'rasterio'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
