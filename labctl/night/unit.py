"""The unit with which systemd goes on with the newest night when the machine starts."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from labctl.night.supervisor import UNDONE

UNIT = """\
# systemd unit: goes on with the newest night when the machine starts, and says that there is none when there is none.
#   labctl night --unit --data DIR > labctl-night.service
#   sudo cp labctl-night.service /etc/systemd/system/ && sudo systemctl enable labctl-night
[Unit]
Description=labctl: go on with the newest night
After=local-fs.target network.target time-sync.target
StartLimitIntervalSec=1h
StartLimitBurst=5

[Service]
Type=exec
User={user}
WorkingDirectory={data}
Environment=PYTHONPATH={path}
ExecStart={python} -P -m labctl night --resume last --data {data}
# The supervisor is told, and ends the run and the guard in good order; who is left after that is killed.
KillMode=mixed
KillSignal=SIGTERM
TimeoutStopSec=30s
# {undone}: the night came to its end, but something in it failed. 130, 143: it was told to end. 2: its list or
# configuration has a mistake. None of them gets better by starting again.
SuccessExitStatus={undone} 130 143
RestartPreventExitStatus=2
Restart=on-failure
RestartSec=10s

[Install]
WantedBy=multi-user.target
"""


def unit(data: Path) -> str:
    """Return the unit for a data folder, with this Python and this labctl, for whoever asks for it."""
    imports = ":".join(_escaped(path) for path in sys.path if path and Path(path).is_dir())
    return UNIT.format(
        user=getpass.getuser(),
        data=_escaped(str(data.absolute())),
        path=imports,
        python=_escaped(sys.executable),
        undone=UNDONE,
    )


def _escaped(path: str) -> str:
    r"""Return a path as a unit file has it: a percent sign, a blank or a backslash would be read as something else."""
    return path.replace("\\", "\\x5c").replace("%", "%%").replace(" ", "\\x20")
