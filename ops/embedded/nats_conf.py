"""The configuration of a broker that runs in a container, made from the embedded one's: `python -m ops.embedded.nats_conf`."""

import json
import sys
from pathlib import Path

from ops.embedded.nats import all_permissions, configuration

PORT = 4222
MONITOR_PORT = 8222
STORE = Path("/data")

_HEADER = """\
# Made by `python -m ops.embedded.nats_conf > deploy/nats/nats.conf`; what it says stands in ops/embedded/nats.py.
# The server takes the passwords from its environment.
"""


def password_variable(user: str) -> str:
    """The variable of the server's environment that holds this user's password."""
    return f"NATS_PASSWORD_{user.upper()}"


def deployed_configuration() -> str:
    """The text of nats.conf: the embedded broker's settings and permissions, reached by others than this machine."""
    table = all_permissions()
    content = configuration(
        port=PORT,
        monitor_port=MONITOR_PORT,
        store=STORE,
        pid_file=STORE / "nats.pid",
        passwords={user: f"${password_variable(user)}" for user in table},
        table=table,
    )
    del content["pid_file"]
    # Only clients come from outside; the monitoring stays on loopback, for the health check.
    content["listen"] = f"0.0.0.0:{PORT}"
    text = json.dumps(content, indent=2)
    for user in table:
        # In quotation marks it would be the password, not the variable's name.
        text = text.replace(f'"${password_variable(user)}"', f"${password_variable(user)}")
    return f"{_HEADER}{text}\n"


if __name__ == "__main__":
    sys.stdout.write(deployed_configuration())
