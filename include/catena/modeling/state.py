"""What a fitted estimator is made of, as names and values: equal for equal models, in memory or from a file.

A skops file is no such thing: it is a zip that holds the time of writing and addresses of objects, so that the same
model makes another file a second later. How a file is checked belongs in `catena.registry.model_file`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from catena.modeling.snapshot import canonical

# Which library wrote an estimator is told by the environment; here it would make equal numbers differ.
_LEFT_OUT = {"_sklearn_version"}


def fingerprint(estimator: Any, scores: npt.NDArray[np.float64]) -> dict[str, str]:
    """Return the digests of an estimator's parameters and of its scores."""
    return {"parameters": parameters_digest(state_of(estimator)), "predictions": scores_digest(scores)}


def parameters_digest(state: Mapping[str, str]) -> str:
    """Return the SHA-256 of an estimator's state."""
    return hashlib.sha256(canonical(dict(state))).hexdigest()


def scores_digest(scores: npt.NDArray[np.float64]) -> str:
    """Return the SHA-256 of scores, bit for bit and in their order."""
    return hashlib.sha256(np.ascontiguousarray(scores, dtype="<f8").tobytes()).hexdigest()


def state_of(estimator: Any) -> dict[str, str]:
    """Return the settings and the fitted parameters by their path, such as `steps[1][1].coef_`.

    Numbers and texts are told as they are, arrays by type, shape and digest.
    """
    found: dict[str, str] = {}
    _walk(estimator, "", found, ())
    return found


def state_differences(recorded: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return each path whose value is not the same, with both values."""
    names = dict.fromkeys([*recorded, *found])
    return [
        f"{name or 'the estimator'}: {recorded.get(name, 'not there')} -> {found.get(name, 'not there')}"
        for name in names
        if recorded.get(name) != found.get(name)
    ]


def _walk(value: Any, path: str, found: dict[str, str], above: tuple[int, ...]) -> None:
    if (text := _text(value)) is not None:
        found[path] = text
        return
    if id(value) in above:
        found[path] = f"is what holds it, {len(above) - above.index(id(value))} levels up"
        return
    for name, part in _parts(value, path, found):
        _walk(part, f"{path}{name}".lstrip("."), found, (*above, id(value)))


def _text(value: Any) -> str | None:
    """Return what says a value whole, None where it has parts."""
    if isinstance(value, np.generic) and value.dtype.names is None:
        value = value.item()
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, np.dtype | slice | range):
        return repr(value)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{_type(value.dtype)}{value.shape} {hashlib.sha256(_bytes(value)).hexdigest()[:16]}"
    return None


def _type(dtype: Any) -> str:
    return str(dtype) if dtype.names is None else f"record of {len(dtype.names)} fields"


def _bytes(value: npt.NDArray[Any]) -> bytes:
    """Return an array's values without the padding between the fields of a record, which is arbitrary."""
    if value.dtype.names is None:
        return np.ascontiguousarray(value).tobytes()
    return b"".join(name.encode() + _bytes(value[name]) for name in value.dtype.names)


def _parts(value: Any, path: str, found: dict[str, str]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, np.ndarray):
        found[path] = f"objects{value.shape}"
        yield from ((f"[{at}]", part) for at, part in enumerate(value.ravel().tolist()))
    elif isinstance(value, list | tuple):
        found[path] = f"{type(value).__name__} of {len(value)}"
        yield from ((f"[{at}]", part) for at, part in enumerate(value))
    elif isinstance(value, set | frozenset):
        found[path] = f"{type(value).__name__} {sorted(map(repr, value))}"
    elif isinstance(value, Mapping):
        found[path] = f"mapping of {len(value)}"
        yield from ((f"[{key!r}]", value[key]) for key in sorted(value, key=repr))
    else:
        yield from _members(value, path, found)


def _members(value: Any, path: str, found: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield what an object would be built from again, by Python's protocol for copies."""
    make, arguments, *rest = value.__reduce_ex__(4)
    found[path] = f"{type(value).__module__}.{type(value).__qualname__}"
    if getattr(make, "__name__", "") != "__newobj__":
        yield "(made by)", make
    # The first argument of a new object is its class.
    yield from ((f"(argument {at})", part) for at, part in enumerate(arguments) if part is not type(value))
    state = rest[0] if rest else None
    if isinstance(state, Mapping):
        yield from ((f".{name}", state[name]) for name in sorted(state, key=str) if name not in _LEFT_OUT)
    elif state is not None:
        yield "(state)", state
