"""The examples: each one runs by itself and says what its page says."""

import json
import os
import subprocess
import sys

import pytest

from ._pages import EXAMPLES, ROOT

EXPECTED = {
    "default_worker": [],
    "custom_worker": ["Price(item='tea', count=10, cents=3780)", "450"],
    "worker_pool": ["499999500000"],
    "host_functions": [
        "12",
        "7",
        "no such item: gold",
        "KeyError: the host function failed",
        "raised here: KeyError caused by KeyError('/etc/secret')",
    ],
    "modules_from_folder": [
        "['lib/slug.js', 'main.js', 'menu.json']",
        "[['First steps', '/docs/first-steps'], ['Limits & stops', '/docs/limits-stops'], "
        "['Worker pools', '/docs/worker-pools']]",
    ],
    "no_javascript": ["2"],
    "shared_memory": ["499999500000, and by NumPy 499999500000"],
    "worker_holding_workers": [
        r"['Dear Ann,\ntea is ready.', 'Dear Ben,\ntea is ready.']",
        r"['Dear Cid,\nthe cups are back.']",
        "2",
    ],
    "supervision_tree": [
        "504",
        "worker tree/shop/prices died while it ran Price: SystemExit('no such thing')",
        "420 in generation 2",
        "42",
        "prices worker 1",
        "rules pool 0",
    ],
    "checkpoints": ["after a crash there are 3 orders", "elsewhere there are 4 orders"],
    "tracing_terminal": [],
    "tracing_json": [],
    "asyncio_pool": ["7.00", "9.75", "27.50", "enough tea", "closed"],
    "asyncio_replies": [
        "[55, 500500, 500000500000]",
        "stopped after 0.2 s",
        "the loop was free meanwhile: True",
    ],
}


def run(*arguments: str) -> str:
    """Run Python as a newcomer would; return what it printed."""
    plain = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    environment = {name: value for name, value in os.environ.items() if name not in plain}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_every_example_has_an_expectation() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_prints_what_its_page_says(name: str) -> None:
    if name == "shared_memory":
        pytest.importorskip("numpy")
    lines = run(f"examples/{name}.py").splitlines()
    for expected in EXPECTED[name]:
        assert expected in lines


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_fits_on_a_page(name: str) -> None:
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert source.count("\n") <= 60


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_uses_the_public_doors_only(name: str) -> None:
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert not [
        line
        for line in source.splitlines()
        if line.startswith(("from actors.", "from runtimes.", "import actors.", "import runtimes."))
    ]


def test_the_terminal_shows_a_console_line_with_its_worker() -> None:
    (line,) = [
        line for line in run("examples/tracing_terminal.py").splitlines() if "console.line" in line
    ]
    assert "one and two is 3" in line
    assert "tracer" in line


def test_the_json_trace_holds_an_event_for_each_query_and_line() -> None:
    events = [json.loads(line) for line in run("examples/tracing_json.py").splitlines()]
    names = [event["event"] for event in events]
    assert names.count("query.done") == 3
    assert names.count("console.line") == 3
    assert names.count("worker.ready") == 2


def test_the_demo_loses_no_record() -> None:
    printed = run("-m", "actors.demo", "--orders", "1500")
    assert "8 of 8" in printed
    assert "1,500 of 1,500, each once" in printed
    assert "That was the tour" in printed
    assert "\033" not in printed
