"""What reaches the log from libraries that log in their own words."""

import json
import subprocess
import sys

PROGRAM = """
import logging
from shared.telemetry import configure_logging
configure_logging("info")
try:
    raise ValueError("what-a-migrant-said")
except ValueError:
    logging.getLogger("uvicorn.error").exception("Exception: %s", "what-a-migrant-said")
"""


def test_an_error_that_a_library_logs_is_one_line_of_json_without_its_text() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in said.stdout.splitlines()] == [
        {"event": "uvicorn.error", "level": "error", "kind": "ValueError"}
    ]
    assert "what-a-migrant-said" not in said.stdout + said.stderr
