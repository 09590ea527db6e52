"""Whether something that was started can be used yet."""

import asyncio
import contextlib
import re


async def http_status(url: str) -> int | None:
    """The status of a GET on a plain HTTP address, None when nobody answers within two seconds."""
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
                line = await reader.readline()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return None
    status = line.split(b" ")[1:2]
    return int(status[0]) if status and status[0].isdigit() else None
