-- The log: appended to by one function, changed by nobody, its owner included.
-- Written once by the first revision of each service and never edited afterwards.

CREATE FUNCTION append_events(
    p_ids uuid[], p_types text[], p_subjects uuid[], p_versions integer[], p_leaves bytea[]
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    how_many integer := cardinality(p_ids);
    first_idx bigint;
BEGIN
    -- The head's row lock is held until COMMIT: numbers are given in commit order and a rollback leaves no gap.
    UPDATE log_head SET size = size + how_many RETURNING size - how_many INTO STRICT first_idx;
    INSERT INTO event_log (idx, id, type, subject, aggver, leaf, leaf_hash)
    SELECT first_idx + e.place - 1, e.id, e.type, e.subject, e.aggver, e.leaf, sha256('\x00'::bytea || e.leaf)
    FROM unnest(p_ids, p_types, p_subjects, p_versions, p_leaves)
        WITH ORDINALITY AS e(id, type, subject, aggver, leaf, place)
    ORDER BY e.place;
    IF current_setting('app.notify', true) = 'on' THEN
        PERFORM pg_notify('log', '');
    END IF;
    RETURN first_idx;
END
$$;

CREATE FUNCTION refuse_write() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'a write touched other rows than those that were read' USING ERRCODE = 'AV001';
END
$$;

CREATE FUNCTION log_is_append_only() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only' USING ERRCODE = 'AV002';
END
$$;

CREATE TRIGGER event_log_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON event_log
    FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();

-- A status may change only as the domain's table of transitions says; the table holds the same rows.
CREATE FUNCTION status_follows_transitions() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.status IS DISTINCT FROM OLD.status AND NOT EXISTS (
        SELECT 1 FROM status_transition t
        WHERE t.aggregate = TG_TABLE_NAME AND t.from_status = OLD.status AND t.to_status = NEW.status
    ) THEN
        RAISE EXCEPTION 'this status cannot follow the present one' USING ERRCODE = 'AV003';
    END IF;
    RETURN NEW;
END
$$;

INSERT INTO log_head (one, size) VALUES (true, 0);
