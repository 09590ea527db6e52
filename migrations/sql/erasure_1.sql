-- A person is erased by their row coming to say so: everything personal goes in the same statement, or nothing does.
-- Both functions belong to a role of their own, which may delete what is personal and nothing else.
-- Written once and never edited afterwards.

-- Before a row about a person comes to be. The lock is shared with others who keep something, but not with whoever erases
-- (`erase_person`). It is waited for here and not after the statement, which ends with the log: whoever held the log while
-- waiting for an erasure would keep the erasure from entering the log. Persons share 256 locks, so that many rows at a time
-- need no more; who waits for another person's erasure waits for a moment.
CREATE FUNCTION await_the_erasing() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7041, mod(hashtext(NEW.person_id::text), 256));
    RETURN NEW;
END
$$;

-- After rows about persons came to be, at the turn of all of them: what is asked after the wait sees whether one of them
-- was erased meanwhile.
CREATE FUNCTION refuse_the_erased() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM entered e JOIN persons p ON p.id = e.person_id WHERE p.erased_at IS NOT NULL) THEN
        RAISE EXCEPTION 'this person was erased' USING ERRCODE = '23514', CONSTRAINT = 'erased_takes_nothing';
    END IF;
    RETURN NULL;
END
$$;

-- After a person's row came to say that they are erased. Every table whose trigger is named `goes_with_the_person` is
-- emptied of the person, so that a later table joins by its trigger and nothing is forgotten here.
CREATE FUNCTION erase_person() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    personal regclass;
BEGIN
    PERFORM pg_advisory_xact_lock(7041, mod(hashtext(NEW.id::text), 256));
    PERFORM erase_besides(NEW.id);
    FOR personal IN
        SELECT t.tgrelid FROM pg_trigger t WHERE t.tgname = 'goes_with_the_person' ORDER BY t.tgrelid
    LOOP
        EXECUTE format('DELETE FROM %s WHERE person_id = $1', personal) USING NEW.id;
    END LOOP;
    DELETE FROM disclosure d USING event_log e WHERE e.subject = NEW.id AND d.event_id = e.id;
    -- From the hash of what was ordered one could guess it. What orders the erasure itself is of the present version.
    DELETE FROM idempotency i WHERE i.resource_id = NEW.id AND i.version < NEW.version;
    RETURN NULL;
END
$$;
