"""A log that proves its own completeness: RFC 6962's tree in C2SP's files, signed notes, cosignatures and proofs."""
