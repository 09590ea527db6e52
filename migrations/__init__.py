"""The revisions of every service's database, and what their first ones have in common."""
