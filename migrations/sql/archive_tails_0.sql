-- What was archived is set apart by a break of its log and by nothing else, as it was before there were tails.
-- Written once by a revision of audit and never edited afterwards.

-- What was archived is another log's only where a break of its log says so, in the transaction in which the break is noted.
CREATE OR REPLACE FUNCTION archive_is_set_apart() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF to_jsonb(NEW) - 'log' - 'causationid' IS DISTINCT FROM to_jsonb(OLD) - 'log' - 'causationid' OR NOT EXISTS (
        SELECT FROM archive_breaks b WHERE b.log = OLD.log AND NEW.log = b.log || '.' || (b.generation - 1)
            AND b.xmin = pg_current_xact_id()::xid
    ) THEN
        RAISE EXCEPTION 'what was archived stays as it is' USING ERRCODE = 'AV002';
    END IF;
    RETURN NEW;
END
$$;

-- By the owner's rights: whoever notes a break sets apart through this alone, and takes nothing out by it.
CREATE OR REPLACE FUNCTION archive_sets_apart() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    lost text := NEW.log || '.' || (NEW.generation - 1);
BEGIN
    -- What is archived behind what was kept may have come since.
    IF NOT NEW.apart OR NOT EXISTS (SELECT FROM archive_entries WHERE log = NEW.log AND idx >= NEW.kept) THEN
        RETURN NULL;
    END IF;
    UPDATE archive_entries SET log = lost WHERE log = NEW.log AND idx >= NEW.kept;
    UPDATE archive_mentions m SET log = lost FROM archive_entries e CROSS JOIN LATERAL leaf_ids(e.leaf) named
        WHERE e.log = lost AND m.about = named AND m.time = e.time AND m.log = NEW.log AND m.idx = e.idx;
    -- The former tree whole, so that what was lost is proven as before; of the log itself no hash of anything that it lost.
    UPDATE archive_tiles SET log = lost WHERE log = NEW.log AND idx >= (NEW.kept >> 8 * level) / 256;
    INSERT INTO archive_tiles (log, level, idx, hashes)
        SELECT lost, level, idx, hashes FROM archive_tiles WHERE log = NEW.log;
    INSERT INTO archive_tiles (log, level, idx, hashes)
        SELECT NEW.log, level, idx, substr(hashes, 1, (32 * ((NEW.kept >> 8 * level) % 256))::integer) FROM archive_tiles
        WHERE log = lost AND idx = (NEW.kept >> 8 * level) / 256 AND (NEW.kept >> 8 * level) % 256 > 0;
    UPDATE archive_checkpoints SET log = lost WHERE log = NEW.log AND size > NEW.kept;
    UPDATE archive_exceptions SET log = lost WHERE log = NEW.log AND idx >= NEW.kept;
    UPDATE archive_examined SET log = lost WHERE log = NEW.log AND last_idx >= NEW.kept;
    UPDATE archive_differences SET gone_at = clock_timestamp()
        WHERE log = NEW.log AND gone_at IS NULL AND first_idx >= NEW.kept AND kind IN ('other', 'missing');
    UPDATE cursor SET last_idx = NEW.kept - 1, stopped = NULL,
        last_hash = (SELECT leaf_hash FROM archive_entries WHERE log = NEW.log AND idx = NEW.kept - 1)
        WHERE source = NEW.log AND last_idx >= NEW.kept;
    RETURN NULL;
END
$$;
