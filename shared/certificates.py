"""Whose certificates are trusted: read once a process, because that takes longer than most requests."""

import functools
import ssl

import httpx


@functools.cache
def trusted(*, trust_env: bool = False) -> ssl.SSLContext:
    """What every client of this process checks servers by; ``trust_env`` as httpx means it."""
    return httpx.create_ssl_context(trust_env=trust_env)
