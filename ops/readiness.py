"""Whether something that was started can be used yet."""

import asyncio
import contextlib
import re

# Such an answer is of something that was started and waits for people (`shared.endpoints.WAITS_FOR`).
_WAITS = b"avrr-waits-for:"


async def is_up(url: str) -> bool:
    """Whether what answers there is ready, or has to wait for people before it is."""
    status, waits = await _asked(url)
    return status == 200 or waits


async def http_status(url: str) -> int | None:
    """The status of a GET on a plain HTTP address, None when nobody answers within two seconds."""
    return (await _asked(url))[0]


async def _asked(url: str) -> tuple[int | None, bool]:
    found = re.fullmatch(r"http://([^/:]+):(\d+)(/.*)?", url)
    if found is None:
        raise ValueError("readiness addresses look like http://host:port/path")
    host, port, path = found[1], int(found[2]), found[3] or "/"
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
                )
                line, *others = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None, False
    status = line.split(b" ")[1:2]
    waits = any(other.lower().startswith(_WAITS) for other in others)
    return (int(status[0]) if status and status[0].isdigit() else None), waits
