"""Who may do what in counselling; what is not listed is refused."""

from shared.actors import Role
from shared.policy import Policy, allow

POLICY = Policy(
    allow("register_person", Role.COUNSELLOR),
    # Across all sites, so that nobody is registered twice who has moved on to another one.
    allow("find_persons", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    allow("search_persons", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    allow("read_person", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    # Who somebody is, is for the site where they are registered, for whoever counsels them, and for who coordinates or protects.
    allow("record_identity", Role.COUNSELLOR, extent="own_sites"),
    allow("record_identity", Role.COORDINATOR),
    allow("correct_birth_year", Role.COUNSELLOR, extent="own_sites"),
    allow("correct_birth_year", Role.COORDINATOR),
    allow("read_identity", Role.COUNSELLOR, extent="own_sites"),
    allow("read_identity", Role.COORDINATOR, Role.PROTECTION),
    # Likewise how somebody stays in this country, which nobody outside counselling learns, least of all an embassy.
    allow("record_host_status", Role.COUNSELLOR, extent="own_sites"),
    allow("record_host_status", Role.COORDINATOR, Role.PROTECTION),
    allow("read_host_status", Role.COUNSELLOR, extent="own_sites"),
    allow("read_host_status", Role.COORDINATOR, Role.PROTECTION),
    # Everywhere, but only of persons whom the counsellor counsels.
    allow("read_names", Role.COUNSELLOR),
    allow("give_consent", Role.COUNSELLOR),
    # To take it back is as easy as to give it: whoever the person speaks to records it.
    allow("withdraw_consent", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION, Role.DATA_PROTECTION),
    # A signed paper shows a name, so it is for where the name is.
    allow("file_consent_paper", Role.COUNSELLOR, extent="own_sites"),
    allow("read_consent_paper", Role.COUNSELLOR, extent="own_sites"),
    allow("read_consent_paper", Role.COORDINATOR, Role.DATA_PROTECTION),
    # Two persons erase somebody: one asks, another decides. Neither needs to know who it is.
    allow("read_erasure", Role.DATA_PROTECTION, Role.CHIEF_OF_MISSION),
    allow("list_erasures", Role.DATA_PROTECTION, Role.CHIEF_OF_MISSION),
    allow("request_erasure", Role.DATA_PROTECTION),
    # One of our programs keeps count of the time, and may ask for nothing else; who decides is a person.
    allow("request_erasure_when_due", Role.RETENTION),
    allow("list_kept_persons", Role.RETENTION),
    allow("approve_erasure", Role.DATA_PROTECTION, Role.CHIEF_OF_MISSION),
    allow("refuse_erasure", Role.DATA_PROTECTION, Role.CHIEF_OF_MISSION),
    allow("place_legal_hold", Role.DATA_PROTECTION, Role.CHIEF_OF_MISSION),
    allow("lift_legal_hold", Role.DATA_PROTECTION, Role.CHIEF_OF_MISSION),
    allow("register_family", Role.COUNSELLOR),
    allow("add_family_member", Role.COUNSELLOR, Role.COORDINATOR),
    allow("remove_family_member", Role.COUNSELLOR, Role.COORDINATOR),
    # Who stands up for a child, protection may learn first.
    allow("name_guardian", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    allow("read_family", Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION),
    allow("schedule_session", Role.COUNSELLOR),
    allow("hold_session", Role.COUNSELLOR),
    allow("mark_session_not_held", Role.COUNSELLOR),
    allow("amend_session", Role.COUNSELLOR, Role.COORDINATOR),
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
    # For the person, who asks what is held about them.
    allow("read_held", Role.DATA_PROTECTION),
    allow("read_statistics", Role.COORDINATOR, Role.MANAGER, Role.CHIEF_OF_MISSION, Role.AUDITOR),
    allow("read_events", Role.AUDITOR, Role.ARCHIVE),
    allow("read_verification", Role.AUDITOR, Role.ARCHIVE),
    # A search says which events there are and not what they say; whoever opens one touches the key again.
    allow("search_log", Role.AUDITOR),
    allow("read_event", Role.AUDITOR),
    allow("read_chain", Role.AUDITOR),
    allow("export_log", Role.AUDITOR),
    allow("read_forms", *Role),
    allow("check_transfer_consents", Role.SERVICE),
    allow("check_adults", Role.SERVICE),
    step_up=(
        "read_events", "read_held",
        "read_event", "read_chain", "export_log",
        # What cannot be undone.
        "approve_erasure", "lift_legal_hold",
    ),
    on_record=(
        "read_erasure", "list_erasures", "find_persons", "search_persons", "read_person", "read_identity", "read_names",
        "read_host_status", "read_consent_paper", "read_family", "list_sessions", "read_session", "read_intention",
        "read_held", "read_events",
        "search_log", "read_event", "read_chain", "export_log",
    ),
    searches=("find_persons", "search_persons", "read_chain"),
    exports=("read_events", "export_log"),
)
