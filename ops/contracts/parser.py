"""AsyncAPI's official parser, out of npm: installed once beside the tools for development, by its lock, and asked about documents."""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from ops.npm import DECLARING, Wanted, run
from ops.settings import PROJECT, CannotStart

DECLARED: Final = Path("tests/contracts/parser")
WHAT: Final = "AsyncAPI's parser"
_INSTALLED: Final = "installed.json"


class Found(BaseModel):
    """What the parser makes of a document: nothing but what is wrong where it is none."""

    version: str | None
    channels: int
    messages: list[str]
    sends: int
    receives: int
    wrong: list[str]


def parsed(
    documents: Sequence[Path], root: Path = PROJECT, folder: Path = Path(sys.prefix) / "asyncapi-parser",
    environment: Mapping[str, str] = os.environ,
) -> list[Found]:
    """What the parser finds in each document, in their order; CannotStart where it can't be had or does not run."""
    node = _ensured(root, folder, environment)
    answer = run([str(node), str(root / DECLARED / "parse.mjs"), str(folder), *map(str, documents)], folder, environment)
    if answer.returncode != 0:
        raise CannotStart("parser", f"{WHAT} does not run: {answer.stdout.strip().splitlines()[-1:]}")
    return [Found.model_validate(one) for one in json.loads(answer.stdout)]


def lock_parser(root: Path = PROJECT, environment: Mapping[str, str] = os.environ) -> None:
    """Makes the lock of the parser anew from package.json, with hashes and without any address."""
    Wanted(WHAT, root).lock(DECLARED, environment)


def _ensured(root: Path, folder: Path, environment: Mapping[str, str]) -> Path:
    """The node that runs the parser, which is installed anew where another lock, or an interrupted start, left the folder."""
    made_from = hashlib.sha256(b"".join((root / DECLARED / name).read_bytes() for name in DECLARING)).hexdigest()
    with _turn(folder):
        node = _holds(folder, made_from)
        if node is None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            node = Wanted(WHAT, root).install(DECLARED, folder, environment)
            (folder / _INSTALLED).write_text(json.dumps({"made_from": made_from, "node": str(node)}))
        return node


def _holds(folder: Path, made_from: str) -> Path | None:
    try:
        told = json.loads((folder / _INSTALLED).read_bytes())
        node = Path(told["node"])
        return node if told["made_from"] == made_from and os.access(node, os.X_OK) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One at a time, for several processes run tests beside each other."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
