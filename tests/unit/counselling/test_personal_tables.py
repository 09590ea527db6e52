"""Whatever counselling keeps of a person under seal is in the one list that an erasure and an access request go by."""

import sqlalchemy as sa

from services.counselling import tables

# The keys' own tables hold nothing of a person.
KEYS = {"person_keys", "row_keys"}
# Bytes that no person is read from: leaves and their hashes, fingerprints under a key.
KERNEL = {"event_log", "cursor", "dead_letter", "idempotency"}


def test_every_table_with_sealed_or_hashed_bytes_is_listed_and_names_the_person() -> None:
    found = {
        table.name
        for table in tables.METADATA.tables.values()
        if any(isinstance(column.type, sa.LargeBinary) for column in table.columns)
    }
    assert found - KEYS - KERNEL == {table.name for table in tables.PERSONAL_TABLES}
    assert all("person_id" in table.columns for table in tables.PERSONAL_TABLES)
