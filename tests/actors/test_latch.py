"""What happens once is seen by all who wait, and by all who come later."""

from __future__ import annotations

import threading

import pytest

from actors._latch import Latch


def test_nobody_waits_for_what_has_happened() -> None:
    latch = Latch()
    assert not latch.is_set()
    assert not latch.wait(0)
    latch.set()
    latch.set()
    assert latch.is_set()
    assert latch.wait()
    assert latch.wait(0)


def test_all_who_wait_are_woken() -> None:
    latch, woken = Latch(), []
    threads = [
        threading.Thread(target=lambda: woken.append(latch.wait(10)), daemon=True)
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    latch.set()
    for thread in threads:
        thread.join(10)
    assert woken == [True] * 20


def test_a_wait_that_is_cut_off_takes_no_wake_up_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut:
        def acquire(self, timeout: float = 0.0) -> bool:
            if timeout:
                raise KeyboardInterrupt
            return True

        def release(self) -> None:
            raise AssertionError("nobody waits with this one any more")

    latch = Latch()
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Lock", Cut)
        with pytest.raises(KeyboardInterrupt):
            latch.wait()
    latch.set()
    assert latch.wait()
