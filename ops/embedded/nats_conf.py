"""The configuration of a broker that runs in a container, made from the embedded one's: `python -m ops.embedded.nats_conf`."""

import json
import sys
import textwrap
from pathlib import Path
from typing import Final

from ops.bus_keys import CA_FILE, CERTIFICATE_FILE, KEY_FILE, NKEYS_FILE, nkey_variable
from ops.embedded.nats import all_permissions, configuration

PORT = 4222
MONITOR_PORT = 8222
STORE = Path("/data")
KEYS: Final = Path("/etc/nats/keys")
"""Where the broker finds what `ops.bus_keys` made for it, beside its configuration."""

_HEADER = """\
# Made by `python -m ops.embedded.nats_conf > deploy/nats/nats.conf`; what it says stands in ops/embedded/nats.py.
# Users are known by their public keys, which are not secret; `python -m ops.bus_keys` puts them beside this file.
"""


def deployed_configuration() -> str:
    """The text of nats.conf: the embedded broker's settings and permissions, reached by others than this machine.

    They come by TLS 1.3 from the first byte on, each with a certificate of the mission's own authority and an nkey.
    """
    table = all_permissions()
    content = configuration(
        port=PORT,
        monitor_port=MONITOR_PORT,
        store=STORE,
        pid_file=STORE / "nats.pid",
        passwords=dict.fromkeys(table, ""),
        table=table,
    )
    del content["pid_file"]
    # Only clients come from outside; the monitoring stays on loopback, for the health check.
    content["listen"] = f"0.0.0.0:{PORT}"
    content["tls"] = {
        "cert_file": str(KEYS / CERTIFICATE_FILE),
        "key_file": str(KEYS / KEY_FILE),
        "ca_file": str(KEYS / CA_FILE),
        "verify": True,
        "min_version": "1.3",
        "handshake_first": True,
        "timeout": 3,
    }
    users = [
        {
            "nkey": f"${nkey_variable(name)}",
            "permissions": {
                "publish": {"allow": list(allowed.publish)},
                "subscribe": {"allow": list(allowed.subscribe)},
            },
        }
        for name, allowed in table.items()
    ]
    content["accounts"] = {"SYS": {}, "AVRR": {"jetstream": "enabled", "users": users}}
    text = json.dumps(content, indent=2)
    for user in table:
        # In quotation marks it would be the key, not the variable's name.
        text = text.replace(f'"${nkey_variable(user)}"', f"${nkey_variable(user)}")
    body = textwrap.dedent(text.removeprefix("{").removesuffix("}")).strip()
    return f"{_HEADER}include ./{KEYS.name}/{NKEYS_FILE}\n{body}\n"


if __name__ == "__main__":
    sys.stdout.write(deployed_configuration())
