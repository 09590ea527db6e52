"""A log's files are those of tlog-tiles: somebody else's reader proves from them what ours does."""

from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader

from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import (
    TILE_WIDTH,
    Growing,
    Tile,
    bundled,
    entries_in,
    hashes_in,
    nodes_of,
    tile_holding,
    tiles_of,
)
from shared.tlog.tree import Frontier, consistency_proof, inclusion_proof, leaf_hash, root_of

ENTRIES = [f"entry {number} of an invented log".encode() for number in range(70_000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def grown(sizes: list[int]) -> dict[Tile, bytes]:
    """Every tile that a log writes that is told of entries in parts, and goes on from its files each time."""
    written: dict[Tile, bytes] = {}
    size = 0
    for until in sizes:
        growing = Growing(size, written.__getitem__)
        written |= growing.extend(LEAVES[size:until])
        written |= growing.partials()
        size = growing.size
    return written


def laid_out(folder: Path, size: int, written: Mapping[Tile, bytes]) -> None:
    """A log's folder of that size."""
    for tile in tiles_of(size):
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written[tile])
        if tile.level == 0:
            path = folder / tile.entries_path
            path.parent.mkdir(parents=True, exist_ok=True)
            first = tile.index * TILE_WIDTH
            path.write_bytes(bundled(ENTRIES[first : first + tile.width]))


def test_the_example_of_the_specification_has_its_tiles() -> None:
    found = list(tiles_of(70_000))
    by_level = [[tile for tile in found if tile.level == level] for level in range(4)]
    assert [len(level) for level in by_level] == [274, 2, 1, 0]
    assert [level[-1].width for level in by_level[:3]] == [112, 17, 1]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []
    assert Tile(3, 1234067).path == "tile/3/x001/x234/067"
    assert Tile(0, 273, 112).entries_path == "tile/entries/273.p/112"
    assert Tile(0, 0, 1).path == "tile/0/000.p/1"


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 70_000])
def test_somebody_elses_reader_proves_the_same_from_our_files(size: int, tmp_path: Path) -> None:
    written = grown([size // 3, size // 2, size])
    laid_out(tmp_path, size, written)
    nodes = nodes_of(size, lambda tile: (tmp_path / tile.path).read_bytes())
    theirs = TilesReader(LocalBackend(tmp_path))
    theirs.set_size(size)
    growing = Frontier()
    for leaf in LEAVES[:size]:
        growing.append(leaf)
    assert root_of(size, nodes) == theirs.calculate_root_hash() == growing.root()
    dice = Random(size)
    for _ in range(20):
        index, old = dice.randrange(size), dice.randint(1, size)
        assert list(inclusion_proof(index, size, nodes)) == theirs.get_inclusion_proof(index, size).node_hashes
        assert list(consistency_proof(old, size, nodes)) == theirs.get_consistency_proof(old, size).node_hashes
        assert theirs.get_entry(index) == ENTRIES[index]


@examples(st.lists(st.integers(0, 1_500), min_size=1, max_size=6))
def test_in_whatever_parts_a_log_grows_its_tiles_are_the_same(sizes: list[int]) -> None:
    sizes = sorted(sizes)
    at_once, in_parts = grown(sizes[-1:]), grown(sizes)
    assert {tile: in_parts[tile] for tile in tiles_of(sizes[-1])} == at_once


@examples(st.lists(st.binary(max_size=300), max_size=300))
def test_entries_come_out_of_a_bundle_as_they_went_in(entries: list[bytes]) -> None:
    assert entries_in(bundled(entries)) == entries


@examples(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=5), st.data())
def test_a_bundle_that_ends_within_an_entry_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    bundle = bundled(entries)
    ends = {len(bundled(entries[:number])) for number in range(len(entries) + 1)}
    cut = data.draw(st.integers(0, len(bundle) - 1).filter(lambda place: place not in ends))
    with pytest.raises(LogRefused, match="within one"):
        entries_in(bundle[:cut])


def test_what_is_no_tile_of_this_size_is_refused() -> None:
    with pytest.raises(LogRefused, match="more bytes"):
        bundled([b"x" * 65_536])
    for wrong in (b"", b"x" * 31, b"x" * 32 * 257):
        with pytest.raises(LogRefused, match="whole hashes"):
            hashes_in(wrong)
    for level, index in ((0, 2), (1, 1), (2, 0), (0, -1)):
        with pytest.raises(LogRefused, match="no such tile"):
            tile_holding(level, index, 300)
    assert tile_holding(0, 1, 300) == Tile(0, 1, 44)
    assert tile_holding(1, 0, 300) == Tile(1, 0, 1)
    with pytest.raises(LogRefused, match="another number"):
        nodes_of(300, lambda _: LEAVES[0])(0, 0)
    with pytest.raises(LogRefused, match="another number"):
        Growing(300)
