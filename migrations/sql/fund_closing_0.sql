-- What a fund grants, from when until when, and that it is closed, comes from a confirmation by a second person and from
-- nothing else. Its owner may write balances in full; the API's login may move what is committed and spent, and no more.
-- As it was before.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION set_fund_terms() RETURNS trigger
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
