-- A database that was set back to an earlier time takes no change until two persons accept that, whichever process asks.
-- Who looks into the log, and what is stated about the restore itself, is recorded all the same.
-- Written once and never edited afterwards.

CREATE FUNCTION log_waits_for_acceptance() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM restored WHERE accepted_at IS NULL) THEN
        RAISE EXCEPTION 'this database was set back, and nobody has accepted that yet' USING ERRCODE = 'AV004';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION log_waits_for_acceptance() FROM PUBLIC;

CREATE TRIGGER event_log_waits_for_acceptance
    BEFORE INSERT ON event_log
    FOR EACH ROW WHEN (split_part(NEW.type, '.', 3) NOT IN ('access', 'restore'))
    EXECUTE FUNCTION log_waits_for_acceptance();
