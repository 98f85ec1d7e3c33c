"""Which version of a package is installed, without paying for ``importlib.metadata``.

That module takes 15 ms to import (it brings ``email``, ``zipfile`` and more) and 2 ms a question,
which would be a quarter of the time from starting Python to the first result of a script.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def installed(package: ModuleType) -> str:
    """Return the version of the distribution that has the package's name and holds it.

    It is in the name of the folder that installers put beside the package; where that is missing or
    not unique, the slow way answers.

    Raises:
        importlib.metadata.PackageNotFoundError: There is no such distribution.
    """
    name = package.__name__
    prefix, suffix = f"{name}-", ".dist-info"
    try:
        beside = os.listdir(os.path.dirname(os.path.dirname(package.__file__ or "")))
    except OSError:
        beside = []
    found = [entry for entry in beside if entry.startswith(prefix) and entry.endswith(suffix)]
    if len(found) == 1:
        return found[0][len(prefix) : -len(suffix)]
    from importlib.metadata import version

    return version(name)
