"""A client of a schema registry that speaks Confluent's REST interface: Confluent's own, Karapace, Redpanda, Apicurio.

Nothing stays open between two calls: schemas are asked for once, so a kept connection would only have to be closed.
How messages name their schema belongs in `catena.streams.framing`.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from catena.streams.errors import LogMisconfigured, RegistryRefused, RegistryUnreachable, SchemaIncompatible

ANSWER_SECONDS = 10.0
USER, TOKEN = "basic.auth.user.info", "bearer.auth.token"
AUTHORITY, CERTIFICATE, KEY = "ssl.ca.location", "ssl.certificate.location", "ssl.key.location"
_OPTIONS = (USER, TOKEN, AUTHORITY, CERTIFICATE, KEY)
# By these a registry says that something is not there; any other 404 is somebody else's.
_NO_SUBJECT, _NO_VERSION, _NO_SCHEMA = 40401, 40402, 40403
_SETTINGS = "CATENA_SCHEMA_REGISTRY_URL and CATENA_SCHEMA_REGISTRY_CREDENTIALS"


class SchemaRegistry:
    """The schemas of one log.

    Args:
        log: name of the log, for errors.
        url: of the registry, without user and password.
        options: client options that hold secrets, by Confluent's names: `basic.auth.user.info` (`user:password`),
            `bearer.auth.token`, `ssl.ca.location`, `ssl.certificate.location`, `ssl.key.location`.

    Raises:
        LogMisconfigured: the URL or an option cannot be used.
    """

    def __init__(self, log: str, url: str, options: Mapping[str, Any]) -> None:
        self._log = log
        self._url = _checked_url(log, url)
        if unknown := sorted(set(options) - set(_OPTIONS)):
            raise LogMisconfigured(log, f"a schema registry has no options {unknown}.", f"There are {list(_OPTIONS)}.")
        user, _, password = str(options.get(USER, "")).partition(":")
        self._user = httpx.BasicAuth(user, password) if user else None
        self._headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        if TOKEN in options:
            self._headers["Authorization"] = f"Bearer {options[TOKEN]}"
        self._tls = self._url.startswith("https") and _tls(log, options)

    def register(self, subject: str, version: int, schema: str) -> int:
        """Return the id of a schema under a subject; a new one is registered if the registry finds it compatible.

        Args:
            subject: under which the schema stands.
            version: that the use case declares for it, for errors.
            schema: JSON Schema.

        Raises:
            SchemaIncompatible: it breaks the subject's compatibility rule.
            RegistryRefused: the registry refuses it for another reason.
            RegistryUnreachable: the registry does not answer.
        """
        place, asked = f"subjects/{quote(subject, safe='')}", {"schema": schema, "schemaType": "JSON"}
        known = self._post(place, asked, missing=(_NO_SUBJECT, _NO_SCHEMA))
        if known is None:
            check = f"compatibility/{place}/versions/latest?verbose=true"
            judged = self._post(check, asked, missing=(_NO_SUBJECT, _NO_VERSION))
            if judged is not None and judged.get("is_compatible") is not True:
                reasons = "; ".join(str(each) for each in judged.get("messages") or ["it gives no reason"])
                raise SchemaIncompatible(self._log, subject, version, reasons)
            made = self._answer("POST", f"{place}/versions", json.dumps(asked))
            if made.status_code == httpx.codes.CONFLICT:
                # Somebody registered another schema meanwhile, or the rule looks further back than the check did.
                raise SchemaIncompatible(self._log, subject, version, _message(made))
            known = self._content(made)
        return self._id(known)

    def kind_of(self, schema_id: int) -> str | None:
        """Return the kind of schema that an id names, None where it names none.

        Raises:
            RegistryRefused: the registry refuses to say.
            RegistryUnreachable: it does not answer.
        """
        answer = self._answer("GET", f"schemas/ids/{schema_id}")
        found = self._content(answer, missing=(_NO_SCHEMA,))
        # A registry leaves out its oldest kind.
        return None if found is None else str(found.get("schemaType", "AVRO"))

    def _post(self, path: str, asked: Mapping[str, str], missing: tuple[int, ...]) -> dict[str, Any] | None:
        return self._content(self._answer("POST", path, json.dumps(asked)), missing)

    def _content(self, answer: httpx.Response, missing: tuple[int, ...] = ()) -> dict[str, Any] | None:
        """Return what a registry answered, None where it says that a thing is not there."""
        found = _document(answer)
        if answer.status_code == httpx.codes.OK and found is not None:
            return found
        if answer.status_code == httpx.codes.NOT_FOUND and found is not None and found.get("error_code") in missing:
            return None
        said = f"the schema registry at {self._url} answers {answer.status_code}: {_message(answer)}."
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise RegistryUnreachable(self._log, said, "The next run reads on from here, once it serves again.")
        raise RegistryRefused(self._log, said, f"Check {_SETTINGS}, and what that user may do.")

    def _answer(self, method: str, path: str, content: str | None = None) -> httpx.Response:
        headers = {**self._headers, "Content-Type": "application/vnd.schemaregistry.v1+json"}
        try:
            with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False, verify=self._tls, auth=self._user) as client:
                return client.request(method, f"{self._url}/{path}", content=content, headers=headers)
        except httpx.TransportError as error:
            raise RegistryUnreachable(
                self._log, f"the schema registry at {self._url} does not answer: {str(error) or type(error).__name__}.",
                f"Check that it runs, and {_SETTINGS}.",
            ) from error  # fmt: skip

    def _id(self, found: Mapping[str, Any] | None) -> int:
        if found is None or type(found.get("id")) is not int:
            raise RegistryRefused(self._log, f"the schema registry at {self._url} names no id.", f"Check {_SETTINGS}.")
        return int(found["id"])


def _checked_url(log: str, url: str) -> str:
    parsed = httpx.URL(url)
    advice = "CATENA_SCHEMA_REGISTRY_URL is http(s)://host:port; CATENA_SCHEMA_REGISTRY_CREDENTIALS holds the secrets."
    if parsed.userinfo:
        # It would stand in each error.
        raise LogMisconfigured(log, "the schema registry's address holds a user or a password.", advice)
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise LogMisconfigured(log, f"{url!r} is no address of a schema registry.", advice)
    return url.rstrip("/")


def _tls(log: str, options: Mapping[str, Any]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.get(AUTHORITY))
        if CERTIFICATE in options:
            context.load_cert_chain(options[CERTIFICATE], options.get(KEY))
    except (OSError, TypeError) as error:
        problem = f"the certificates for the schema registry cannot be read ({type(error).__name__})."
        raise LogMisconfigured(log, problem, f"{AUTHORITY}, {CERTIFICATE} and {KEY} name PEM files.") from None
    return context


def _document(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _message(answer: httpx.Response) -> str:
    found = _document(answer)
    return str(found["message"]) if found and "message" in found else answer.reason_phrase
