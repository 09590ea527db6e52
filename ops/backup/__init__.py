"""Copies of a running system from which it is restored as it was at any moment: a base, and all write-ahead log since."""
