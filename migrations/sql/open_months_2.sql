-- After a month was taken from those that are closed: its period says that two persons reopened it. A program that lies
-- about nothing but the month is stopped here.
-- Written once and never edited afterwards.
CREATE FUNCTION reopen_after_two_persons() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM accounting_periods p WHERE p.id = OLD.period_id AND p.month = to_char(OLD.month, 'YYYY-MM')
        AND p.status = 'reopened' AND p.asked_by <> p.reopened_by
    ) THEN
        RAISE EXCEPTION 'this month was not reopened' USING ERRCODE = '23514', CONSTRAINT = 'reopened_by_two_persons';
    END IF;
    RETURN NULL;
END
$$;
