"""Ports: the usual ones, free ones in their place, and named ones or nothing."""

import socket
import sys
from collections.abc import Iterator

import pytest

from ops.ports import LOOPBACK, Reservations, choose, is_free, next_free
from ops.settings import HIGHEST_PORT, CannotStart


@pytest.fixture
def taken() -> Iterator[int]:
    port = next_free(23000)
    with socket.create_server((LOOPBACK, port)):
        yield port


def test_a_usual_port_that_is_free_is_used() -> None:
    port = next_free(23100)
    assert choose({"returns": port}, {}) == {"returns": port}


def test_a_usual_port_that_is_taken_is_replaced_by_a_free_one(taken: int) -> None:
    chosen = choose({"returns": taken}, {})["returns"]
    assert taken < chosen <= HIGHEST_PORT and is_free(chosen)


def test_a_replacement_is_never_somebody_elses_usual_port(taken: int) -> None:
    chosen = choose({"returns": taken, "audit": taken + 1}, {})
    assert chosen["returns"] != taken + 1
    assert len(set(chosen.values())) == 2


def test_a_named_port_that_is_taken_is_refused(taken: int) -> None:
    with pytest.raises(CannotStart) as refused:
        choose({"returns": 8002}, {"returns": taken})
    assert refused.value.code == "port_taken" and str(taken) in refused.value.sentence


@pytest.mark.skipif(sys.platform != "linux", reason="needs names in the kernel")
def test_two_systems_that_start_at_once_choose_different_ports() -> None:
    port = next_free(23300)
    one, two, later = Reservations(), Reservations(), Reservations()
    try:
        first, second = (choose({"returns": port}, {}, system.take)["returns"] for system in (one, two))
        assert first != second
        one.close()
        assert later.take(first)
    finally:
        for system in (one, two, later):
            system.close()


def test_one_port_named_for_two_parts_is_refused() -> None:
    port = next_free(23200)
    with pytest.raises(CannotStart):
        choose({"returns": 8002, "audit": 8004}, {"returns": port, "audit": port})
