-- As `kept_papers_1.sql`, and with the papers goes what kind each was, which may tell what the money was for: from the grant's
-- row and from beside the log. What was concealed of a grant besides went with the person.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION end_kept_papers() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7041, mod(hashtext(NEW.id::text), 256));
    DELETE FROM evidence_pieces p USING evidence_files f, grants g
        WHERE g.person_id = NEW.id AND f.grant_id = g.id AND p.evidence_id = f.evidence_id;
    DELETE FROM evidence_files f USING grants g WHERE g.person_id = NEW.id AND f.grant_id = g.id;
    DELETE FROM person_keys k WHERE k.person_id = NEW.id;
    DELETE FROM disclosure d USING event_log e, grants g
        WHERE g.person_id = NEW.id AND e.subject = g.id AND d.event_id = e.id;
    -- From the hash of what was filed one could guess the kind.
    DELETE FROM idempotency i USING grants g WHERE g.person_id = NEW.id AND i.resource_id = g.id;
    UPDATE grants g SET evidence = (
            SELECT coalesce(jsonb_agg(jsonb_set(filed.one, '{kind}', 'null') ORDER BY filed.place), '[]')
            FROM jsonb_array_elements(g.evidence) WITH ORDINALITY AS filed(one, place)
        )
        WHERE g.person_id = NEW.id;
    RETURN NULL;
END
$$;
