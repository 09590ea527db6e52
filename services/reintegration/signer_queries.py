"""Who signed the batches by which the bank is ordered to pay: they paid, so they take no other part on those grants."""


def signed_by(signer: str, grant_id: str) -> str:
    """The condition that ``signer`` made or approved a batch with a payment of the grant, or took its file; both are SQL."""
    return (
        f"EXISTS (SELECT FROM payment_attempts sa JOIN batch_payments sp ON sp.attempt_id = sa.attempt_id "
        f"JOIN payment_batches sb ON sb.id = sp.batch_id WHERE sa.grant_id = {grant_id} "
        f"AND cast({signer} AS text) = ANY (sb.takers || sb.made_by || sb.approved_by))"
    )
