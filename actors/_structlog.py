"""The program's structlog, if it has one: never imported here, since that takes 20 ms and more."""

from __future__ import annotations

import sys
from typing import Any


def configured() -> Any:
    """Return the module structlog if the program has imported and configured it, else None."""
    structlog = sys.modules.get("structlog")
    if structlog is None:
        return None
    # Another thread may be importing it at this moment: then it does not have all of its names.
    is_configured = getattr(structlog, "is_configured", None)
    return structlog if is_configured is not None and is_configured() else None
