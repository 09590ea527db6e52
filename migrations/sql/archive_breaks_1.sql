-- A log that was set back goes on, and what it lost is set apart: it stays in the archive byte for byte, as a log of its own name.
-- Written once by a revision of audit and never edited afterwards.

-- What was archived is another log's only where a break of its log says so, in the transaction in which the break is noted.
CREATE FUNCTION archive_is_set_apart() RETURNS trigger
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

CREATE FUNCTION archive_break_follows() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.generation <> (SELECT coalesce(max(generation), 1) + 1 FROM archive_breaks WHERE log = NEW.log) THEN
        RAISE EXCEPTION 'a break begins the next generation' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

-- By the owner's rights: whoever notes a break sets apart through this alone, and takes nothing out by it.
CREATE FUNCTION archive_sets_apart() RETURNS trigger
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

REVOKE ALL ON FUNCTION archive_is_set_apart(), archive_break_follows(), archive_sets_apart() FROM PUBLIC;

CREATE TRIGGER archive_breaks_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_breaks
    FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER archive_break_follows BEFORE INSERT ON archive_breaks FOR EACH ROW EXECUTE FUNCTION archive_break_follows();
CREATE TRIGGER archive_sets_apart AFTER INSERT ON archive_breaks FOR EACH ROW EXECUTE FUNCTION archive_sets_apart();

DROP TRIGGER archive_entries_append_only ON archive_entries;
CREATE TRIGGER archive_entries_append_only BEFORE DELETE OR TRUNCATE ON archive_entries
    FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER archive_entries_set_apart BEFORE UPDATE ON archive_entries
    FOR EACH ROW EXECUTE FUNCTION archive_is_set_apart();

DROP TRIGGER archive_tiles_only_grow ON archive_tiles;
CREATE TRIGGER archive_tiles_only_grow BEFORE UPDATE ON archive_tiles
    FOR EACH ROW WHEN (NEW.log = OLD.log) EXECUTE FUNCTION archive_tile_only_grows();
CREATE TRIGGER archive_tiles_set_apart BEFORE UPDATE ON archive_tiles
    FOR EACH ROW WHEN (NEW.log IS DISTINCT FROM OLD.log) EXECUTE FUNCTION archive_is_set_apart();

DROP TRIGGER archive_notes_stay ON archive_checkpoints;
CREATE TRIGGER archive_notes_stay BEFORE UPDATE ON archive_checkpoints
    FOR EACH ROW WHEN (NEW.log = OLD.log) EXECUTE FUNCTION archive_note_stays();
CREATE TRIGGER archive_notes_set_apart BEFORE UPDATE ON archive_checkpoints
    FOR EACH ROW WHEN (NEW.log IS DISTINCT FROM OLD.log) EXECUTE FUNCTION archive_is_set_apart();

DROP TRIGGER archive_exceptions_only_rise ON archive_exceptions;
CREATE TRIGGER archive_exceptions_only_rise BEFORE UPDATE ON archive_exceptions
    FOR EACH ROW WHEN (NEW.log = OLD.log) EXECUTE FUNCTION archive_exception_rises();
CREATE TRIGGER archive_exceptions_set_apart BEFORE UPDATE ON archive_exceptions
    FOR EACH ROW WHEN (NEW.log IS DISTINCT FROM OLD.log) EXECUTE FUNCTION archive_is_set_apart();

-- How far a log was looked at is told of what it lost, and of the log itself from its first entry on anew.
CREATE TRIGGER archive_examined_set_apart BEFORE UPDATE ON archive_examined
    FOR EACH ROW WHEN (NEW.log IS DISTINCT FROM OLD.log) EXECUTE FUNCTION archive_is_set_apart();
