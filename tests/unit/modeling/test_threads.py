"""How many threads numbers are worked out with."""

from __future__ import annotations

import json
import subprocess
import sys

_SCRIPT = """
import json
from catena.modeling.threads import fixed_threads

with fixed_threads():
    pass
import sklearn.ensemble
from threadpoolctl import threadpool_info, threadpool_limits

with threadpool_limits(limits=2), fixed_threads():
    inside = [found["num_threads"] for found in threadpool_info()]
with fixed_threads(2), fixed_threads():
    nested = [found["num_threads"] for found in threadpool_info()]
print(json.dumps([inside, nested]))
"""


def test_a_library_that_came_later_is_held_as_well() -> None:
    """Each library works with one thread, though it was loaded after the first look, and though more were asked for."""
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    inside, nested = json.loads(done.stdout)
    assert len(inside) >= 2
    assert set(inside) | set(nested) == {1}
