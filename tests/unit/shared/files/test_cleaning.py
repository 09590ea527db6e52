"""What a file is, is decided by its own bytes; a PDF is parsed by a process that holds no secret and has not for ever."""

import asyncio
import hashlib
import sys
from pathlib import Path

import pytest

from shared.files import cleaning
from shared.files.cleaning import cleaned, media_type_of
from shared.files.media import EXTENSIONS, MEDIA_TYPES
from shared.files.refusing import SENTENCES, FileRefused
from tests.unit.shared.files.examples import CANARY, jpeg, pdf, png

_REAL = asyncio.create_subprocess_exec
FILES = {"application/pdf": pdf(), "image/jpeg": jpeg(), "image/png": png()}


@pytest.fixture(autouse=True)
def ample(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a process takes to begin says how busy the machine is."""
    monkeypatch.setattr(cleaning, "_PATIENCE_SECONDS", 60.0)


async def refusal(sent: bytes, said: str) -> str:
    with pytest.raises(FileRefused) as refused:
        await cleaned(sent, said)
    assert refused.value.sentence == SENTENCES[refused.value.code]
    return refused.value.code


def test_there_is_an_example_of_every_type() -> None:
    assert set(FILES) == set(MEDIA_TYPES) == set(EXTENSIONS)


@pytest.mark.parametrize("said", MEDIA_TYPES)
async def test_a_file_comes_out_as_what_it_is_without_what_it_tells(said: str) -> None:
    found = await cleaned(FILES[said], said)
    assert found.media_type == media_type_of(found.content) == said
    assert found.sha256 == hashlib.sha256(found.content).hexdigest()
    assert CANARY not in found.content


async def test_a_file_that_is_not_what_was_said_is_refused() -> None:
    for media_type, sent in FILES.items():
        for said in (*MEDIA_TYPES, "application/octet-stream", "", "text/html"):
            if said != media_type:
                assert await refusal(sent, said) == "file_type_differs"
    assert (await cleaned(FILES["image/png"], "IMAGE/PNG; name=x")).media_type == "image/png"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "file_empty"), (b"MZ\x90\x00", "file_type_unknown"), (b"<svg onload=alert(1)>", "file_type_unknown"),
        (b"GIF89a", "file_type_unknown"), (b"PK\x03\x04", "file_type_unknown"), (b"\n" + pdf(), "file_type_unknown"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "file_is_heic"), (b"\x00\x00\x00\x18ftypmif1heic", "file_is_heic"),
        (b"\x00\x00\x00\x18ftypmp42", "file_type_unknown"),
    ],
)  # fmt: skip
async def test_nothing_else_is_taken_whatever_it_is_called(sent: bytes, code: str) -> None:
    for said in MEDIA_TYPES:
        assert await refusal(sent, said) == code


async def test_a_refusal_of_the_process_that_parses_is_the_callers() -> None:
    assert await refusal(b"%PDF-1.7\nnothing", "application/pdf") == "file_damaged"


async def test_the_process_that_parses_is_given_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AVRR_FILES_KEY", "not-for-a-parser")
    program = tmp_path / "told.py"
    program.write_text("import os, sys; sys.stdin.buffer.read(); sys.stdout.write(repr(sorted(os.environ)))")
    seen = await _run(monkeypatch, program)
    assert b"AVRR" not in seen and b"HOME" not in seen


async def test_a_process_that_dies_or_never_ends_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dies, stays = tmp_path / "dies.py", tmp_path / "stays.py"
    dies.write_text("import os; os.abort()")
    stays.write_text("import sys, time\nsys.stdin.buffer.read()\nwhile True: time.sleep(60)")
    with pytest.raises(FileRefused, match="pdf_too_hard"):
        await _run(monkeypatch, dies)
    monkeypatch.setattr(cleaning, "_PATIENCE_SECONDS", 0.2)
    with pytest.raises(FileRefused, match="pdf_too_hard"):
        await _run(monkeypatch, stays)


async def _run(monkeypatch: pytest.MonkeyPatch, program: Path) -> bytes:
    """What cleaning makes of a PDF with another program in the place of the parser."""

    async def instead(*_: str, **rest: object) -> asyncio.subprocess.Process:
        return await _REAL(sys.executable, "-E", str(program), **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", instead)
    return (await cleaned(FILES["application/pdf"], "application/pdf")).content
