"""The alarms in a system on one machine: a process beside the others, where AVRR_ALERT_SMTP_URL names a mail server."""

import os
import sys
from collections.abc import Mapping
from typing import Final

from ops.alarms.settings import DEFAULT_PORT
from ops.children import Child
from ops.settings import OpsSettings

NAME: Final = "alarms"
URL: Final = "AVRR_ALERT_SMTP_URL"
_HANDED_ON: Final = (URL, "AVRR_ALERT_TO", "AVRR_ALERT_FROM", "AVRR_ALERT_SMTP_PASSWORD_FILE", "AVRR_ALERT_RULES")


def usual_ports() -> dict[str, int]:
    """The port of the alarms, if there are any."""
    return {NAME: DEFAULT_PORT} if URL in os.environ else {}


def alarm_children(settings: OpsSettings, targets: Mapping[str, str], ports: Mapping[str, int]) -> list[Child]:
    """The process that asks these for their figures and sends mails; none where no mail server is named."""
    if NAME not in ports:
        return []
    told = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    told |= {
        "AVRR_PORT": str(ports[NAME]), "AVRR_ALARMS_FOLDER": str(settings.data_folder / NAME),
        "AVRR_WATCHED": ",".join(f"{name}={url}" for name, url in targets.items() if url),
    }  # fmt: skip
    if settings.backup_dir is not None:
        told |= {"AVRR_DATA": str(settings.data_folder), "AVRR_BACKUP_DIR": str(settings.backup_dir.expanduser().absolute())}
    alive = f"http://127.0.0.1:{ports[NAME]}/healthz"
    return [Child(NAME, (sys.executable, "-m", "ops.alarms"), told, ready_url=alive)]
