-- What a fund grants, and that it is closed, comes from a confirmation by a second person and from nothing else.
-- Its owner may write balances in full; the API's login may move what is committed and spent, and no more.
-- Written once and never edited afterwards.
CREATE FUNCTION set_fund_terms() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.what = 'open' THEN
        INSERT INTO fund_balances (fund_id, currency, granted, committed, spent, closed)
        VALUES (NEW.fund_id, NEW.currency, NEW.granted, 0, 0, false);
    ELSE
        UPDATE fund_balances SET granted = NEW.granted, closed = NEW.what = 'close'
        WHERE fund_id = NEW.fund_id AND currency = NEW.currency AND NOT closed;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'this fund has no open balance';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
