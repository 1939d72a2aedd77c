"""Quality: text becomes typed rows, rules judge them, and the verdict can be read."""

from catena.quality.casts import typed
from catena.quality.page import render
from catena.quality.rules import judge, rule_name
from catena.quality.verdict import Failures, Judgement, RuleResult, Verdict

__all__ = ["Failures", "Judgement", "RuleResult", "Verdict", "judge", "render", "rule_name", "typed"]
