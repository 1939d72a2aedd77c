"""The part of NATS JetStream's protocol that an event log needs, on the asynchronous client.

Raises the client's own errors and JetStreamError; `catena.streams.jetstream` says what they mean for a log. Not used:
the client's own JetStream layer, whose publishing and fetching wait for each message.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError

from catena.streams.port import Message, Record

# Messages that wait for their acknowledgement at once: enough to hide the way to the server, small in memory.
IN_FLIGHT = 2_000
# A consumer that nobody asks is removed by the server after this time.
IDLE_SECONDS = 60
CONNECT_SECONDS = 5
RETRY_SECONDS = 0.2
ANSWER_SECONDS = 10.0
# The client looks at each letter of a header's name: a short one is read faster.
_KEY, _ID = "Key", "Nats-Msg-Id"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Printable and harmless in a header; all else is percent-encoded.
_SAFE = " !#$&'()*+,/:;=?@[]^`{|}~"


class JetStreamError(RuntimeError):
    """The server answered with an error; `code` is JetStream's own number, or the status of the message."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{description} ({code})")
        self.code = code


@dataclass(frozen=True)
class StreamState:
    """What a stream holds: sequences from `first` to before `next`."""

    created: str
    first: int
    next: int


class JetStreamClient:
    """One connection. It does not reconnect: a caller that meets an error makes a new one."""

    def __init__(self, url: str, credentials: dict[str, str], name: str) -> None:
        self._url = url
        self._credentials = credentials
        self._name = name
        self._client = Client()
        self._closed = asyncio.Event()

    async def connect(self) -> None:
        """Connect and log in; a server that does not answer at once is tried once more."""
        try:
            await self._client.connect(
                self._url,
                name=self._name,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=RETRY_SECONDS,  # type: ignore[arg-type] # fractions are allowed
                connect_timeout=CONNECT_SECONDS,
                error_cb=_ignore,
                closed_cb=self._note_closed,
                **self._credentials,  # type: ignore[arg-type]
            )
        except BaseException:
            await self._client.close()
            raise

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as is known here."""
        return self._client.is_connected

    async def call(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of JetStream's interface.

        Raises:
            JetStreamError: the answer is an error.
        """
        message = await self._client.request(f"$JS.API.{subject}", json.dumps(body).encode(), timeout=ANSWER_SECONDS)
        answer: dict[str, Any] = json.loads(message.data)
        if error := answer.get("error"):
            raise JetStreamError(int(error.get("err_code", error["code"])), error.get("description", "refused"))
        return answer

    async def state(self, stream: str) -> StreamState:
        """Return what a stream holds."""
        answer = await self.call(f"STREAM.INFO.{stream}", {})
        state = answer["state"]
        # A stream that never had a message says 0.
        return StreamState(answer["created"], max(state["first_seq"], 1), state["last_seq"] + 1)

    async def first_at(self, stream: str, at: datetime) -> int | None:
        """Return the sequence of the first message stored at or after a time, None where there is none."""
        body = json.dumps({"start_time": at.isoformat(), "batch": 1}).encode()
        message = await self._client.request(f"$JS.API.DIRECT.GET.{stream}", body, timeout=ANSWER_SECONDS)
        headers = message.headers or {}
        if (status := headers.get("Status")) is not None:
            if status == "404":
                return None
            raise JetStreamError(int(status), headers.get("Description", "no answer"))
        return int(headers["Nats-Sequence"])

    async def publish(self, subject: str, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """Publish messages and return the server's acknowledgements in their order.

        Raises:
            JetStreamError: the server refused one of them.
            ConnectionClosedError: the connection was lost.
            TimeoutError: no acknowledgement came for a while.
        """
        answers: dict[int, dict[str, Any]] = {}
        arrived = asyncio.Event()

        async def acknowledge(message: Msg) -> None:
            answers[int(message.subject.rpartition(".")[2])] = _acknowledgement(message)
            arrived.set()

        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(
            f"{inbox}.*", cb=acknowledge, pending_msgs_limit=0, pending_bytes_limit=0
        )
        try:
            for number, message in enumerate(messages):
                while number - len(answers) >= IN_FLIGHT:
                    await self._next(arrived, ANSWER_SECONDS)
                headers = {_ID: quote(message.id, safe=_SAFE), _KEY: quote(message.key, safe=_SAFE)}
                await self._client.publish(subject, message.value, reply=f"{inbox}.{number}", headers=headers)
            while len(answers) < len(messages):
                await self._next(arrived, ANSWER_SECONDS)
        finally:
            if self._client.is_connected:
                await subscription.unsubscribe()
        refused = [answer["error"] for answer in answers.values() if "error" in answer]
        if refused:
            raise JetStreamError(int(refused[0].get("err_code", refused[0]["code"])), refused[0]["description"])
        return [answers[number] for number in range(len(messages))]

    async def fetch(self, partition: int, place: str, limit: int, seconds: float) -> list[Record]:
        """Return up to `limit` records of the consumer `<stream>.<consumer>`, as soon as there are any.

        Raises:
            JetStreamError: 503 where the consumer is gone.
        """
        found: list[Record] = []
        failed: list[JetStreamError] = []
        done = asyncio.Event()

        async def deliver(message: Msg) -> None:
            headers = message.headers or {}
            status = headers.get("Status")
            if status is None:
                found.append(_record(partition, message, headers))
            elif status not in {"404", "408"}:
                failed.append(JetStreamError(int(status), headers.get("Description", "no answer").strip()))
            if status is not None or len(found) >= limit:
                done.set()

        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox, cb=deliver, pending_msgs_limit=0, pending_bytes_limit=0)
        # With both, the server answers at once with what there is, and waits only where there is nothing.
        wanted = {"batch": limit, "no_wait": True, "expires": int(max(seconds, 0.001) * 1e9)}
        try:
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{place}"
            await self._client.publish(subject, json.dumps(wanted).encode(), reply=inbox)
            await self._next(done, seconds + ANSWER_SECONDS)
        finally:
            if self._client.is_connected:
                await subscription.unsubscribe()
        if failed:
            raise failed[0]
        return found

    async def _next(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for an event; a lost connection ends the wait."""
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._closed.wait())]
        try:
            finished, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if waits[0] in finished:
            event.clear()
        elif finished:
            raise ConnectionClosedError
        else:
            raise TimeoutError(f"no answer within {seconds:.0f} s")

    async def _note_closed(self) -> None:
        self._closed.set()


async def _ignore(_: Exception) -> None:
    """Let the client not log by itself: each error reaches the caller by the call that it spoils."""


def _acknowledgement(message: Msg) -> dict[str, Any]:
    if not message.data:
        status = (message.headers or {}).get("Status", "0")
        return {"error": {"code": int(status), "description": "no stream takes this subject"}}
    answer: dict[str, Any] = json.loads(message.data)
    return answer


def _record(partition: int, message: Msg, headers: dict[str, str]) -> Record:
    # $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time in ns>.<pending>
    parts = message.reply.split(".")
    return Record(
        partition=partition,
        offset=int(parts[5]),
        id=unquote(headers.get(_ID, "")),
        key=unquote(headers.get(_KEY, "")),
        value=message.data,
        stored_at=_EPOCH + timedelta(microseconds=int(parts[7]) // 1000),
    )
