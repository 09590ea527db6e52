import ast
import re
from pathlib import Path

import pytest

from ops.mutation import PROJECT, Figures, mutated_modules, opened

PAGE = PROJECT / "docs" / "mutation.md"
# What keeps the gate shut and says where a case is; more may be changed, never less.
AT_LEAST = ("gate", "screening_lines", "case_guards", "case_state", "case_evolve", "case_journey", "case_preparation")


def functions(path: str) -> set[str]:
    tree = ast.parse((PROJECT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_modules_that_are_changed_exist_and_the_gate_is_among_them() -> None:
    paths = mutated_modules()
    assert len(set(paths)) == len(paths)
    assert all((PROJECT / path).is_file() for path in paths)
    assert set(AT_LEAST) <= {Path(path).stem for path in paths}


def test_what_is_said_of_changes_that_nobody_notices_is_about_functions_that_exist() -> None:
    explained = re.findall(r"^\| `(\w+)\.(\w+)` \| \d+ \| [^|]+\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert explained
    known = {Path(path).stem: functions(path) for path in mutated_modules()}
    assert [f"{module}.{name}" for module, name in explained if name not in known.get(module, ())] == []
    assert len(set(explained)) == len(explained)


def test_the_page_gives_the_figures_of_each_module_that_is_changed() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {module for module, _, _ in rows} == {Path(path).stem for path in mutated_modules()}
    assert all(Figures(module, int(noticed), ("",) * (int(total) - int(noticed))).is_enough for module, noticed, total in rows)


@pytest.mark.parametrize("path", mutated_modules())
def test_a_module_whose_properties_and_guards_are_opened_says_the_same(path: str) -> None:
    source = (PROJECT / path).read_text(encoding="utf-8")
    changed = opened(source)
    assert "@property" not in changed and "@ReadsFacts" not in changed
    assert changed.count("= property(") == source.count("@property")
    assert changed.count("= ReadsFacts(") == source.count("@ReadsFacts")
    assert functions_in(changed) == functions_in(source)


def functions_in(source: str) -> list[tuple[str, str]]:
    """Every function with what it does, whatever decorates it."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [(node.name, ast.dump(ast.Module(node.body, []))) for node in found]


@pytest.mark.parametrize(("noticed", "missed", "enough"), [(90, 10, True), (89, 11, False), (0, 0, False)])
def test_nine_of_ten_changes_are_noticed_or_it_is_not_enough(noticed: int, missed: int, enough: bool) -> None:
    assert Figures("gate", noticed, ("one",) * missed).is_enough is enough
