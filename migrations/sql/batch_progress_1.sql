-- How far the bank is with a batch, counted as its payments are put in and as each goes on, so that no list counts them.
-- Written once and never edited afterwards.
CREATE FUNCTION count_what_was_put_in() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO batch_progress AS s (batch_id, waiting, paid, failed, returned)
        SELECT e.batch_id, count(*) FILTER (WHERE a.status = 'released'), count(*) FILTER (WHERE a.status = 'paid'),
            count(*) FILTER (WHERE a.status = 'failed'), count(*) FILTER (WHERE a.status = 'reversed')
        FROM entered e JOIN payment_attempts a ON a.attempt_id = e.attempt_id GROUP BY e.batch_id
    ON CONFLICT (batch_id) DO UPDATE SET waiting = s.waiting + excluded.waiting, paid = s.paid + excluded.paid,
        failed = s.failed + excluded.failed, returned = s.returned + excluded.returned;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_how_it_went() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE batch_progress s SET
        waiting = s.waiting + (NEW.status = 'released')::int - (OLD.status = 'released')::int,
        paid = s.paid + (NEW.status = 'paid')::int - (OLD.status = 'paid')::int,
        failed = s.failed + (NEW.status = 'failed')::int - (OLD.status = 'failed')::int,
        returned = s.returned + (NEW.status = 'reversed')::int - (OLD.status = 'reversed')::int
        WHERE s.batch_id IN (SELECT p.batch_id FROM batch_payments p WHERE p.attempt_id = NEW.attempt_id);
    RETURN NULL;
END
$$;
