"""What counselling answers a service that is about to tell an office abroad; no event says it."""

from uuid import UUID

from shared.contracts.counselling import ConsentKind, Country, DataCategory
from shared.messages import Part


class TransferConsents(Part):
    """Counselling's answer to a service that is about to tell an office abroad: who of those asked about agrees now.

    ``categories`` are what was asked for: each of ``agreed`` agrees that all of them are told. ``health`` are those of
    ``agreed`` who agree that their health is told as well. ``consent`` is the kind of consent that was asked about.
    """

    recipient_country: Country
    agreed: tuple[UUID, ...]
    categories: tuple[DataCategory, ...] = ()
    health: tuple[UUID, ...] = ()
    consent: ConsentKind = "transfer"
