-- What the archive's worker notes for itself only grows: nobody with its password hides by it what was found, or was not looked at.
-- Written once by a revision of audit and never edited afterwards.

CREATE FUNCTION archive_exception_rises() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF to_jsonb(NEW) - 'number' IS DISTINCT FROM to_jsonb(OLD) - 'number' OR NEW.number IS NULL OR NEW.number < OLD.number THEN
        RAISE EXCEPTION 'an exception stays as it was found' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION archive_reader_day_rises() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT NEW.records @> OLD.records THEN
        RAISE EXCEPTION 'what somebody was shown on a day only grows' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

-- It begins before the first entry, and goes no further than the archive holds.
CREATE FUNCTION archive_examined_rises() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.last_idx <> -1 THEN
            RAISE EXCEPTION 'a log is looked at from its first entry' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.last_idx < OLD.last_idx OR NEW.last_idx > (SELECT max(idx) FROM archive_entries WHERE log = NEW.log) THEN
        RAISE EXCEPTION 'how far a log was looked at only rises with the archive' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

-- The first that no pin has: one that has a greater number, from before this was so, is in nobody's way.
CREATE FUNCTION next_archive_pin() RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp
AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM archive_policies WHERE number = 1) THEN (
        SELECT min(p.number) + 1 FROM archive_policies p
        WHERE p.number >= 1 AND NOT EXISTS (SELECT FROM archive_policies f WHERE f.number - 1 = p.number)
    ) ELSE 1 END
$$;

CREATE FUNCTION archive_pin_follows() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.number IS DISTINCT FROM next_archive_pin() THEN
        RAISE EXCEPTION 'a pin has the next number' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION archive_exception_rises(), archive_reader_day_rises(), archive_examined_rises(), next_archive_pin(),
    archive_pin_follows() FROM PUBLIC;

CREATE TRIGGER archive_exceptions_only_rise BEFORE UPDATE ON archive_exceptions
    FOR EACH ROW EXECUTE FUNCTION archive_exception_rises();
CREATE TRIGGER archive_reader_days_only_rise BEFORE UPDATE ON archive_reader_days
    FOR EACH ROW EXECUTE FUNCTION archive_reader_day_rises();
CREATE TRIGGER archive_examined_only_rise BEFORE INSERT OR UPDATE ON archive_examined
    FOR EACH ROW EXECUTE FUNCTION archive_examined_rises();
CREATE TRIGGER archive_exceptions_stay BEFORE DELETE OR TRUNCATE ON archive_exceptions
    FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER archive_reader_days_stay BEFORE DELETE OR TRUNCATE ON archive_reader_days
    FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER archive_examined_stay BEFORE DELETE OR TRUNCATE ON archive_examined
    FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER archive_pin_follows BEFORE INSERT ON archive_policies
    FOR EACH ROW EXECUTE FUNCTION archive_pin_follows();
