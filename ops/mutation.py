"""Changes the rules of returns, of money and of its approval in one place at a time, and counts the changes that the rules' own tests notice."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ops.settings import CannotStart

PROJECT: Final = Path(__file__).resolve().parent.parent
# Of the changes in a module so many are noticed, or the command fails.
LEAST_PERCENT: Final = 90
_CHILDREN: Final = 2
_COPIED: Final = ("pyproject.toml", "docs", "services", "shared", "tests")
_NOT_COPIED: Final = shutil.ignore_patterns("__pycache__", "built*", "portal", "browser", "e2e", "integration", "chaos")
# What pytest ends with where a test failed, where it broke down, and where the change led into an endless loop.
_NOTICED: Final = frozenset({1, 3, 36, 24, -24, 152, 255})
_PROPERTY: Final = re.compile(r"^    @property\n(    def (\w+)\(self\)[^\n]*:\n(?:(?:        [^\n]*)?\n)+)", re.MULTILINE)
_READS_FACTS: Final = re.compile(r"^@ReadsFacts\n(def (\w+)\([^\n]*:\n(?:(?:    [^\n]*)?\n)+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Figures:
    """How many changes of one module were noticed, and the names of those that were not, or were not tried."""

    module: str
    noticed: int
    missed: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many changes there were."""
        return self.noticed + len(self.missed)

    @property
    def is_enough(self) -> bool:
        """Whether so many were noticed as have to be."""
        return self.noticed * 100 >= self.total * LEAST_PERCENT and self.total > 0


def mutated_modules() -> tuple[str, ...]:
    """The paths of the modules that are changed, from the project's root."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return tuple(settings["tool"]["mutmut"]["only_mutate"])


def run_mutations(names: Sequence[str], folder: Path | None) -> int:
    """Tries every change of these modules (by name, all if none is named) and prints the figures; 0 if each has enough.

    In ``folder``, if there is one, everything stays, so that `mutmut show NAME` shows a change.
    """
    paths = tuple(path for path in mutated_modules() if not names or Path(path).stem in names)
    if len(paths) < len(names):
        raise CannotStart("unknown_module", f"Changed are {', '.join(Path(path).stem for path in mutated_modules())}.")
    with _workshop(folder) as place:
        for path in mutated_modules():
            module = place / path
            module.write_text(opened(module.read_text(encoding="utf-8")), encoding="utf-8")
        tried = (f"{path.removesuffix('.py').replace('/', '.')}.*" for path in paths if names)
        command = [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", str(_CHILDREN), *tried]
        ended = subprocess.run(command, cwd=place, check=False, env={**os.environ, "PYTHONPATH": ""})
        if ended.returncode != 0:
            return ended.returncode
        figures = [_figures(place, path) for path in paths]
    for one in figures:
        print(f"{one.module:24} {one.noticed:5} of {one.total:5} noticed{'' if one.is_enough else ': TOO FEW'}")
    for name in sorted(name for one in figures for name in one.missed):
        print(f"missed: {name}")
    noticed, total = sum(one.noticed for one in figures), sum(one.total for one in figures)
    print(f"{noticed} of {total} changes noticed ({noticed * 100 / max(1, total):.1f} %).")
    return 0 if all(one.is_enough for one in figures) else 1


def opened(source: str) -> str:
    """The same module with its properties and guards written as functions, which alone are changed: mutmut leaves out what is decorated."""
    source = _READS_FACTS.sub(lambda found: f"{found[1].rstrip()}\n\n\n{found[2]} = ReadsFacts({found[2]})\n\n\n", source)
    return _PROPERTY.sub(lambda found: f"{found[1].rstrip()}\n\n    {found[2]} = property({found[2]})\n\n", source)


@contextmanager
def _workshop(folder: Path | None) -> Iterator[Path]:
    with TemporaryDirectory(prefix="avrr-mutation-") as made:
        place = folder or Path(made)
        place.mkdir(parents=True, exist_ok=True)
        for name in _COPIED:
            if (PROJECT / name).is_dir():
                shutil.copytree(PROJECT / name, place / name, ignore=_NOT_COPIED)
            else:
                shutil.copy2(PROJECT / name, place / name)
        yield place


def _figures(place: Path, path: str) -> Figures:
    ended: dict[str, int | None] = json.loads((place / "mutants" / f"{path}.meta").read_text())["exit_code_by_key"]
    missed = tuple(name for name, code in ended.items() if code not in _NOTICED)
    return Figures(Path(path).stem, len(ended) - len(missed), missed)
