"""What can go wrong with an installation, each error naming the place and the next step."""

from __future__ import annotations


class PlatformError(RuntimeError):
    """An installation could not do what was asked; the message says what to do next."""


class NotRunning(PlatformError):
    """Something was asked of an installation that is not running."""


class PortTaken(PlatformError):
    """Another program listens on a port that a component needs."""


class ComponentFailed(PlatformError):
    """A component ended or never became healthy; the message names its log."""
