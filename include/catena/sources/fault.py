"""The error of a delivery that cannot be read as a whole.

Faults of single rows are no errors: the rows are quarantined.
"""

from __future__ import annotations


class SourceFault(RuntimeError):
    """A delivery cannot be read; names the source, the broken rule and what to do next.

    Attributes:
        source: file or query.
        rule: short name of what is wrong, such as `missing_column`.
        problem: one sentence with the place in the file.
        advice: what to do next.
        may_pass: whether the same delivery may be whole at a later try: a file that is late, a connection that broke.
    """

    may_pass = False

    def __init__(self, source: str, rule: str, problem: str, advice: str, checksum: str = "") -> None:
        super().__init__(f"{source}: {rule}: {problem} {advice}")
        self.source = source
        self.rule = rule
        self.problem = problem
        self.advice = advice
        self.checksum = checksum


class MissingDelivery(SourceFault):
    """There is no file for the partition yet; no fault for a dataset that may be absent."""

    may_pass = True

    def __init__(self, source: str) -> None:
        super().__init__(
            source, "missing_file", "The file does not exist.", "Ask upstream for it, then run the partition again."
        )


class SourceDropped(SourceFault):
    """A database failed while it was read."""

    may_pass = True

    def __init__(self, source: str, rows: int, error: Exception) -> None:
        super().__init__(
            source,
            "source_dropped",
            f"The database failed after {rows} rows: {error}.",
            "Nothing was published; run the partition again when it is back.",
        )
