-- Which ids each archived event names, so that everything about one of them is found in all logs at once.
-- Written once by a revision of audit and never edited afterwards.

-- By the owner's rights: whoever archives an entry writes what it names through this alone.
CREATE FUNCTION note_archive_mentions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO archive_mentions (about, time, log, idx, access)
    SELECT named, e.time, e.log, e.idx, e.type LIKE 'avrr.%.access.%'
    FROM entered e CROSS JOIN LATERAL leaf_ids(e.leaf) named WHERE named <> e.id;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION note_archive_mentions() FROM PUBLIC;
