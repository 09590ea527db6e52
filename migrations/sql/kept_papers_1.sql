-- Receipts of somebody erased go when the person's row comes to say on which day their keeping ended, in the same statement.
-- Written once and never edited afterwards.

-- Before each change of the row of somebody erased: nothing changes but that once. Without it, who may end what is kept
-- could set the day until which it is kept.
CREATE FUNCTION refuse_another_erasure() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (NEW.id, NEW.erased_at, NEW.kept_until) IS DISTINCT FROM (OLD.id, OLD.erased_at, OLD.kept_until)
        OR (OLD.kept_ended_on IS NOT NULL AND NEW.kept_ended_on IS DISTINCT FROM OLD.kept_ended_on)
    THEN
        RAISE EXCEPTION 'what an erasure said stays' USING ERRCODE = '23514', CONSTRAINT = 'an_erasure_stays';
    END IF;
    RETURN NEW;
END
$$;

-- After it: what is kept goes, with its keys, as the role that erases.
CREATE FUNCTION end_kept_papers() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7041, mod(hashtext(NEW.id::text), 256));
    DELETE FROM evidence_pieces p USING evidence_files f, grants g
        WHERE g.person_id = NEW.id AND f.grant_id = g.id AND p.evidence_id = f.evidence_id;
    DELETE FROM evidence_files f USING grants g WHERE g.person_id = NEW.id AND f.grant_id = g.id;
    DELETE FROM person_keys k WHERE k.person_id = NEW.id;
    RETURN NULL;
END
$$;
