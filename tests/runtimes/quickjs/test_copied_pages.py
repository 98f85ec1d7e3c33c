"""How much of the image a runtime has to copy: each page that it writes to."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import pytest

from runtimes import Module, QuickJSRuntime, RuntimeOptions

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc"),
    pytest.mark.skipif("JSACTORS_GUEST" in os.environ, reason="of the guest that is shipped"),
]

PAGE = 4096
PRESENT, OF_A_FILE = 1 << 63, 1 << 61


@pytest.fixture
def runtime() -> QuickJSRuntime:
    return QuickJSRuntime(RuntimeOptions(allocation="on_demand"))


def copied(runtime: QuickJSRuntime) -> int:
    """How many pages of its linear memory are a runtime's own."""
    instance = runtime._guest._instance
    count = len(instance.refresh()) // PAGE
    with Path("/proc/self/pagemap").open("rb") as pages:
        pages.seek(instance.address(0) // PAGE * 8)
        entries = struct.unpack(f"<{count}Q", pages.read(count * 8))
    return sum(1 for entry in entries if entry & PRESENT and not entry & OF_A_FILE)


def test_an_idle_runtime_copies_a_page_of_the_image_and_one_of_the_stack(
    runtime: QuickJSRuntime,
) -> None:
    assert copied(runtime) <= 2


def test_a_first_function_copies_few_pages(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("function minus(a, b) { return a - b; } minus(3, 2)") == 1
    assert copied(runtime) <= 10


def test_a_first_module_copies_few_pages(runtime: QuickJSRuntime) -> None:
    module = runtime.load_module(Module("m.js", "export const minus = (a, b) => a - b;"))
    assert runtime.call_function("minus", [3, 2], module=module) == 1
    assert copied(runtime) <= 10


def test_a_first_class_copies_few_pages(runtime: QuickJSRuntime) -> None:
    source = "class Pair { constructor(a, b) { this.all = [a, b]; } sum() { return this.all[0]; } }"
    assert runtime.evaluate(source + "JSON.stringify([new Pair(1, 2), 'x'.padEnd(3)])")
    assert copied(runtime) <= 14
