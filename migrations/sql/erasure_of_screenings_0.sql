-- As `erasure_of_screenings_1.sql`, for whoever takes back what replaced it. Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION erase_screenings() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    theirs uuid[];
    screened uuid[];
    ended uuid[];
BEGIN
    theirs := ARRAY(SELECT p.id FROM payees p WHERE p.person_id = NEW.id ORDER BY p.id FOR UPDATE);
    PERFORM pg_advisory_xact_lock(7041, mod(hashtext(NEW.id::text), 256));
    WITH gone AS (
        DELETE FROM disclosure d USING event_log e WHERE e.subject = ANY (theirs) AND d.event_id = e.id
        RETURNING e.subject, d.path
    )
    SELECT coalesce(array_agg(DISTINCT subject) FILTER (WHERE path = 'found'), '{}'),
        coalesce(array_agg(DISTINCT subject) FILTER (WHERE path = 'closed_for'), '{}')
        INTO screened, ended FROM gone;
    UPDATE payees p SET hits = '[]', cleared = '[]', clearers = '{}', clearing_reason = NULL, clearing_asked_by = NULL, cleared_by = NULL
        WHERE p.id = ANY (screened);
    UPDATE payees p SET status = 'closed', closing_reason = NULL WHERE p.id = ANY (ended);
    DELETE FROM payee_clearances c WHERE c.payee_id = ANY (screened);
    -- From the hash of what was ordered one could guess it.
    DELETE FROM idempotency i WHERE i.resource_id = ANY (theirs);
    RETURN NEW;
END
$$;
