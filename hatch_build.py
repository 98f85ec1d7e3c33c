"""Build hook: makes sure that the guest is there and fits its sources before anything is packed.

It runs for wheels, for editable installs and for source distributions. All knowledge about the
guest is in `runtimes/quickjs/guest/build.py`, which is started as a program; only the standard
library may be imported here, since the hook is asked for its needs before they are installed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

RECIPE = Path("runtimes", "quickjs", "guest", "build.py")


class GuestBuildHook(BuildHookInterface[Any]):
    """Builds the guest if it is stale, that is if it does not fit today's sources."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs installed: nothing if the guest is fresh, else a compiler."""
        return self._recipe("--requirements").split()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the guest if it is stale.

        Raises:
            RuntimeError: it could not be built; the text says why.
        """
        del version, build_data
        self._recipe("--if-stale")

    def _recipe(self, option: str) -> str:
        command = [sys.executable, str(Path(self.root) / RECIPE), option]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"the guest could not be built\n{result.stderr.strip()}")
        return result.stdout
