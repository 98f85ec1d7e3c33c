"""A worker under attack answers the next query, if need be on a new runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors import DefaultWorker, DefaultWorkerOptions, Eval, WorkerPool
from attacks.attack import COMPLETES
from attacks.corpus import attacks_of
from runtimes import Module

if TYPE_CHECKING:
    from actors import DefaultWorkerHandle
    from attacks.attack import Attack

pytestmark = [pytest.mark.attack, pytest.mark.timeout(120)]

ANSWER = Module("answer.js", "export const answer = () => 42;")
SELECTED = [
    ("loops", "catch swallows"),
    ("loops", "finally starts again"),
    ("jobs", "loop that leaves a chain behind"),
    ("jobs", "thenable that resolves with itself"),
    ("builtins", "reverse of a huge array-like"),
    ("builtins", "long search"),
    ("numbers", "nested stars"),
    ("numbers", "bytes moved in a loop"),
    ("memory", "numeric properties"),
    ("memory", "array buffers"),
    ("stubborn", "memory kept while it is retried"),
    ("stubborn", "thrown while full"),
    ("recursion", "function"),
    ("recursion", "proxies get"),
    ("recursion", "JSON text of arrays"),
    ("nesting", "result nested"),
    ("globals", "every global deleted"),
    ("tampering", "every function of every builtin"),
    ("errors", "throws a revoked proxy"),
    ("errors", "error whose stack loops"),
    ("results", "shared graph of arrays"),
    ("results", "promise of a cycle"),
    ("liars", "array emptied while it is read"),
    ("imports", "import() of /etc/passwd"),
    ("sources", "only a NUL"),
]
HARD_STOPPED = [("builtins", "reverse of a huge array-like"), ("builtins", "long search")]


def make_options(attack: Attack) -> DefaultWorkerOptions:
    """Return the attacked worker's options."""
    return DefaultWorkerOptions(
        timeout=attack.timeout,
        memory_limit_bytes=attack.memory_mib * 2**20,
        modules=[ANSWER],
        console=lambda event: None,
        **attack.options,
    )


def strike(attack: Attack, worker: DefaultWorkerHandle) -> None:
    """Let the attack loose on a worker, and check how it ends there."""
    error = worker.send(Eval(attack.script)).exception(timeout=60)
    assert (COMPLETES if error is None else type(error)) in attack.expect, repr(error)


@pytest.mark.parametrize(("kind", "name"), SELECTED)
def test_worker_answers_after_an_attack(kind: str, name: str) -> None:
    attack = attacks_of(kind)[name]
    with DefaultWorker.spawn(make_options(attack)) as worker:
        strike(attack, worker)
        assert worker.call_function("answer", module="answer.js", timeout=30) == 42


@pytest.mark.parametrize(("kind", "name"), HARD_STOPPED)
def test_worker_replaces_a_runtime_that_was_stopped_by_force(kind: str, name: str) -> None:
    attack = attacks_of(kind)[name]
    with DefaultWorker.spawn(make_options(attack)) as worker:
        before = worker.generation
        strike(attack, worker)
        assert worker.call_function("answer", module="answer.js", timeout=30) == 42
        assert worker.generation > before


def test_pool_answers_while_one_of_its_workers_is_under_attack() -> None:
    attack = attacks_of("loops")["catch swallows"]
    with WorkerPool(DefaultWorker, size=2, options=make_options(attack)) as pool:
        hostile = [pool.next_worker().send(Eval(attack.script)) for _ in range(3)]
        for _ in range(4):
            worker = pool.next_worker()
            assert worker.call_function("answer", module="answer.js", timeout=30) == 42
        for reply in hostile:
            assert type(reply.exception(timeout=30)) in attack.expect
