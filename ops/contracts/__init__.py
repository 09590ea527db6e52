"""What others may rely on, written down: a schema and a page for each event, and one AsyncAPI document over all of them."""
