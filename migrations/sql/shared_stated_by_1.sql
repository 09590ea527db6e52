-- Before it is noted that two payees rightly share an account: who stated the other one's, as that stands on record, so that the
-- table's CHECK holds whoever finds it right to both.
-- Written once and never edited afterwards.
CREATE OR REPLACE FUNCTION note_who_stated_the_other() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    NEW.other_stated_by := coalesce(
        (SELECT a.stated_by FROM payee_accounts a WHERE (a.payee_id, a.account_no) = (NEW.other_id, NEW.other_no)), NEW.other_stated_by
    );
    RETURN NEW;
END
$$;
