"""The development identity provider: invented staff and their signed tokens, on this machine only."""
