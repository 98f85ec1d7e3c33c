"""A whole tree of supervisors under random failures: whatever happens, the rules hold."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ._world import WatchedGroup, World, everybody_below

RESTARTS = st.sampled_from(["permanent", "permanent", "transient", "temporary"])
STRATEGIES = st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"])
SHAPES = st.lists(st.lists(RESTARTS, max_size=3) | RESTARTS, min_size=1, max_size=4)
"""A root's children: workers, and groups of workers."""


class Tree(RuleBasedStateMachine):
    """Drives a root with workers and groups below it; `FakeChild` watches over what it is told."""

    @initialize(shape=SHAPES, data=st.data())
    def build(self, shape: list[Any], data: st.DataObject) -> None:
        self.world = World()
        self.root = self._group(None, data)
        for entry in shape:
            if isinstance(entry, str):
                self.world.worker(self.root, entry)  # type: ignore[arg-type]
                continue
            below = self._group(self.root, data)
            for restart in entry:
                self.world.worker(below, restart)
        self.world.launch(self.root)

    def _group(self, parent: WatchedGroup | None, data: st.DataObject) -> WatchedGroup:
        strategy = data.draw(STRATEGIES)
        return self.world.group(
            parent,
            strategy=strategy,
            ordered=strategy != "one_for_one" or data.draw(st.booleans()),
            restart=data.draw(RESTARTS),
            intensity=data.draw(st.integers(0, 4)),
            period=5.0,
            start_attempts=data.draw(st.integers(1, 3)),
            backoff=data.draw(st.sampled_from([0.0, 1.0])),
        )

    # -- what may happen ---------------------------------------------------------------------------

    def _one(self, data: st.DataObject, workers: list[Any]) -> Any:
        return data.draw(st.sampled_from(workers))

    @rule(times=st.integers(1, 5))
    def the_supervisor_works(self, times: int) -> None:
        for _ in range(times):
            self.world.handle_one()

    @precondition(lambda self: self.world.starting())
    @rule(data=st.data())
    def a_worker_gets_ready(self, data: st.DataObject) -> None:
        worker = self._one(data, self.world.starting())
        if not worker.halting:
            worker.get_ready()

    @precondition(lambda self: self.world.starting())
    @rule(data=st.data())
    def a_worker_fails_to_start(self, data: st.DataObject) -> None:
        self._one(data, self.world.starting()).fail_to_start()

    @precondition(lambda self: any(w.up for w in self.world.workers))
    @rule(data=st.data(), kind=st.sampled_from(["died", "died", "broken", "normal"]))
    def a_worker_exits(self, data: st.DataObject, kind: Any) -> None:
        worker = self._one(data, [w for w in self.world.workers if w.up])
        worker.end(kind, OSError("it"))

    @precondition(lambda self: self.world.ending())
    @rule(data=st.data())
    def a_worker_ends_as_told(self, data: st.DataObject) -> None:
        self._one(data, self.world.ending()).end("stopped")

    @rule(seconds=st.floats(0.1, 8))
    def time_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(data=st.data())
    def a_group_crashes(self, data: st.DataObject) -> None:
        self.world.crash(self._one(data, self.world.groups))

    @rule()
    def the_thread_is_lost(self) -> None:
        self.world.lose_thread(self.root)

    @rule(data=st.data())
    def a_child_is_stopped_for_good(self, data: st.DataObject) -> None:
        group = self._one(data, self.world.groups)
        if group.children:
            child = self._one(data, list(group.children))
            group.order(lambda: group.stop_child(child))

    @rule(data=st.data(), restart=RESTARTS)
    def a_child_is_added(self, data: st.DataObject, restart: Any) -> None:
        group = self._one(data, self.world.groups)
        group.order(lambda: self.world.worker(group, restart) and None)

    @rule(drain=st.sampled_from([None, 0.0, 3.0]))
    def somebody_shuts_it_down(self, drain: float | None) -> None:
        self.root.order(lambda: self.root.shutdown(drain))

    @rule()
    def everything_comes_to_rest(self) -> None:
        self.world.settle()
        self._check_rest()

    # -- what must hold ----------------------------------------------------------------------------

    @invariant()
    def who_is_closed_has_nobody_left(self) -> None:
        for group in self.world.groups:
            if group.finished.is_set():
                assert not group.members

    def _check_rest(self) -> None:
        if self.root.finished.is_set():
            assert all(worker.finished.is_set() for worker in self.world.workers)
            assert not self.world.live_alarms()
            return
        assert self.root.up
        for child in everybody_below(self.root):
            assert child.up, f"{child.name} is neither up nor gone"

    def teardown(self) -> None:
        if not hasattr(self, "root"):
            return
        self.world.settle()
        self._check_rest()
        self.root.order(lambda: self.root.shutdown(None))
        self.world.settle()
        assert self.root.finished.is_set()
        self._check_rest()


TestTree = Tree.TestCase
TestTree.settings = settings(
    max_examples=400,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
