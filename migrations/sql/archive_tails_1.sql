-- Entries that nobody signed are set apart where the log was signed with others in their place: they stay in the archive byte for
-- byte, as a log of their own name.
-- Written once by a revision of audit and never edited afterwards.

-- What was archived is another log's only where a break of its log or a tail says so, in the transaction in which that is noted.
CREATE OR REPLACE FUNCTION archive_is_set_apart() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF to_jsonb(NEW) - 'log' - 'causationid' IS DISTINCT FROM to_jsonb(OLD) - 'log' - 'causationid' OR NOT (
        EXISTS (
            SELECT FROM archive_breaks b WHERE b.log = OLD.log AND NEW.log = b.log || '.' || (b.generation - 1)
                AND b.xmin = pg_current_xact_id()::xid
        ) OR EXISTS (
            SELECT FROM archive_tails t WHERE t.log = OLD.log AND NEW.log = t.log || '.t' || t.number
                AND t.xmin = pg_current_xact_id()::xid
        )
    ) THEN
        RAISE EXCEPTION 'what was archived stays as it is' USING ERRCODE = 'AV002';
    END IF;
    RETURN NEW;
END
$$;

-- Whoever notes a tail sets apart nothing that a kept checkpoint covers or that was kept where the log was set back, whatever proves it.
CREATE FUNCTION archive_tail_follows() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM archive_tails WHERE log = NEW.log)
        OR NOT EXISTS (SELECT FROM archive_entries WHERE log = NEW.log AND idx >= NEW.kept)
        OR EXISTS (SELECT FROM archive_checkpoints WHERE log = NEW.log AND agrees AND size > NEW.kept)
        OR NEW.kept < (SELECT kept FROM archive_breaks WHERE log = NEW.log ORDER BY generation DESC LIMIT 1) THEN
        RAISE EXCEPTION 'a tail is what nobody signed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

-- By the owner's rights: whoever notes a break or a tail sets apart through this alone, and takes nothing out by it.
CREATE OR REPLACE FUNCTION archive_sets_apart() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    lost text;
    finding uuid;
BEGIN
    IF TG_TABLE_NAME = 'archive_tails' THEN
        lost := NEW.log || '.t' || NEW.number;
    ELSE
        -- What is archived behind what was kept may have come since.
        IF NOT NEW.apart OR NOT EXISTS (SELECT FROM archive_entries WHERE log = NEW.log AND idx >= NEW.kept) THEN
            RETURN NULL;
        END IF;
        lost := NEW.log || '.' || (NEW.generation - 1);
    END IF;
    UPDATE archive_entries SET log = lost WHERE log = NEW.log AND idx >= NEW.kept;
    UPDATE archive_mentions m SET log = lost FROM archive_entries e CROSS JOIN LATERAL leaf_ids(e.leaf) named
        WHERE e.log = lost AND m.about = named AND m.time = e.time AND m.log = NEW.log AND m.idx = e.idx;
    -- Of the log itself no hash of anything that it lost. Of a break the former tree whole, so that what was lost is proven as before;
    -- of a tail nothing was ever signed.
    UPDATE archive_tiles SET log = lost WHERE log = NEW.log AND idx >= (NEW.kept >> 8 * level) / 256;
    IF TG_TABLE_NAME = 'archive_breaks' THEN
        INSERT INTO archive_tiles (log, level, idx, hashes)
            SELECT lost, level, idx, hashes FROM archive_tiles WHERE log = NEW.log;
    END IF;
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
    -- Here, so that it rings whoever notes it.
    IF TG_TABLE_NAME = 'archive_tails' THEN
        INSERT INTO archive_differences (log, kind, first_idx, last_idx)
            VALUES (NEW.log, 'tail', NEW.kept, (SELECT max(idx) FROM archive_entries WHERE log = lost))
            ON CONFLICT (log, kind, first_idx) DO UPDATE
            SET last_idx = excluded.last_idx, seen_at = clock_timestamp(), gone_at = NULL RETURNING id INTO finding;
        INSERT INTO archive_sightings (finding_id, mark) VALUES (finding, encode(sha256(convert_to(lost, 'UTF8')), 'hex'))
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION archive_tail_follows() FROM PUBLIC;

CREATE TRIGGER archive_tails_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_tails
    FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER archive_tail_follows BEFORE INSERT ON archive_tails FOR EACH ROW EXECUTE FUNCTION archive_tail_follows();
CREATE TRIGGER archive_tails_set_apart AFTER INSERT ON archive_tails FOR EACH ROW EXECUTE FUNCTION archive_sets_apart();
