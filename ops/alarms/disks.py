"""How much room is left on the disks that the alarms see: that of the data, and that of the copies, which nobody else looks at."""

from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from ops.alarms.rules import Sample
from shared.metrics import FREE_BYTES, FREE_SHARE, room_on


class Disks:
    """The disks of these folders, by what is kept there."""

    def __init__(self, job: str, registry: CollectorRegistry, folders: Mapping[str, Path]) -> None:
        self._job = job
        self._folders = folders
        self._bytes = Gauge(FREE_BYTES, "bytes that are free on a disk", ["disk"], registry=registry)
        self._share = Gauge(FREE_SHARE, "which share of a disk is free", ["disk"], registry=registry)

    def told(self) -> list[Sample]:
        """The figures of this moment; a disk of which nobody can tell is NaN, which is beyond no bound."""
        found: list[Sample] = []
        for disk, folder in self._folders.items():
            free, share = room_on(folder)
            self._bytes.labels(disk).set(free)
            self._share.labels(disk).set(share)
            labels = {"job": self._job, "disk": disk}
            found += [Sample(FREE_BYTES, labels, free), Sample(FREE_SHARE, labels, share)]
        return found
