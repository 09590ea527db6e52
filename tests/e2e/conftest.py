"""What tests of the whole system call; the fixture itself is in tests/running.py, so that a run has one system."""

from tests.running import Mission

__all__ = ["Mission"]
