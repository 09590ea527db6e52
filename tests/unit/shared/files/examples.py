"""Invented files: pictures and PDFs that hold, beside what they show, what nobody should be told."""

import io
import struct
import zlib

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

CANARY = b"CANARY-44.8125N-15.8690E"
# A scan of eight by eight grey points; what is in it matters to nobody here, only that it comes out as it went in.
_QUANTIZATION = b"\xff\xdb\x00\x43\x00" + bytes(range(1, 65))
_HUFFMAN = b"\xff\xc4\x00\x15\x00" + bytes([1, *[0] * 15]) + b"\x00" + b"\x00"
SCAN = b"\xd2\xcf\x20\xff\x00\xff\xd0\x12\x34"


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int, order: str = ">") -> bytes:
    """EXIF as a telephone writes it: which way is up, the camera, and where the picture was taken."""
    start = (b"MM\x00*" if order == ">" else b"II*\x00") + struct.pack(f"{order}I", 8)
    entries = [
        struct.pack(f"{order}HHII", 0x010F, 2, len(CANARY), 100),
        struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0),
        struct.pack(f"{order}HHII", 0x8825, 4, 1, 120),
    ]
    return start + struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4) + CANARY * 3


def jpeg(
    orientation: int = 1, *, order: str = ">", width: int = 8, height: int = 8, jfif: bool = True
) -> bytes:
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    return b"".join((
        b"\xff\xd8",
        segment(0xE0, b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x01\x01" + CANARY[:3]) if jfif else b"",
        segment(0xE1, b"Exif\x00\x00" + exif(orientation, order)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + CANARY),
        segment(0xE2, b"ICC_PROFILE\x00\x01\x01" + CANARY),
        segment(0xED, b"Photoshop 3.0\x00" + CANARY),
        segment(0xFE, CANARY),
        _QUANTIZATION, frame, _HUFFMAN,
        segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + SCAN,
        segment(0xFE, CANARY),
        segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + SCAN,
        b"\xff\xd9", CANARY, b"\xff\xd8\xff",
    ))  # fmt: skip


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(orientation: int = 1, *, width: int = 8, height: int = 8) -> bytes:
    return b"".join((
        b"\x89PNG\r\n\x1a\n",
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        chunk(b"eXIf", exif(orientation)),
        chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
        chunk(b"tEXt", b"Author\x00" + CANARY),
        chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(CANARY)),
        chunk(b"iTXt", b"Title\x00\x00\x00\x00\x00" + CANARY),
        chunk(b"iCCP", b"profile\x00\x00" + zlib.compress(CANARY)),
        chunk(b"tIME", struct.pack(">HBBBBB", 2023, 5, 1, 9, 0, 0)),
        chunk(b"caNv", CANARY),
        chunk(b"IDAT", zlib.compress((b"\x00" + bytes(width)) * min(height, 8))),
        chunk(b"IEND"), CANARY,
    ))  # fmt: skip


def writer(pages: int = 1) -> PdfWriter:
    """A PDF with text on each page, and beside it what nobody should be told."""
    made = PdfWriter()
    for number in range(pages):
        page = made.add_blank_page(200, 200)
        text = DecodedStreamObject()
        text.set_data(f"BT (Receipt {number + 1}) Tj ET".encode())
        page[NameObject("/Contents")] = made._add_object(text)
        page[NameObject("/PieceInfo")] = DictionaryObject(
            {NameObject("/App"): TextStringObject(CANARY.decode())}
        )
    made.add_metadata({"/Author": CANARY.decode(), "/Title": CANARY.decode()})
    about = DecodedStreamObject()
    about.set_data(b"<x:xmpmeta>" + CANARY + b"</x:xmpmeta>")
    about[NameObject("/Type")] = NameObject("/Metadata")
    made.root_object[NameObject("/Metadata")] = made._add_object(about)
    made.add_outline_item(title=CANARY.decode(), page_number=0)
    return made


def bytes_of(made: PdfWriter) -> bytes:
    out = io.BytesIO()
    made.write(out)
    return out.getvalue()


def pdf(pages: int = 1) -> bytes:
    return bytes_of(writer(pages))


def photo_in(made: PdfWriter, picture: bytes, **more: PdfObject) -> PdfWriter:
    """Puts a photo on the first page, as a telephone's scanner does; ``more`` is said of it besides, or instead."""
    image = StreamObject()
    image._data = picture
    for name, value in (
        ("/Type", "/XObject"),
        ("/Subtype", "/Image"),
        ("/Filter", "/DCTDecode"),
        ("/ColorSpace", "/DeviceGray"),
    ):
        image[NameObject(name)] = NameObject(value)
    for name in ("/Width", "/Height", "/BitsPerComponent"):
        image[NameObject(name)] = NumberObject(8)
    image.update({NameObject(f"/{name}"): value for name, value in more.items()})
    shown = DictionaryObject({NameObject("/Im0"): made._add_object(image)})
    made.pages[0][NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): shown})
    return made


def action(kind: str, **more: str) -> DictionaryObject:
    found = DictionaryObject({NameObject("/S"): NameObject(f"/{kind}")})
    found.update({NameObject(f"/{name}"): TextStringObject(value) for name, value in more.items()})
    return found


def mark(made: PdfWriter, note: DictionaryObject) -> PdfWriter:
    """Puts a note on the first page."""
    made.pages[0][NameObject("/Annots")] = ArrayObject([made._add_object(note)])
    return made


def texts(made: bytes) -> list[bytes]:
    """What stands on the pages."""
    found = []
    for page in PdfReader(io.BytesIO(made)).pages:
        contents = page.get_contents()
        assert contents is not None
        found.append(contents.get_data())
    return found
