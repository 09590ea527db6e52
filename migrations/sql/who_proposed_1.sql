-- Before a grant's row comes to say that somebody said of money that it was given back: they wear no other hat on the grant, nor
-- take one later. What an upgrade found otherwise stays as it was said; what merely waits is dropped, and never comes to count.
-- Written once and never edited afterwards.
CREATE FUNCTION takes_another_part(of_grant grants, person text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
SELECT person IS NOT NULL AND (
    person IN (
        of_grant.requester_id, of_grant.endorser_id, of_grant.approver_id, of_grant.counsellor_id, of_grant.payer_id,
        of_grant.certificate ->> 'attested_by'
    )
    OR person = ANY (of_grant.former_endorsers || of_grant.former_approvers)
    OR to_jsonb(person) IN (
        SELECT jsonb_path_query(of_grant.approvals, '$[*].approver_id')
        UNION ALL SELECT jsonb_path_query(of_grant.additions, '$[*].adder_id')
        UNION ALL SELECT jsonb_path_query(of_grant.tranches, '$[*].released_by')
        UNION ALL SELECT jsonb_path_query(of_grant.tranches, '$[*].confirmed_by')
        UNION ALL SELECT jsonb_path_query(of_grant.tranches, '$[*].delivered_by')
        UNION ALL SELECT jsonb_path_query(of_grant.former_attempts, '$[*].released_by')
        UNION ALL SELECT jsonb_path_query(of_grant.former_attempts, '$[*].confirmed_by')
        UNION ALL SELECT jsonb_path_query(of_grant.former_attempts, '$[*] ? (@.ended_as == "payer").ended_by')
    )
) IS TRUE
$$;

CREATE FUNCTION hold_who_proposed() RETURNS trigger
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    said jsonb;
    stood boolean;
BEGIN
    FOR said IN SELECT jsonb_array_elements(NEW.recoveries || jsonb_build_array(NEW.recovery_proposed)) LOOP
        IF takes_another_part(NEW, said ->> 'proposed_by') THEN
            stood := false;
            IF TG_OP = 'UPDATE' THEN
                stood := takes_another_part(OLD, said ->> 'proposed_by') AND (
                    said IN (SELECT jsonb_array_elements(OLD.recoveries)) OR said IS NOT DISTINCT FROM OLD.recovery_proposed
                );
            END IF;
            IF NOT stood THEN
                RAISE EXCEPTION 'whoever said that it was given back takes another part on this grant'
                    USING ERRCODE = '23514', TABLE = 'grants', CONSTRAINT = 'ck_grants_who_proposed_recovery';
            END IF;
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
