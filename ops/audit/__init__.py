"""What an auditor takes along: exports of the logs, and the one file that checks them anywhere."""
