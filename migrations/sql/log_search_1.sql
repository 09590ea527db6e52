-- What of a leaf the log is searched by, and which ids each event names.
-- Written once by a revision of each service and never edited afterwards.

-- Leaves state their time in UTC, as RFC 3339 has it, so that no setting of a session has a say in what they mean.
-- One that cannot be read is found under the time at which it came.
CREATE FUNCTION leaf_time(leaf bytea, otherwise timestamptz) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN coalesce((convert_from(leaf, 'UTF8')::json ->> 'time')::timestamptz, otherwise);
EXCEPTION WHEN data_exception THEN
    RETURN otherwise;
END
$$;

CREATE FUNCTION leaf_actorid(leaf bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN coalesce(convert_from(leaf, 'UTF8')::json ->> 'actorid', '');
EXCEPTION WHEN data_exception THEN
    RETURN '';
END
$$;

-- Every id that stands in a leaf, wherever it stands, but for the correlation of its request: that is whatever the
-- caller sent, who could otherwise write an event of their own into the chain of any case whose id they know. Keys of a
-- leaf are sorted, so that the first of this name is the envelope's, and no text holds its quotes without a backslash.
CREATE FUNCTION leaf_ids(leaf bytea) RETURNS SETOF uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT word::uuid
    FROM string_to_table(regexp_replace(encode(leaf, 'escape'), '"correlationid":"[^"]*"', ''), '"') word
    WHERE octet_length(word) = 36 AND word ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
END
$$;

CREATE FUNCTION note_mentions() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO log_mentions (about, idx)
    SELECT named, e.idx FROM entered e CROSS JOIN LATERAL leaf_ids(e.leaf) named WHERE named <> e.id;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION leaf_time(bytea, timestamptz), leaf_actorid(bytea), leaf_ids(bytea), note_mentions() FROM PUBLIC;
