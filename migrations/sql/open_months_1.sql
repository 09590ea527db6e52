-- Before each posting: none into a month that is closed. Whoever closes a month waits until those that are under way have
-- ended, and whoever posts waits for a closing that is under way and sees it then.
-- Written once and never edited afterwards.
CREATE FUNCTION post_into_an_open_month() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7042, NEW.month - date '2000-01-01');
    IF EXISTS (SELECT FROM closed_months c WHERE c.month = NEW.month) THEN
        RAISE EXCEPTION 'this month is closed' USING ERRCODE = '23514', CONSTRAINT = 'posted_into_an_open_month';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION close_after_the_postings() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7042, NEW.month - date '2000-01-01');
    RETURN NEW;
END
$$;
