-- What a fund grants, from when until when, and that it is closed, comes from a confirmation by a second person and from
-- nothing else. Its owner may write balances in full; the API's login may move what is committed and spent, and no more.
-- Written once and never edited afterwards.
CREATE FUNCTION set_fund_terms() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.what = 'open' THEN
        INSERT INTO fund_balances (fund_id, currency, granted, committed, spent, closed, valid_from, valid_until)
        SELECT NEW.fund_id, NEW.currency, NEW.granted, 0, 0, false, f.valid_from, NEW.valid_until
        FROM funds f WHERE f.id = NEW.fund_id;
    ELSE
        UPDATE fund_balances SET granted = NEW.granted, valid_until = NEW.valid_until, closed = NEW.what = 'close'
        WHERE fund_id = NEW.fund_id AND currency = NEW.currency AND NOT closed;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this fund has no open balance';
    END IF;
    RETURN NULL;
END
$$;

-- Before each commitment: its day lies within the days of the fund. Whoever commits money has changed the fund's balance
-- already; else this waits for whoever changes it, be it a confirmation of another last day, and reads what came of that.
CREATE FUNCTION commit_while_the_fund_is_valid() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    held fund_balances;
BEGIN
    SELECT * INTO held FROM fund_balances b WHERE b.fund_id = NEW.fund_id FOR UPDATE;
    IF NOT FOUND OR NEW.occurred_on NOT BETWEEN held.valid_from AND held.valid_until THEN
        RAISE EXCEPTION 'this day lies outside those of the fund'
            USING ERRCODE = '23514', CONSTRAINT = 'committed_while_the_fund_is_valid';
    END IF;
    RETURN NEW;
END
$$;
