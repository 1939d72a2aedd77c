"""Drains once and leaves, as a process of its own: `drain_once.py SETTINGS`, in JSON."""

from __future__ import annotations

import json
import sys

from catena.chain.streaming.stream import drain_streams
from catena.declared import declared_usecase
from catena.run import Run
from catena.settings import Settings
from catena.workspace import Workspace

workspace = Workspace(Settings(_env_file=None, **json.loads(sys.argv[1])))
outcome = drain_streams(workspace, declared_usecase("flight_delays"), Run("flight_delays", "stream", "once"))
workspace.engine.dispose()
sys.stdout.write(outcome.status)
