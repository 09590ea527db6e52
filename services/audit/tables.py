"""The archive's tables: those that every service has."""

from shared.tables import service_metadata

METADATA = service_metadata()
