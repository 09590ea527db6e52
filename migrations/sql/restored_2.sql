-- The waiting of a database that was set back ends by what two persons left, in rows and in the log, and never by a word on the
-- mark alone: whoever has the worker's password may write that. Looked at when the transaction ends, for all of it is one write.
-- Written once and never edited afterwards.

CREATE FUNCTION restored_ends_by_two() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (OLD.accepted_at IS NOT NULL AND NEW.accepted_at IS DISTINCT FROM OLD.accepted_at)
        OR (OLD.opened_at IS NOT NULL AND NEW.opened_at IS DISTINCT FROM OLD.opened_at) THEN
        RAISE EXCEPTION 'what was accepted, or opened, stays so' USING ERRCODE = 'AV005';
    END IF;
    IF OLD.accepted_at IS NULL AND NEW.accepted_at IS NOT NULL AND NOT (
        EXISTS (
            SELECT FROM restores r
            WHERE r.id = NEW.id AND r.accepted_at IS NOT NULL AND r.accepted_by <> r.proposed_by
        )
        AND EXISTS (
            SELECT FROM event_log e
            WHERE e.subject = NEW.id AND split_part(e.type, '.', 3) = 'restore' AND split_part(e.type, '.', 4) = 'accepted'
        )
    ) THEN
        RAISE EXCEPTION 'two persons have not accepted this' USING ERRCODE = 'AV005';
    END IF;
    IF OLD.opened_at IS NULL AND NEW.opened_at IS NOT NULL AND OLD.accepted_at IS NULL THEN
        RAISE EXCEPTION 'this is opened only after it was accepted' USING ERRCODE = 'AV005';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION restored_ends_by_two() FROM PUBLIC;

CREATE CONSTRAINT TRIGGER restored_ends_by_two
    AFTER UPDATE OF accepted_at, opened_at ON restored
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION restored_ends_by_two();
