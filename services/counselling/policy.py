"""Who may do what in counselling; what is not listed is refused."""

from shared.actors import Role
from shared.policy import Policy, allow

POLICY = Policy(
    allow("register_person", Role.COUNSELLOR),
    # Across all sites, so that nobody is registered twice who has moved on to another one.
    allow("find_persons", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    allow("read_person", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    # Who somebody is, is for the site where they are registered, for whoever counsels them, and for who coordinates or protects.
    allow("record_identity", Role.COUNSELLOR, extent="own_sites"),
    allow("record_identity", Role.COORDINATOR),
    allow("read_identity", Role.COUNSELLOR, extent="own_sites"),
    allow("read_identity", Role.COORDINATOR, Role.PROTECTION),
    allow("give_consent", Role.COUNSELLOR),
    allow("withdraw_consent", Role.COUNSELLOR, Role.COORDINATOR, Role.DATA_PROTECTION),
    allow("register_family", Role.COUNSELLOR),
    allow("read_family", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    allow("schedule_session", Role.COUNSELLOR),
    allow("hold_session", Role.COUNSELLOR),
    allow("mark_session_not_held", Role.COUNSELLOR),
    # What was spoken of in a session is for whoever held it, for their own site, and for who coordinates.
    allow("read_session", Role.COUNSELLOR, extent="own_sites"),
    allow("read_session", Role.COORDINATOR),
    allow("list_sessions", Role.COUNSELLOR, extent="own_sites"),
    allow("list_sessions", Role.COORDINATOR),
    allow("record_group_session", Role.COUNSELLOR),
    allow("read_group_session", Role.COUNSELLOR, Role.COORDINATOR, Role.MANAGER),
    allow("record_outreach", Role.COUNSELLOR),
    allow("read_outreach", Role.COUNSELLOR, Role.COORDINATOR, Role.MANAGER),
    allow("express_intention", Role.COUNSELLOR),
    allow("read_intention", Role.COUNSELLOR, Role.COORDINATOR),
    allow("read_statistics", Role.COORDINATOR, Role.MANAGER, Role.CHIEF_OF_MISSION, Role.AUDITOR),
    allow("read_events", Role.AUDITOR),
    # A search says which events there are and not what they say; whoever opens one touches the key again.
    allow("search_log", Role.AUDITOR),
    allow("read_event", Role.AUDITOR),
    allow("read_chain", Role.AUDITOR),
    allow("export_log", Role.AUDITOR),
    allow("read_forms", *Role),
    allow("check_transfer_consents", Role.SERVICE),
    step_up=(
        "read_events",
        "read_event", "read_chain", "export_log",
    ),
    on_record=(
        "find_persons", "read_person", "read_identity", "read_family", "list_sessions", "read_session", "read_intention",
        "read_events", "search_log", "read_event", "read_chain", "export_log",
    ),
    searches=("find_persons", "read_chain"),
    exports=("read_events", "export_log"),
)
