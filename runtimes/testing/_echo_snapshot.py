"""`EchoRuntime`'s state as a `Snapshot`, and back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from runtimes.errors import SnapshotMismatch
from runtimes.snapshots import Snapshot
from runtimes.testing._echo_words import OWN_FUNCTIONS, HostWord, Own, Scope
from runtimes.values import undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runtimes.modules import Module

ENGINE: Final = "echo"
FINGERPRINT: Final = hashlib.sha256(b"EchoRuntime 1").digest()
_NAMES_OF_OWN: Final = {function: name for name, function in OWN_FUNCTIONS.items()}


class _Scope(msgspec.Struct):
    names: dict[str, tuple[str, Any]]
    name: str
    counted: int
    registered: tuple[str, Any] | None


class EchoState(msgspec.Struct):
    """All that an `EchoRuntime` knows."""

    globals: _Scope
    sources: list[tuple[str, str]]
    loaded: list[_Scope]
    main: str | None


def capture(
    names: Scope, sources: Mapping[str, Module], loaded: list[Scope], main: str | None
) -> Snapshot:
    """Write it down; modules in the order of their numbers."""
    state = EchoState(
        _written(names),
        [(module.name, module.source) for module in sources.values()],
        [_written(scope) for scope in loaded],
        main,
    )
    content = msgspec.msgpack.encode(state)
    return Snapshot(engine=ENGINE, fingerprint=FINGERPRINT, notes=b"", content=content)


def read(snapshot: Snapshot) -> EchoState:
    """Read what `capture` wrote.

    Raises:
        SnapshotMismatch: It is another engine's, or none.
    """
    snapshot.require(ENGINE, FINGERPRINT)
    try:
        return msgspec.msgpack.decode(snapshot.content, type=EchoState)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SnapshotMismatch(f"the snapshot is damaged: {error}") from None


def revive(written: _Scope, host: Mapping[str, Callable[..., Any]]) -> Scope:
    """Make a scope again, with the host functions of its new runtime.

    Raises:
        SnapshotMismatch: Some of those are missing, or it makes no sense.
    """
    known = [name for kind, name in written.names.values() if kind == "host"]
    if missing := tuple(sorted(name for name in known if name not in host)):
        raise SnapshotMismatch(
            f"the snapshot needs host functions {', '.join(missing)}", missing=missing
        )
    scope = Scope({}, written.name, written.counted)
    try:
        scope.names = {key: _value(entry, host) for key, entry in written.names.items()}
        if written.registered is not None:
            scope.registered = _value(written.registered, host)
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotMismatch(f"the snapshot is damaged: {error!r}") from None
    return scope


def _written(scope: Scope) -> _Scope:
    names = {key: _entry(value) for key, value in scope.names.items()}
    registered = None if scope.registered is None else _entry(scope.registered)
    return _Scope(names, scope.name, scope.counted, registered)


def _entry(value: Any) -> tuple[str, Any]:
    if isinstance(value, HostWord):
        return "host", value.name
    if isinstance(value, Own):
        return "own", _NAMES_OF_OWN[value]
    if value is undefined:
        return "undefined", None
    if isinstance(value, list):
        return "list", [_entry(each) for each in value]
    if isinstance(value, set):
        return "set", [_entry(each) for each in value]
    if isinstance(value, dict):
        return "dict", [(_entry(key), _entry(each)) for key, each in value.items()]
    return "plain", value


def _value(entry: tuple[str, Any], host: Mapping[str, Callable[..., Any]]) -> Any:
    kind, held = entry
    if kind == "host":
        return host[held]
    if kind == "own":
        return OWN_FUNCTIONS[held]
    if kind == "undefined":
        return undefined
    if kind in ("list", "set"):
        values = [_value(each, host) for each in held]
        return values if kind == "list" else set(values)
    if kind == "dict":
        return {_value(key, host): _value(each, host) for key, each in held}
    return held
