"""What the figures were measured on: machine, versions, load."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

PACKAGES = (
    "jsactors",
    "wasmtime",
    "pykka",
    "structlog",
    "msgspec",
    "ormsgpack",
    "orjson",
    "quickjs-ng",
    "quickjs-rs",
    "mini-racer",
    "jsrun",
)


def describe() -> dict[str, str]:
    """Return machine, versions, date and load as text, for print-outs and result files."""
    versions = [f"{name} {version}" for name in PACKAGES if (version := _version(name))]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(versions),
        "load": _load(),
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _load() -> str:
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return " ".join(f"{load:.2f}" for load in os.getloadavg())
