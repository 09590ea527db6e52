-- Reintegration is opened only once it was noted what its lost entries say of payments, even where that is nothing: from then on
-- nothing is ordered to be paid. It stands under the id of the mark with its last bit turned over (`ops.after_restore.payments`).
-- An acceptance that was not over ends where the database was set back since, before anything was noted of payments: then it has no
-- moment of opening but that of its acceptance, and the next setting back waits for two persons.
-- Written once and never edited afterwards.

CREATE FUNCTION restored_opens_with_payments() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.opened_at = NEW.accepted_at THEN
        IF NOT EXISTS (SELECT FROM restored WHERE opened_at IS NULL) THEN
            RAISE EXCEPTION 'nothing else waits for two persons' USING ERRCODE = 'AV005';
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM lost_payments
        WHERE id = (left(NEW.id::text, 35) || to_hex(('x' || right(NEW.id::text, 1))::bit(4)::integer # 1))::uuid
    ) THEN
        RAISE EXCEPTION 'what was lost of payments was not noted' USING ERRCODE = 'AV005';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION restored_opens_with_payments() FROM PUBLIC;

CREATE CONSTRAINT TRIGGER restored_opens_with_payments
    AFTER UPDATE OF opened_at ON restored
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.opened_at IS NULL AND NEW.opened_at IS NOT NULL)
    EXECUTE FUNCTION restored_opens_with_payments();
