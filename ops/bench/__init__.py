"""How fast the system is, each time beside a floor that was measured in the same run on the same machine."""
