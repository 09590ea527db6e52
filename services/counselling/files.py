"""Where the signed papers of consents are kept, sealed under the person's key, each with its person."""

from typing import Final

from shared.kept_files import KeptFiles
from shared.verify import Check

# The site is the person's, so that row security opens a paper where the person is registered.
PAPERS: Final = KeptFiles(
    "consent papers", "consent_papers", "consent_paper_pieces", file_id="consent_id", owners="persons",
    owner_id="person_id", within="site",
)  # fmt: skip

CHECKS: tuple[Check, ...] = PAPERS.checks(
    "SELECT cast(c ->> 'consent_id' AS uuid) AS file_id, p.id AS owner_id, p.site AS within "
    "FROM persons p, jsonb_array_elements(p.consents) c WHERE c -> 'paper' <> 'null'::jsonb"
)
