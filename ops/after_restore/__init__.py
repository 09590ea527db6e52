"""What follows a restore: a database that was set back is marked, what it lost is listed, two persons accept, and what cannot wait is done again."""

from ops.after_restore.marking import mark

__all__ = ["mark"]
