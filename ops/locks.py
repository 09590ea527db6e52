"""Makes the locks: hashes for every platform, of Python's packages and of those of npm, and no address inside."""

import subprocess
import sys
from pathlib import Path

from ops.assets import lock_assets
from ops.contracts.parser import lock_parser

PROJECT = Path(__file__).resolve().parent.parent

LOCKS: dict[str, tuple[str, ...]] = {
    "bootstrap": ("--group", "bootstrap"),
    "node": ("--group", "node"),
    "runtime": ("pyproject.toml",),
    "demo": ("pyproject.toml", "--extra", "demo"),
    "dev": ("pyproject.toml", "--extra", "demo", "--group", "dev"),
}


def make_locks() -> int:
    """Resolves pyproject.toml into requirements/, then what is taken from npm; the exit code of the first that failed, or 0."""
    uv = Path(sys.executable).parent / "uv"
    for name, arguments in LOCKS.items():
        command = [
            str(uv), "pip", "compile", "--quiet", "--system-certs", "--universal", "--python-version", "3.11",
            "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", *arguments,
            "--output-file", f"requirements/{name}.txt",
        ]  # fmt: skip
        code = subprocess.run(command, cwd=PROJECT, check=False).returncode
        if code != 0:
            return code
    lock_assets()
    lock_parser()
    return 0
