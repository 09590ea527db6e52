-- Which ids each archived event names and what kind of event it is, so that one kind of what names one id is found alone.
-- Written once by a revision of audit and never edited afterwards.

CREATE OR REPLACE FUNCTION note_archive_mentions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO archive_mentions (about, time, log, idx, access, type)
    SELECT named, e.time, e.log, e.idx, e.type LIKE 'avrr.%.access.%', e.type
    FROM entered e CROSS JOIN LATERAL leaf_ids(e.leaf) named WHERE named <> e.id;
    RETURN NULL;
END
$$;
