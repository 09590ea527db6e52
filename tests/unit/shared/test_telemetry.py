"""What reaches the log from libraries that log in their own words."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

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


FULL = """
import sys
import structlog
from shared.telemetry import configure_logging
configure_logging("info")
for _ in range(3):
    structlog.get_logger("invented").error("unavailable", kind="DiskFullError")
print("what it was about went on", file=sys.stderr)
"""


def test_a_line_that_cannot_be_written_ends_nothing() -> None:
    with Path("/dev/full").open("w") as full:
        said = subprocess.run([sys.executable, "-c", FULL], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert "what it was about went on" in said.stderr


SAID = """
import structlog
from shared.telemetry import configure_logging
configure_logging("info")
structlog.get_logger("invented").info("said")
"""


def test_a_line_tells_its_time_in_utc_wherever_the_process_is() -> None:
    before = datetime.now(UTC)
    environment = {**os.environ, "TZ": "Asia/Karachi"}
    said = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=True, env=environment)
    (line,) = [json.loads(line) for line in said.stdout.splitlines()]
    assert line["timestamp"].endswith("Z")
    assert before <= datetime.fromisoformat(line["timestamp"]) <= datetime.now(UTC)
