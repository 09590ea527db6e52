"""A sealed file opens whole, in its place, under its key, and in no other way."""

import base64

import pytest

from shared.sealing import KEY_BYTES, PIECE_BYTES, FileSeal, SealedFile, Unsealed, key_from

SEAL = FileSeal(bytes(range(32)))
GRANT, EVIDENCE = b"g" * 16, b"e" * 16
HERE = (GRANT, EVIDENCE)
CONTENT = b"".join(bytes([number]) * PIECE_BYTES for number in range(3)) + b"the end"
SEALED = SEAL.sealed(HERE, CONTENT)


def refused(file: SealedFile, belongs_to: tuple[bytes, ...] = HERE, seal: FileSeal = SEAL) -> bool:
    try:
        seal.opened(belongs_to, file)
    except Unsealed:
        return True
    return False


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES])
def test_a_file_of_any_length_opens_again(length: int) -> None:
    content = b"x" * length
    file = SEAL.sealed(HERE, content)
    assert SEAL.opened(HERE, file) == content
    assert len(file.pieces) == max(1, -(-length // PIECE_BYTES))


def test_nothing_of_the_content_stands_in_what_is_kept() -> None:
    file = SEAL.sealed(HERE, b"CANARY-7431 " * 1000)
    assert all(b"CANARY" not in piece for piece in (file.wrapped_key, *file.pieces))


def test_the_same_content_is_never_kept_alike() -> None:
    again = SEAL.sealed(HERE, CONTENT)
    assert not {SEALED.wrapped_key, *SEALED.pieces} & {again.wrapped_key, *again.pieces}


def test_another_grant_another_paper_or_their_ids_exchanged_open_nothing() -> None:
    for belongs_to in ((b"h" * 16, EVIDENCE), (GRANT, b"f" * 16), (EVIDENCE, GRANT), (GRANT + EVIDENCE,)):
        assert refused(SEALED, belongs_to)


def test_pieces_in_another_order_twice_or_without_one_do_not_open() -> None:
    first, second, third, last = SEALED.pieces
    for pieces in (
        (), (first,), (first, second, third), (second, third, last), (first, third, second, last),
        (first, first, third, last), (first, second, third, last, last), (last,),
    ):  # fmt: skip
        assert refused(SealedFile(SEALED.wrapped_key, pieces)), len(pieces)


def test_a_piece_of_another_file_does_not_open_even_of_the_same_grant() -> None:
    other = SEAL.sealed(HERE, CONTENT)
    assert refused(SealedFile(SEALED.wrapped_key, (*SEALED.pieces[:2], other.pieces[2], SEALED.pieces[3])))
    assert refused(SealedFile(other.wrapped_key, SEALED.pieces))


@pytest.mark.parametrize("place", [0, -1])
def test_one_changed_bit_is_noticed(place: int) -> None:
    def changed(kept: bytes) -> bytes:
        found = bytearray(kept)
        found[place] ^= 1
        return bytes(found)

    for number in range(len(SEALED.pieces)):
        pieces = list(SEALED.pieces)
        pieces[number] = changed(pieces[number])
        assert refused(SealedFile(SEALED.wrapped_key, tuple(pieces)))
    assert refused(SealedFile(changed(SEALED.wrapped_key), SEALED.pieces))
    assert refused(SealedFile(b"", SEALED.pieces))


def test_another_key_opens_nothing() -> None:
    assert refused(SEALED, seal=FileSeal(bytes(32)))


def test_a_key_is_32_bytes_in_base64url() -> None:
    key = bytes(range(224, 256))
    assert key_from(base64.urlsafe_b64encode(key).decode().rstrip("=")) == key
    for text in ("", "AAAA", "A" * 44, "é" * 43):
        with pytest.raises(ValueError, match=f"{KEY_BYTES} bytes"):
            key_from(text)
    with pytest.raises(ValueError, match=f"{KEY_BYTES} bytes"):
        FileSeal(b"short")
