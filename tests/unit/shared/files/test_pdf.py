"""Of a PDF the pages are kept; one that does more than show them is refused."""

import base64
import io
import zlib
from collections.abc import Callable

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

from shared.files import pdf as cleaning
from shared.files.jpeg import cleaned_jpeg
from shared.files.media import MOST_BYTES
from shared.files.pdf import cleaned_pdf
from shared.files.refusing import FileRefused
from tests.unit.shared.files import examples
from tests.unit.shared.files.examples import CANARY, action, bytes_of, mark, pdf, photo_in, texts, writer


def refusal(sent: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        cleaned_pdf(sent)
    return refused.value.code


def test_the_pages_are_kept_and_nothing_of_who_made_them() -> None:
    sent = pdf(3)
    assert CANARY in sent
    found = cleaned_pdf(sent)
    assert texts(found) == [b"BT (Receipt 1) Tj ET", b"BT (Receipt 2) Tj ET", b"BT (Receipt 3) Tj ET"]
    for trace in (CANARY, b"/Info", b"/Author", b"/Producer", b"/Metadata", b"/PieceInfo", b"/Outlines"):
        assert trace not in found


def test_the_same_file_is_cleaned_to_the_same_bytes() -> None:
    sent = pdf()
    assert cleaned_pdf(sent) == cleaned_pdf(sent)


def test_what_an_earlier_version_of_the_file_held_is_gone() -> None:
    sent = pdf()
    found = cleaned_pdf(sent + b"\n9 0 obj\n(" + CANARY + b")\nendobj\n" + sent[sent.rindex(b"startxref") :])
    assert CANARY not in found


def test_a_photo_inside_tells_no_more_than_one_by_itself() -> None:
    found = cleaned_pdf(bytes_of(photo_in(writer(), examples.jpeg(6))))
    assert examples.SCAN in found
    assert CANARY not in found


def names(*stated: str) -> ArrayObject:
    return ArrayObject(NameObject(f"/{name}") for name in stated)


def as_ascii85(picture: bytes) -> bytes:
    return base64.a85encode(picture) + b"~>"


@pytest.mark.parametrize(
    ("wrapped", "stated"),
    [
        (as_ascii85, names("ASCII85Decode", "DCTDecode")),
        (zlib.compress, names("FlateDecode", "DCTDecode")),
        (lambda picture: as_ascii85(zlib.compress(picture)), names("A85", "Fl", "DCT")),
        (lambda picture: picture.hex().encode() + b">", names("ASCIIHexDecode", "DCTDecode")),
        (bytes, names("DCTDecode")), (bytes, NameObject("/DCT")), (bytes, names("DCT")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("indirect", ["not", "the whole", "each"])
def test_a_photo_inside_is_cleaned_however_it_is_wrapped(
    wrapped: Callable[[bytes], bytes], stated: PdfObject, indirect: str
) -> None:
    made = writer()
    if indirect == "each" and isinstance(stated, ArrayObject):
        stated = ArrayObject(made._add_object(NameObject(name)) for name in stated)
    elif indirect != "not":
        stated = made._add_object(stated.clone(made))
    found = cleaned_pdf(bytes_of(photo_in(made, wrapped(examples.jpeg(6)), Filter=stated)))
    (image,) = images(found)
    assert image["/Filter"] == NameObject("/DCTDecode")
    assert image._data == cleaned_jpeg(examples.jpeg(6))
    assert "/DecodeParms" not in image
    assert CANARY not in found


def images(made: bytes) -> list[StreamObject]:
    """The pictures on the first page."""
    shown = PdfReader(io.BytesIO(made)).pages[0]["/Resources"]["/XObject"]  # type: ignore[index]
    return [image.get_object() for image in shown.values()]


def parameters(**stated: int) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{name}"): NumberObject(value) for name, value in stated.items()})


@pytest.mark.parametrize("indirect", [False, True])
def test_how_the_colours_of_a_photo_are_meant_is_kept(indirect: bool) -> None:
    made = writer()
    said: PdfObject = ArrayObject([parameters(Predictor=1, Columns=8), parameters(ColorTransform=0)])
    made = photo_in(
        made, zlib.compress(examples.jpeg()), Filter=names("FlateDecode", "DCTDecode"),
        DecodeParms=made._add_object(said) if indirect else said,
    )  # fmt: skip
    (image,) = images(cleaned_pdf(bytes_of(made)))
    assert image["/DecodeParms"] == parameters(ColorTransform=0)


@pytest.mark.parametrize(
    "stated",
    [
        NameObject("/JPXDecode"), names("JPXDecode"), names("FlateDecode", "JPXDecode"), names("DCTDecode", "FlateDecode"),
        names("JBIG2Decode", "DCTDecode"), NameObject("/Other"), names("Crypt", "DCTDecode"), NumberObject(1),
        ArrayObject([NumberObject(1)]), names(*["FlateDecode"] * 4, "DCTDecode"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("indirect", [False, True])
def test_a_picture_that_cannot_be_looked_into_is_refused(stated: PdfObject, indirect: bool) -> None:
    made = writer()
    how = made._add_object(ArrayObject([stated]) if not isinstance(stated, ArrayObject) else stated) if indirect else stated
    assert refusal(bytes_of(photo_in(made, examples.jpeg(), Filter=how))) == "pdf_picture_unknown"


def test_a_photo_under_codes_that_are_read_in_another_way_is_refused() -> None:
    for said in (parameters(Predictor=12, Columns=8), parameters(EarlyChange=0), parameters(Other=1)):
        made = photo_in(
            writer(), zlib.compress(examples.jpeg()), Filter=names("FlateDecode", "DCTDecode"), DecodeParms=ArrayObject([said])
        )
        assert refusal(bytes_of(made)) == "pdf_picture_unknown"


def test_a_photo_that_unfolds_to_more_than_a_file_may_hold_is_refused() -> None:
    packed = zlib.compress(examples.jpeg() + bytes(MOST_BYTES))
    made = photo_in(writer(), packed, Filter=names("FlateDecode", "DCTDecode"))
    assert refusal(bytes_of(made)) == "pdf_too_long"


def test_what_is_called_a_photo_and_is_none_is_refused() -> None:
    assert refusal(bytes_of(photo_in(writer(), b"\x00" + examples.jpeg()))) == "file_damaged"


def drawing(words: bytes, **stated: PdfObject) -> DecodedStreamObject:
    found = DecodedStreamObject()
    found.set_data(words)
    found.update({NameObject(f"/{name}"): value for name, value in stated.items()})
    return found


def on_the_page(words: bytes) -> PdfWriter:
    made = writer()
    coded = drawing(zlib.compress(words), Filter=names("FlateDecode"))
    made.pages[0][NameObject("/Contents")] = ArrayObject([made._add_object(drawing(b"q")), made._add_object(coded)])
    return made


def in_a_form(words: bytes) -> PdfWriter:
    made = writer()
    form = made._add_object(drawing(as_ascii85(words), Subtype=NameObject("/Form"), Filter=names("A85")))
    return in_resources(made, "/XObject", DictionaryObject({NameObject("/Fm0"): form}))


def in_a_pattern(words: bytes) -> PdfWriter:
    made = writer()
    pattern = made._add_object(drawing(words, PatternType=NumberObject(1)))
    return in_resources(made, "/Pattern", DictionaryObject({NameObject("/P0"): pattern}))


def in_a_letter(words: bytes) -> PdfWriter:
    made = writer()
    letters = DictionaryObject({NameObject("/a"): made._add_object(drawing(words))})
    font = DictionaryObject({NameObject("/Subtype"): NameObject("/Type3"), NameObject("/CharProcs"): letters})
    return in_resources(made, "/Font", DictionaryObject({NameObject("/F0"): made._add_object(font)}))


def in_resources(made: PdfWriter, kind: str, shown: DictionaryObject) -> PdfWriter:
    made.pages[0][NameObject("/Resources")] = DictionaryObject({NameObject(kind): shown})
    return made


@pytest.mark.parametrize("placed", [on_the_page, in_a_form, in_a_pattern, in_a_letter])
def test_a_photo_among_the_words_that_draw_is_refused(placed: Callable[[bytes], PdfWriter]) -> None:
    for stated in (b"/F /DCT", b"/Filter[/A85/DCTDecode]"):
        words = b"q BI /W 8 /H 8 /CS /G /BPC 8 " + stated + b" ID " + examples.jpeg() + b" EI Q"
        assert refusal(bytes_of(placed(words))) == "pdf_picture_unknown"
    assert cleaned_pdf(bytes_of(placed(b"q /DCTable Do BI /W 8 /H 1 /BPC 8 /CS /G ID 01234567 EI Q")))


def test_what_lies_behind_a_reference_is_as_active_as_what_does_not() -> None:
    made = writer()
    note = DictionaryObject({NameObject("/Subtype"): made._add_object(NameObject("/Movie"))})
    assert refusal(bytes_of(mark(made, note))) == "pdf_active"


@pytest.mark.parametrize("stated", ["CCITTFaxDecode", "JBIG2Decode", "FlateDecode"])
def test_a_scan_stays_as_it_is(stated: str) -> None:
    scan = zlib.compress(b"invented bytes of a scan")
    (image,) = images(cleaned_pdf(bytes_of(photo_in(writer(), scan, Filter=NameObject(f"/{stated}")))))
    assert (image["/Filter"], image._data) == (NameObject(f"/{stated}"), scan)


def test_where_a_map_says_that_a_picture_lies_is_not_kept() -> None:
    place = DictionaryObject({NameObject("/GPTS"): TextStringObject(CANARY.decode())})
    assert CANARY not in cleaned_pdf(bytes_of(photo_in(writer(), examples.jpeg(), Measure=place, PtData=place)))


def test_a_stamp_is_still_seen_and_who_put_it_there_is_not() -> None:
    made = writer()
    look = DecodedStreamObject()
    look.set_data(b"0 0 10 10 re f % seal")
    look.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form")})
    stamp = DictionaryObject({
        NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Stamp"),
        NameObject("/Rect"): ArrayObject(FloatObject(number) for number in (0, 0, 10, 10)),
        NameObject("/AP"): DictionaryObject({NameObject("/N"): made._add_object(look)}),
        NameObject("/T"): TextStringObject(CANARY.decode()), NameObject("/Contents"): TextStringObject(CANARY.decode()),
    })  # fmt: skip
    found = cleaned_pdf(bytes_of(mark(made, stamp)))
    assert b"/Stamp" in found and b"% seal" in found
    assert CANARY not in found


def in_catalogue(key: str, value: DictionaryObject) -> Callable[[], PdfWriter]:
    def made() -> PdfWriter:
        found = writer()
        found.root_object[NameObject(key)] = found._add_object(value)
        return found

    return made


def link_that(kind: str, **more: str) -> Callable[[], PdfWriter]:
    def made() -> PdfWriter:
        found = writer()
        note = DictionaryObject(
            {NameObject("/Subtype"): NameObject("/Link"), NameObject("/A"): action(kind, **more)}
        )
        return mark(found, note)

    return made


def with_a_file_inside() -> PdfWriter:
    found = writer()
    found.add_attachment("other.exe", b"MZ")
    return found


def film() -> PdfWriter:
    return mark(writer(), DictionaryObject({NameObject("/Subtype"): NameObject("/RichMedia")}))


@pytest.mark.parametrize(
    "made",
    [
        in_catalogue("/OpenAction", action("JavaScript", JS="app.alert(1)")),
        in_catalogue("/AA", DictionaryObject({NameObject("/WC"): action("JavaScript", JS="x")})),
        in_catalogue("/AcroForm", DictionaryObject({NameObject("/XFA"): TextStringObject("<xdp/>")})),
        link_that("Launch", F="cmd.exe"), link_that("SubmitForm", F="https://elsewhere.example"), link_that("ImportData"),
        link_that("GoToE"), with_a_file_inside, film,
    ],
)  # fmt: skip
def test_what_does_more_than_show_pages_is_refused(made: Callable[[], PdfWriter]) -> None:
    assert refusal(bytes_of(made())) == "pdf_active"


def test_a_mere_link_is_no_reason_to_refuse_and_is_not_kept() -> None:
    found = cleaned_pdf(bytes_of(link_that("URI", URI="https://elsewhere.example")()))
    assert b"elsewhere" not in found


def test_what_is_locked_damaged_or_endless_is_refused() -> None:
    locked = writer()
    locked.encrypt("secret", algorithm="AES-256")
    assert refusal(bytes_of(locked)) == "pdf_locked"
    assert refusal(b"%PDF-1.7\nnothing of the kind") == "file_damaged"
    assert refusal(pdf()[:200]) == "file_damaged"
    assert refusal(pdf(cleaning.MOST_PAGES + 1)) == "pdf_too_long"


def test_too_many_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "MOST_OBJECTS", 5)
    assert refusal(pdf()) == "pdf_too_long"
