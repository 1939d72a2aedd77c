"""A double of a schema registry: a real HTTP server that speaks the part of Confluent's REST interface that is used.

What it cannot show, so that only a real registry can: its compatibility rule knows one thing alone, that no version may
require a field of `data` which the newest one does not require (a part of BACKWARD); schemas are compared as JSON, not
normalised; there are no contexts, references, modes, deletions or rules by subject, no replicas that lag behind, no
TLS; nothing is on disk. Its codes and bodies follow the published reference, not a server that was watched.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

NOT_FOUND = {40401: "Subject '{}' not found.", 40402: "Version not found.", 40403: "Schema not found"}


class RegistryDouble:
    """State of the double, and what it was asked.

    Attributes:
        subjects: schemas of each subject, oldest first, as ids.
        asked: `METHOD path` of each request, in order.
        authorization: the header that a request must carry, None: none.
        failing: status and body that every request gets instead, None: none.
    """

    def __init__(self) -> None:
        self.url = ""
        self.schemas: dict[int, dict[str, Any]] = {}
        self.subjects: dict[str, list[int]] = {}
        self.asked: list[str] = []
        self.authorization: str | None = None
        self.failing: tuple[int, str] | None = None

    def require_user(self, user: str, password: str) -> None:
        """Refuse whoever does not say this user and password."""
        self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def put(self, subject: str, schema: str, kind: str = "JSON") -> int:
        """Register a schema; equal ones have one id, whatever their subject."""
        found = {"schema": schema, "schemaType": kind}
        schema_id = self._id(found) or 101 + len(self.schemas)
        self.schemas[schema_id] = found
        if schema_id not in self.subjects.setdefault(subject, []):
            self.subjects[subject].append(schema_id)
        return schema_id

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and body."""
        match method, [unquote(part) for part in path.strip("/").split("/")]:
            case "GET", ["schemas", "ids", number]:
                found = self.schemas.get(int(number))
                return _missing(40403) if found is None else (200, found)
            case "POST", ["subjects", subject]:
                return self._looked_up(subject, body)
            case "POST", ["compatibility", "subjects", subject, "versions", "latest"]:
                reasons = self._incompatible(subject, body)
                known = subject in self.subjects
                return (200, {"is_compatible": not reasons, "messages": reasons}) if known else _missing(40401, subject)
            case "POST", ["subjects", subject, "versions"]:
                if reasons := self._incompatible(subject, body):
                    return 409, {"error_code": 409, "message": f"incompatible with an earlier schema: {reasons}"}
                return 200, {"id": self.put(subject, body["schema"], body["schemaType"])}
        return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}

    def _looked_up(self, subject: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if subject not in self.subjects:
            return _missing(40401, subject)
        schema_id = self._id(body)
        if schema_id not in self.subjects[subject]:
            return _missing(40403)
        version = self.subjects[subject].index(schema_id) + 1
        return 200, {"subject": subject, "version": version, "id": schema_id, "schema": body["schema"]}

    def _id(self, found: dict[str, Any]) -> int | None:
        wanted = json.loads(found["schema"]), found["schemaType"]
        known = ((number, json.loads(each["schema"]), each["schemaType"]) for number, each in self.schemas.items())
        return next((number for number, *same in known if tuple(same) == wanted), None)

    def _incompatible(self, subject: str, body: dict[str, Any]) -> list[str]:
        if subject not in self.subjects:
            return []
        newest = self.schemas[self.subjects[subject][-1]]["schema"]
        before, now = (set(json.loads(each)["properties"]["data"]["required"]) for each in (newest, body["schema"]))
        return [f"'data' requires '{name}', which the newest version does not" for name in sorted(now - before)]


def _missing(code: int, of: str = "") -> tuple[int, dict[str, Any]]:
    return 404, {"error_code": code, "message": NOT_FOUND[code].format(of)}


@contextmanager
def registry_double() -> Iterator[RegistryDouble]:
    """Serve a double on loopback."""
    double = RegistryDouble()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
            path = urlsplit(self.path).path
            double.asked.append(f"{self.command} {unquote(path)}")
            if double.failing is not None:
                status, text = double.failing
            elif double.authorization not in (None, self.headers.get("Authorization")):
                status, text = 401, json.dumps({"error_code": 401, "message": "Unauthorized"})
            else:
                status, found = double.answer(self.command, path, body)
                text = json.dumps(found)
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = _serve

        def log_message(self, *_: Any) -> None:
            """Say nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()
            thread.join()
