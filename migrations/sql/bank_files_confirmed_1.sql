-- Before a file of the bank's changes: nothing of what was imported becomes another thing, by whatever is decided on it.
-- Written once and never edited afterwards.
CREATE FUNCTION bank_file_goes_on() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (
        NEW.id, NEW.file_kind, NEW.sha256, NEW.lines, NEW.lines_sha256, NEW.statements, NEW.identification, NEW.instruction_id,
        NEW.imported_by, NEW.imported_at, NEW.before_rule
    ) IS DISTINCT FROM (
        OLD.id, OLD.file_kind, OLD.sha256, OLD.lines, OLD.lines_sha256, OLD.statements, OLD.identification, OLD.instruction_id,
        OLD.imported_by, OLD.imported_at, OLD.before_rule
    )
    THEN
        RAISE EXCEPTION 'what was imported is never edited' USING ERRCODE = '23514', CONSTRAINT = 'bank_file_is_never_edited';
    END IF;
    RETURN NEW;
END
$$;

-- Before a line of the bank's changes: it counts once, or leaves once, and settles nothing before its file was confirmed.
-- Of which other one it is told again is found out as it begins to count.
CREATE FUNCTION bank_line_goes_on() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.state <> OLD.state AND (
            OLD.state = 'dropped'
            OR OLD.state = 'unconfirmed' AND NEW.state NOT IN ('unmatched', 'duplicate', 'accepted', 'dropped')
            OR OLD.state <> 'unconfirmed' AND NEW.state IN ('unconfirmed', 'dropped')
        )
        OR OLD.state <> 'unconfirmed' AND NEW.duplicate_of IS DISTINCT FROM OLD.duplicate_of
        OR NEW.settled_attempt IS NOT NULL AND OLD.settled_attempt IS NULL
            AND NOT EXISTS (SELECT FROM bank_files f WHERE f.id = NEW.file_id AND f.status = 'confirmed')
    THEN
        RAISE EXCEPTION 'a line counts once its file is confirmed' USING ERRCODE = '23514', CONSTRAINT = 'bank_line_counts_once_confirmed';
    END IF;
    RETURN NEW;
END
$$;
