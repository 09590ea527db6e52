-- A follower's place in another service's log. One transaction takes an event, applies it and moves the cursor,
-- so the cursor is the inbox: what lies below it was applied, whatever the broker delivers again.
-- Written once by the first revision of each service and never edited afterwards.

-- Says what an event is to this follower, and for 'new' and 'parked' moves the cursor onto it:
--   seen    it was taken before
--   other   another event was taken in its place: somebody else wrote into the stream
--   gap     an event before it is missing
--   parked  an earlier event of its key is a dead letter; the caller puts this one behind it
--   new     the caller applies it in this transaction
-- 'other' and 'gap' are remembered in cursor.stopped until the right event comes.
CREATE FUNCTION take(p_source text, p_idx bigint, p_hash bytea, p_partitionkey uuid) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    place record;
    verdict text;
BEGIN
    SELECT c.last_idx, c.last_hash, c.stopped INTO place FROM cursor c WHERE c.source = p_source FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO cursor (source, last_idx) VALUES (p_source, -1) ON CONFLICT DO NOTHING;
        SELECT c.last_idx, c.last_hash, c.stopped INTO STRICT place
        FROM cursor c WHERE c.source = p_source FOR UPDATE;
    END IF;
    IF p_idx < place.last_idx THEN
        RETURN 'seen';
    ELSIF p_idx = place.last_idx THEN
        verdict := CASE WHEN place.last_hash = p_hash THEN 'seen' ELSE 'other' END;
    ELSIF p_idx > place.last_idx + 1 THEN
        verdict := 'gap';
    -- The dead letters are looked at in a statement of its own after the lock: a replay that held it may have
    -- released the key's last event a moment ago.
    ELSIF EXISTS (SELECT FROM dead_letter d WHERE d.source = p_source AND d.partitionkey = p_partitionkey) THEN
        verdict := 'parked';
    ELSE
        verdict := 'new';
    END IF;
    IF verdict IN ('new', 'parked') THEN
        UPDATE cursor c SET last_idx = p_idx, last_hash = p_hash, tries = 0, stopped = NULL
        WHERE c.source = p_source;
    ELSIF verdict = 'seen' AND place.stopped IS NOT NULL THEN
        UPDATE cursor c SET stopped = NULL WHERE c.source = p_source;
    ELSIF verdict IN ('other', 'gap') AND place.stopped IS DISTINCT FROM verdict THEN
        UPDATE cursor c SET stopped = verdict WHERE c.source = p_source;
    END IF;
    RETURN verdict;
END
$$;

-- Adds to the tries of the event that follows the cursor, in a transaction of its own: a count that was kept in the
-- reaction's transaction would be rolled back with it. 0 if the cursor is elsewhere by now.
CREATE FUNCTION count_try(p_source text, p_idx bigint, p_by integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    counted integer;
BEGIN
    INSERT INTO cursor (source, last_idx) VALUES (p_source, -1) ON CONFLICT DO NOTHING;
    UPDATE cursor c SET tries = greatest(c.tries + p_by, 0)
    WHERE c.source = p_source AND c.last_idx = p_idx - 1
    RETURNING c.tries INTO counted;
    RETURN coalesce(counted, 0);
END
$$;
