"""Of a picture the picture is kept, byte for byte, and which way is up; nothing that was written beside it."""

import struct
import subprocess
import sys
from collections.abc import Callable

import pytest

from shared.files.jpeg import cleaned_jpeg
from shared.files.pictures import MOST_A_SIDE, MOST_PARTS, orientation_of
from shared.files.png import cleaned_png
from shared.files.refusing import FileRefused
from tests.unit.shared.files import examples
from tests.unit.shared.files.examples import CANARY, SCAN, chunk, jpeg, png, segment

KINDS = pytest.mark.parametrize(
    ("made", "cleaned"), [(jpeg, cleaned_jpeg), (png, cleaned_png)], ids=["jpeg", "png"]
)


def refusal(cleaned: Callable[[bytes], bytes], sent: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        cleaned(sent)
    return refused.value.code


@KINDS
def test_nothing_is_left_of_place_time_camera_comments_profiles_and_what_follows_the_end(
    made: Callable[..., bytes], cleaned: Callable[[bytes], bytes]
) -> None:
    sent = made()
    assert CANARY in sent
    found = cleaned(sent)
    for trace in (
        CANARY,
        CANARY[:3],
        b"Exif",
        b"eXIf",
        b"http",
        b"ICC",
        b"iCCP",
        b"Photoshop",
        b"tIME",
        b"Author",
    ):
        assert trace not in found


@KINDS
def test_cleaning_once_more_changes_nothing(
    made: Callable[..., bytes], cleaned: Callable[[bytes], bytes]
) -> None:
    for orientation in range(1, 9):
        once = cleaned(made(orientation))
        assert cleaned(once) == once


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_which_way_is_up_is_kept_and_nothing_else_of_it(orientation: int, order: str) -> None:
    found = cleaned_jpeg(jpeg(orientation, order=order))
    at = found.index(b"Exif\x00\x00") + 6
    (length,) = struct.unpack_from(">H", found, at - 8)
    tiff = found[at : at - 8 + length]
    assert (orientation_of(tiff), len(tiff)) == (orientation, 26)
    assert CANARY not in found


def test_which_way_is_up_is_kept_in_a_png_too() -> None:
    found = cleaned_png(png(6))
    at = found.index(b"eXIf")
    assert orientation_of(found[at + 4 :]) == 6
    assert b"eXIf" not in cleaned_png(png(1))


@pytest.mark.parametrize(
    "tiff", [b"", b"MM\x00*", b"II*\x00\xff\xff\xff\xff", b"MM\x00*\x00\x00\x00\x08\xff\xff", CANARY]
)
def test_what_cannot_be_read_of_it_is_upright(tiff: bytes) -> None:
    assert orientation_of(tiff) == 1


def test_the_coded_picture_of_a_jpeg_comes_out_as_it_went_in() -> None:
    found = cleaned_jpeg(jpeg())
    assert found.count(SCAN) == 2
    assert found.startswith(b"\xff\xd8\xff\xe0") and found.endswith(SCAN + b"\xff\xd9")
    assert b"JFIF" not in cleaned_jpeg(jpeg(jfif=False))


def test_how_the_colours_are_meant_is_kept() -> None:
    adobe = b"Adobe\x00\x64\x00\x00\x00\x00\x01"
    sent = jpeg().replace(b"\xff\xdb", segment(0xEE, adobe + CANARY) + b"\xff\xdb", 1)
    found = cleaned_jpeg(sent)
    assert segment(0xEE, adobe) in found
    assert CANARY not in found


def test_the_coded_picture_of_a_png_comes_out_as_it_went_in() -> None:
    sent, found = png(), cleaned_png(png())
    names = [b"IHDR", b"pHYs", b"IDAT", b"IEND"]
    assert found == sent[:8] + b"".join(chunk(name, _body(sent, name)) for name in names)


def _body(sent: bytes, name: bytes) -> bytes:
    at = sent.index(name)
    return sent[at + 4 : at + 4 + int.from_bytes(sent[at - 4 : at])]


@KINDS
def test_a_picture_that_unfolds_to_too_much_is_refused_by_what_it_says_of_itself(
    made: Callable[..., bytes], cleaned: Callable[[bytes], bytes]
) -> None:
    assert refusal(cleaned, made(width=MOST_A_SIDE + 1, height=1)) == "picture_too_large"
    assert refusal(cleaned, made(width=10_000, height=10_000)) == "picture_too_large"
    assert refusal(cleaned, made(width=0, height=8)) == "file_damaged"
    assert cleaned(made(width=8_000, height=10_000))


@KINDS
def test_a_file_that_ends_too_early_is_refused_wherever_it_ends(
    made: Callable[..., bytes], cleaned: Callable[[bytes], bytes]
) -> None:
    whole = cleaned(made(6))
    for length in range(8, len(whole) - 1):
        assert refusal(cleaned, whole[:length]) == "file_damaged"


def test_a_png_with_a_changed_bit_or_an_unknown_part_that_it_cannot_do_without_is_refused() -> None:
    sent = png()
    at = sent.index(b"IDAT") + 6
    assert refusal(cleaned_png, sent[:at] + bytes([sent[at] ^ 1]) + sent[at + 1 :]) == "file_damaged"
    assert (
        refusal(cleaned_png, sent.replace(chunk(b"caNv", CANARY), chunk(b"CaNv", CANARY))) == "file_damaged"
    )
    without = chunk(b"IDAT", _body(sent, b"IDAT"))
    assert refusal(cleaned_png, sent.replace(without, b"")) == "file_damaged"


def test_a_jpeg_of_two_frames_or_none_is_refused() -> None:
    sent = cleaned_jpeg(jpeg())
    at = sent.index(b"\xff\xc0")
    frame = sent[at : at + 13]
    assert refusal(cleaned_jpeg, sent.replace(frame, frame + frame)) == "file_damaged"
    assert refusal(cleaned_jpeg, sent.replace(frame, b"")) == "file_damaged"
    assert examples.SCAN in sent


# Within the processor time that a PDF has; a search that begins anew at each of the bytes would not end in it.
_CLEANS_IN_TIME = """
import sys
from shared.files.jpeg import cleaned_jpeg
from shared.files.pdf import _bound_this_process
_bound_this_process()
sys.stdout.buffer.write(cleaned_jpeg(sys.stdin.buffer.read()))
"""


@pytest.mark.parametrize("ends", [b"", b"\x00"], ids=["at the marker", "in the scan"])
def test_a_scan_that_is_filled_up_is_looked_through_once(ends: bytes) -> None:
    filled = cleaned_jpeg(jpeg())[:-2] + b"\xff" * 5_000_000 + ends + b"\xff\xd9"
    ran = subprocess.run([sys.executable, "-c", _CLEANS_IN_TIME], input=filled, capture_output=True, check=False)
    assert ran.returncode == 0
    assert ran.stdout == filled


def test_what_fills_up_before_a_segment_is_no_part_of_the_picture() -> None:
    sent = cleaned_jpeg(jpeg())
    at = sent.index(b"\xff\xdb")
    assert cleaned_jpeg(sent[:at] + b"\xff" * 1_000 + sent[at:]) == sent


@pytest.mark.parametrize(
    ("cleaned", "begins", "part", "ends"),
    [
        (cleaned_jpeg, b"\xff\xd8", segment(0xFE, b""), cleaned_jpeg(jpeg(jfif=False))[2:]),
        (cleaned_png, png()[:33], chunk(b"IDAT"), png()[33:]),
    ],
    ids=["jpeg", "png"],
)  # fmt: skip
def test_a_picture_of_more_parts_than_any_has_is_refused(
    cleaned: Callable[[bytes], bytes], begins: bytes, part: bytes, ends: bytes
) -> None:
    assert cleaned(begins + part * (MOST_PARTS - 100) + ends)
    assert refusal(cleaned, begins + part * MOST_PARTS + ends) == "file_damaged"
