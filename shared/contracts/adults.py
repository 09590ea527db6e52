"""What counselling answers a service of ours that asks who is an adult."""

from uuid import UUID

from shared.messages import Part


class KnownAdults(Part):
    """Counselling's answer to a service that is about to rely on somebody: who of those asked about is one, now.

    A registered person who was not erased and has come of age without a doubt.
    """

    adults: tuple[UUID, ...]
