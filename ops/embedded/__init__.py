"""PostgreSQL and NATS as direct children on loopback, for machines that have neither."""
