"""What a test of the score card found, and what its proof is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from catena.governance import Entry


@dataclass(frozen=True)
class Link:
    """A proof that a reader can open.

    Attributes:
        kind: `ledger` with the number of an entry, `page` with a path below the pages, `test` with its id, `table` as
            `name@version`.
        ref: which one.
        said: what it shows, in a few words.
        command: what shows it in a terminal; empty for a page.
    """

    kind: Literal["ledger", "page", "test", "table"]
    ref: str
    said: str
    command: str = ""


@dataclass(frozen=True)
class Finding:
    """The score of one test: 1 automated with evidence, 0.5 documented or by hand, 0 neither.

    Attributes:
        said: what was found, in a sentence.
        proof: where it stands; never empty for a score above 0.
        todo: what would produce the evidence that lacks; empty with a score of 1.
        warning: what the test found that is not as it should be, whatever it scores; the page says it in red.
    """

    score: float
    said: str
    proof: tuple[Link, ...] = ()
    todo: str = ""
    warning: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def automated(said: str, *proof: Link, warning: str = "") -> Finding:
    """Return the finding that a test is automated.

    Args:
        warning: what it found that is not as it should be; a test that is run scores, however it comes out.

    Raises:
        ValueError: without a proof.
    """
    if not proof:
        raise ValueError(f"nothing proves that {said!r}: no test passes by being declared")
    return Finding(1.0, said, proof, warning=warning)


def by_hand(said: str, todo: str, *proof: Link, warning: str = "") -> Finding:
    """Return the finding that a test is done in part, or by hand.

    Raises:
        ValueError: without a proof.
    """
    if not proof:
        raise ValueError(f"nothing proves that {said!r}: no test passes by being declared")
    return Finding(0.5, said, proof, todo, warning)


def absent(said: str, todo: str, *proof: Link, warning: str = "") -> Finding:
    """Return the finding that a test has no evidence, or evidence against it."""
    return Finding(0.0, said, proof, todo, warning)


def repeated(entries: Sequence[Entry], said: str, chain: str, *besides: Link, warning: str = "") -> Finding:
    """Return the finding on what is on record: automated where the chain made any of it, half where people alone did.

    Args:
        entries: the evidence, in order; never empty.
        chain: what makes the chain do it.
    """
    links = (*besides, *entry_links(entries))
    if all(is_by_hand(entry) for entry in entries):
        return by_hand(f"{said} By hand so far.", chain, *links, warning=warning)
    return automated(said, *links, warning=warning)


def is_by_hand(entry: Entry) -> bool:
    """Return whether a person started the run that made an entry: from the command line or in Airflow's UI."""
    return entry.run_id.startswith(("manual__", "cli-", "cli__"))


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def entry_link(entry: Entry, said: str = "") -> Link:
    """Return the link to a ledger entry."""
    words = said or f"{entry.kind} of {entry.subject}, {entry.partition}: {entry.decision}"
    return Link("ledger", str(entry.id), words, f"catena ledger {entry.usecase} --entry {entry.id}")


def entry_links(entries: Sequence[Entry], most: int = 3) -> tuple[Link, ...]:
    """Return the links to the newest few of some entries."""
    return tuple(entry_link(entry) for entry in list(entries)[-most:])


def table_link(usecase: str, table: str, version: int | None, said: str) -> Link:
    """Return the link to a version of a table."""
    at = "none" if version is None else str(version)
    more = "" if version is None else f" --version {version}"
    return Link("table", f"{table}@{at}", said, f"catena table {table} --usecase {usecase}{more} --limit 5")
