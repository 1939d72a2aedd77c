"""What can go wrong with an event log, each error naming the log, the place in it and the next step."""

from __future__ import annotations


class StreamError(RuntimeError):
    """A log cannot be written or read.

    Attributes:
        log: name of the log.
        partition: its partition, None where all are concerned.
        offset: the place, None where there is none.
    """

    def __init__(self, log: str, problem: str, advice: str, partition: int | None = None, offset: int | None = None):
        place = log if partition is None else f"{log}:{partition}"
        place += "" if offset is None else f" at offset {offset}"
        super().__init__(f"{place}: {problem} {advice}")
        self.log = log
        self.partition = partition
        self.offset = offset


class BrokerNotReady(StreamError):
    """No broker is configured and the embedded one was never started."""


class BrokerUnreachable(StreamError):
    """The broker does not answer, or not in time."""


class UnknownLog(StreamError):
    """The broker has no log of that name."""


class LogMisconfigured(StreamError):
    """The broker's log is not the one that is declared."""


class PublishRefused(StreamError):
    """The broker answered and did not store the message."""


class OffsetGone(StreamError):
    """Retention has removed records that were not read.

    Attributes:
        begin: the oldest offset that the log still holds.
    """

    def __init__(self, log: str, partition: int, offset: int, begin: int) -> None:
        usecase, _, stream = log.partition(".")
        super().__init__(
            log,
            f"the log begins at offset {begin}; {begin - offset} offsets were removed before they were read.",
            "Load the missing time from the daily files, then go on from the log's beginning by: "
            f'catena stream resume {usecase} {stream} --accept-gap --reason "..."',
            partition,
            offset,
        )
        self.begin = begin


class OffsetAhead(StreamError):
    """What was read already is more than the log holds: it lost data, or it is another log.

    Attributes:
        end: the offset that the log's next record will get.
    """

    def __init__(self, log: str, partition: int, offset: int, end: int) -> None:
        super().__init__(
            log,
            f"the log ends at offset {end}.",
            "It was made anew or lost its newest records: compare its incarnation with the recorded one.",
            partition,
            offset,
        )
        self.end = end


class SequenceGap(StreamError):
    """A log that numbers records without gaps has one: a record was deleted.

    Attributes:
        found: the offset that came instead.
    """

    def __init__(self, log: str, partition: int, offset: int, found: int) -> None:
        super().__init__(
            log,
            f"offset {found} came instead; records between them were deleted.",
            "Find out who deleted them; load the missing time from the daily files.",
            partition,
            offset,
        )
        self.found = found


class RecordsMissing(StreamError):
    """A log says that it holds records, and does not hand them out in time."""

    def __init__(self, log: str, partition: int, offset: int, end: int) -> None:
        super().__init__(
            log,
            f"it ends at offset {end}, but nothing came.",
            "The broker is overloaded or recovering: the next run reads on from here.",
            partition,
            offset,
        )


class RegistryUnreachable(StreamError):
    """The schema registry does not answer, or not in time: nobody knows whether the records are good."""


class RegistryRefused(StreamError):
    """The schema registry answered, and not with what was asked for."""


class SchemaIncompatible(StreamError):
    """The schema registry refuses a new version of a schema.

    Attributes:
        subject: under which the schema stands.
        version: that the use case declares for it.
    """

    def __init__(self, log: str, subject: str, version: int, reasons: str) -> None:
        super().__init__(
            log,
            f"the schema registry refuses version {version} of subject {subject}: {reasons}.",
            "Change the schema, or the subject's compatibility rule at the registry; nothing was published.",
        )
        self.subject = subject
        self.version = version
