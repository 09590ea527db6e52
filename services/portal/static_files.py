"""The portal's style, script and font, each under a name that changes with its content, so that browsers keep them for a year."""

import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HERE: Final = Path(__file__).parent
PREFIX: Final = "/static"

_MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
        "woff2": "font/woff2",
    }
)
_PACKED: Final = frozenset({"css", "js", "svg"})
_A_YEAR: Final = "public, max-age=31536000, immutable"
_NAMED: Final = re.compile(r"(?P<stem>[a-z0-9-]+)\.(?P<mark>[0-9a-f]{8})\.(?P<kind>[a-z0-9]+)")
_REFERENCE: Final = re.compile(r"""url\(\s*["']?(?!data:)([^"')]+)["']?\s*\)""")


class AssetsUnusable(RuntimeError):
    """A file that pages need is missing or not what set-up left; its text says which."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent: its name with the mark of its content, and its bytes, packed too where that pays."""

    file: str
    media_type: str
    content: bytes
    packed: bytes | None
    tag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Self:
        """The file of this name; AssetsUnusable if pages can't use its kind."""
        stem, _, kind = name.rpartition(".")
        if kind not in _MEDIA_TYPES:
            raise AssetsUnusable(f"{name} is of no kind that the portal serves")
        digest = hashlib.sha256(content).hexdigest()
        packed = gzip.compress(content, compresslevel=9, mtime=0) if kind in _PACKED else None
        return cls(
            f"{stem}.{digest[:8]}.{kind}", _MEDIA_TYPES[kind], content,
            packed if packed is not None and len(packed) < len(content) else None, digest[:32],
        )  # fmt: skip


class StaticFiles:
    """All files by the name that pages know them by, and the ASGI application that sends them."""

    def __init__(self, files: Mapping[str, StaticFile]) -> None:
        self._files = files

    @classmethod
    def load(cls, own: Path = HERE / "static", built: Path = HERE / "built") -> Self:
        """Our own files and those that set-up brought, as they are now; AssetsUnusable if any is not as it should be.

        `url(name)` in a style sheet stands for the file of that name and is replaced by where it is.
        """
        found = {name: StaticFile.of(name, content) for name, content in _brought(built).items()}
        sheets: dict[str, str] = {}
        for path in sorted(own.iterdir()):
            if path.suffix == ".css":
                sheets[path.name] = path.read_text(encoding="utf-8")
            else:
                found[path.name] = StaticFile.of(path.name, path.read_bytes())
        for name, text in sheets.items():
            found[name] = StaticFile.of(name, _REFERENCE.sub(lambda use: _placed(use[1], found), text).encode())
        return cls(MappingProxyType(found))

    def url(self, name: str) -> str:
        """Where a page finds this file; KeyError if there is none of this name."""
        return f"{PREFIX}/{self._files[name].file}"

    def size(self, name: str) -> int:
        """How many bytes of it travel to a browser that unpacks."""
        file = self._files[name]
        return len(file.content if file.packed is None else file.packed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers GET and HEAD below the path where this is mounted."""
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in {"GET", "HEAD"}:
            return Response(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        asked = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix(PREFIX).removeprefix("/")
        parts = _NAMED.fullmatch(asked)
        file = self._files.get(f"{parts['stem']}.{parts['kind']}") if parts is not None else None
        if file is None:
            return Response(status_code=HTTPStatus.NOT_FOUND, headers={"Cache-Control": "no-store"})
        if asked != file.file:
            # A page that another release made asks for a file of its own: the present one, and under its own name only.
            onward = {"Location": f"{PREFIX}/{file.file}", "Cache-Control": "no-store"}
            return Response(status_code=HTTPStatus.FOUND, headers=onward)
        given = Headers(scope=scope)
        packed = file.packed if _takes_gzip(given.get("accept-encoding", "")) else None
        tag = f'"{file.tag}{"-gzip" if packed is not None else ""}"'
        headers = {"ETag": tag, "Cache-Control": _A_YEAR}
        if file.packed is not None:
            headers["Vary"] = "Accept-Encoding"
        if tag in (given.get("if-none-match") or "").replace("W/", "").replace(" ", "").split(","):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        content = file.content if packed is None else packed
        headers |= {"Content-Type": file.media_type, "Content-Length": str(len(content))}
        return Response(b"" if scope["method"] == "HEAD" else content, headers=headers)


def _brought(built: Path) -> dict[str, bytes]:
    try:
        files: dict[str, dict[str, str]] = json.loads((built / "manifest.json").read_bytes())["files"]
        found = {name: (entry["sha256"], (built / entry["file"]).read_bytes()) for name, entry in files.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise AssetsUnusable("the portal's assets are missing: any ./avrr command brings them") from None
    for name, (digest, content) in found.items():
        if hashlib.sha256(content).hexdigest() != digest:
            raise AssetsUnusable(f"{name} is not the file that set-up brought: remove {built.name} and start ./avrr again")
    return {name: content for name, (_, content) in found.items()}


def _placed(name: str, files: Mapping[str, StaticFile]) -> str:
    if name not in files:
        raise AssetsUnusable(f"a style sheet asks for {name}, which is not there")
    return f'url("{files[name].file}")'


def _takes_gzip(header: str) -> bool:
    for offer in header.lower().split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None
    return False
