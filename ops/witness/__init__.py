"""A small witness (C2SP tlog-witness): it signs each checkpoint of a log that only grew, with a key and a memory of its own."""
