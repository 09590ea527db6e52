"""Runs the development provider: `python -m ops.identity`.

It needs AVRR_DEVELOPMENT_IDENTITY=1 and AVRR_IDENTITY_FOLDER; AVRR_IDENTITY_HOST, AVRR_IDENTITY_PORT,
AVRR_IDENTITY_ISSUER and AVRR_OIDC_AUDIENCE have defaults.
"""

import os
import sys

import uvicorn

from ops.identity.app import create_app
from ops.identity.private_files import UnsafeFile
from ops.identity.settings import IdentityRefused, IdentitySettings
from shared.starting import begin


def main() -> None:
    """Serve until stopped; a sentence on standard error and exit code 1 when it may not run like this."""
    try:
        settings = IdentitySettings.from_environment(os.environ)
        app = create_app(settings)
    except (IdentityRefused, UnsafeFile) as refusal:
        sys.exit(str(refusal))
    begin()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Nobody stands in front of it, so nobody may say where a request came from.
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
