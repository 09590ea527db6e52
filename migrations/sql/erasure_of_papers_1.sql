-- Before each paper of a grant: of somebody erased only what has a key that is kept, which is what was paid.
-- Written once and never edited afterwards.
CREATE FUNCTION refuse_papers_of_the_erased() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    whose uuid := (SELECT g.person_id FROM grants g WHERE g.id = NEW.grant_id);
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7041, mod(hashtext(whose::text), 256));
    IF EXISTS (SELECT FROM persons p WHERE p.id = whose) AND NOT EXISTS (
        SELECT FROM person_keys k WHERE k.person_id = whose AND k.about = NEW.grant_id
    ) THEN
        RAISE EXCEPTION 'this person was erased' USING ERRCODE = '23514', CONSTRAINT = 'erased_takes_nothing';
    END IF;
    RETURN NEW;
END
$$;

-- Before each key: of somebody erased none comes to be, but for one of receipts that are kept and are not under one yet,
-- for they were filed before papers had keys. It is kept for as long as they are.
CREATE FUNCTION refuse_keys_of_the_erased() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7041, mod(hashtext(NEW.person_id::text), 256));
    IF EXISTS (SELECT FROM persons p WHERE p.id = NEW.person_id) THEN
        NEW.keep_until := (
            SELECT p.kept_until FROM persons p JOIN grants g ON g.person_id = p.id
            WHERE p.id = NEW.person_id AND g.id = NEW.about AND g.paid > 0
            AND EXISTS (SELECT FROM evidence_files f WHERE f.grant_id = g.id AND f.sealed_under = 'service')
        );
        IF NEW.keep_until IS NULL THEN
            RAISE EXCEPTION 'this person was erased' USING ERRCODE = '23514', CONSTRAINT = 'erased_takes_nothing';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
