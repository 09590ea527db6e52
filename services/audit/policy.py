"""Who may read in the archive, and who explains and accepts what it found; what is not listed is refused, and whoever reads is on record."""

from typing import Final

from shared.actors import Role
from shared.policy import Policy, allow

# Who runs the mission's machines and who runs its work look into a finding; who answers for data and for the mission accepts it.
EXPLAINS: Final = (Role.ADMINISTRATOR, Role.MANAGER)
ACCEPTS: Final = (Role.DATA_PROTECTION, Role.CHIEF_OF_MISSION)

POLICY = Policy(
    # For the person, who asks who looked for them here; of what is archived each service tells its own.
    allow("read_held", Role.DATA_PROTECTION),
    allow("read_events", Role.AUDITOR, Role.ARCHIVE),
    allow("read_verification", Role.AUDITOR, Role.ARCHIVE),
    allow("search_log", Role.AUDITOR),
    allow("read_event", Role.AUDITOR),
    allow("read_chain", Role.AUDITOR),
    allow("export_log", Role.AUDITOR),
    # A search says which events there are and not what they say; whoever opens one touches the key again.
    allow("search_archive", Role.AUDITOR),
    allow("read_archived_event", Role.AUDITOR),
    allow("read_case_chain", Role.AUDITOR),
    allow("search_readings", Role.AUDITOR),
    allow("search_refusals", Role.AUDITOR),
    allow("search_exceptions", Role.AUDITOR),
    allow("read_proof", Role.AUDITOR),
    allow("read_links", Role.AUDITOR),
    # What is signed of a log, and the hashes of its tree, say nothing of anybody.
    allow("read_checkpoint", Role.AUDITOR),
    allow("read_break", Role.AUDITOR),
    allow("read_tile", Role.AUDITOR),
    allow("read_integrity", Role.AUDITOR),
    # An auditor reads all of it, and accepts nothing.
    *(allow(operation, Role.AUDITOR, *EXPLAINS, *ACCEPTS) for operation in ("list_findings", "read_finding")),
    allow("explain_finding", *EXPLAINS),
    *(allow(operation, *ACCEPTS) for operation in ("accept_finding", "reject_explanation")),
    allow("read_trust_policy", Role.AUDITOR),
    allow("read_public_keys", Role.AUDITOR),
    allow("read_entries", Role.AUDITOR),
    # Ordered first; by the order's id, and by whoever gave it, the entries are read for as long as it counts.
    allow("export_archive", Role.AUDITOR),
    allow("read_exported", Role.AUDITOR),
    allow("read_forms", *Role),
    step_up=(
        "read_held", "read_events", "read_event", "read_chain", "export_log", "read_archived_event", "read_proof", "read_entries",
        "export_archive", "search_readings", "search_refusals", "search_exceptions", "accept_finding",
    ),
    on_record=(
        "read_held", "read_events", "search_log", "read_event", "read_chain", "export_log",
        "search_archive", "read_archived_event", "read_proof", "read_links", "read_entries", "export_archive",
        "read_case_chain", "search_readings", "search_refusals", "search_exceptions",
    ),
    searches=("read_chain",),
    exports=("read_events", "export_log", "export_archive"),
)
