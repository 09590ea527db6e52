"""The annual figures out of an export of the logs alone: folded by the rules of each service, asked of nobody."""
