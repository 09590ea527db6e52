"""Signs what logs hold, and nothing that does not continue what it signed before."""
