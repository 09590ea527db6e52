"""One file for each reason for which a file is not taken."""

from pypdf.generic import NameObject

from tests.unit.shared.files.examples import action, bytes_of, jpeg, pdf, photo_in, png, writer


def every_refusal() -> list[tuple[bytes, str, str]]:
    """What is sent, what is said of it, and the code by which it is refused."""
    active, locked = writer(), writer()
    active.root_object[NameObject("/OpenAction")] = action("JavaScript", JS="app.alert(1)")
    locked.encrypt("secret", algorithm="AES-256")
    return [
        (b"", "image/png", "file_empty"),
        (b"MZ\x90\x00", "image/png", "file_type_unknown"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "image/heic", "file_is_heic"),
        (jpeg(), "image/png", "file_type_differs"),
        (png()[:60], "image/png", "file_damaged"),
        (png(width=20_000), "image/png", "picture_too_large"),
        (bytes_of(active), "application/pdf", "pdf_active"),
        (bytes_of(locked), "application/pdf", "pdf_locked"),
        (bytes_of(photo_in(writer(), b"", Filter=NameObject("/JPXDecode"))), "application/pdf", "pdf_picture_unknown"),
        (pdf(300), "application/pdf", "pdf_too_long"),
    ]
