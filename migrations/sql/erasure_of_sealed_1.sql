-- As `erasure_of_categories_1.sql` and `kept_papers_2.sql`, of rows that keep sealed what needs, grants and papers are for: what
-- the report counts of it is counted by the service, which opens it, in the same transaction, before it is gone.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION erase_what_it_was_for() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    -- In which plans somebody is, the log's own index of ids knows.
    plans_about uuid[] := ARRAY(
        SELECT p.id FROM plans p WHERE NEW.id = ANY (p.person_ids) AND p.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = NEW.id
        )
    );
BEGIN
    DELETE FROM disclosure d USING event_log e, grants g
        WHERE g.person_id = NEW.id AND e.subject = g.id AND d.event_id = e.id AND (g.paid = 0 OR d.path = 'category');
    DELETE FROM idempotency i USING grants g WHERE g.person_id = NEW.id AND i.resource_id = g.id;
    UPDATE grants g SET category = NULL, evidence = CASE WHEN g.paid > 0 THEN g.evidence ELSE (
            SELECT coalesce(jsonb_agg(jsonb_set(filed.one - 'sealed', '{kind}', 'null') ORDER BY filed.place), '[]')
            FROM jsonb_array_elements(g.evidence) WITH ORDINALITY AS filed(one, place)
        ) END
        WHERE g.person_id = NEW.id;
    -- Whose need a line of a former version was, its event says.
    DELETE FROM disclosure d USING event_log e
        WHERE e.subject = ANY (plans_about) AND d.event_id = e.id
        AND convert_from(e.leaf, 'UTF8')::jsonb
            #>> string_to_array('data.' || regexp_replace(d.path, 'category$', 'person_id'), '.') = cast(NEW.id AS text);
    DELETE FROM idempotency i WHERE i.resource_id = ANY (plans_about);
    UPDATE plans p SET lines = (
            SELECT coalesce(jsonb_agg(
                CASE WHEN line.one ->> 'person_id' = cast(NEW.id AS text) THEN jsonb_set(line.one - 'sealed', '{category}', 'null')
                    ELSE line.one END
                ORDER BY line.place
            ), '[]')
            FROM jsonb_array_elements(p.lines) WITH ORDINALITY AS line(one, place)
        )
        WHERE p.id = ANY (plans_about);
    RETURN NULL;
END
$$;

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
            SELECT coalesce(jsonb_agg(jsonb_set(filed.one - 'sealed', '{kind}', 'null') ORDER BY filed.place), '[]')
            FROM jsonb_array_elements(g.evidence) WITH ORDINALITY AS filed(one, place)
        )
        WHERE g.person_id = NEW.id;
    RETURN NULL;
END
$$;
