"""The CRM's API: requests, and the meaning of responses."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote

from componentize_py_types import Err
from wit_world.imports import http_client, settings
from wit_world.imports.http_client import (
    Header,
    HttpError_Forbidden,
    HttpError_Interrupted,
    HttpError_NotConnected,
    HttpError_Timeout,
    HttpError_TooLarge,
    OutboundRequest,
    OutboundResponse,
)
from wit_world.imports.plugin_types import Error_Failed, Error_Invalid, Error_NotFound, Error_Unavailable

from contact import Contact, maybe_text, readable

# The CRM's maximum page size.
LIMIT_MAX = 50
# The maximum length of a search text, in characters.
QUERY_MAX = 200
# The timeout of one request. The app waits about five seconds for all of them.
PATIENCE_MS = 2000


@dataclass
class Page:
    contacts: list[Contact]
    next_cursor: str | None


def contacts(**parameters: str | int | None) -> Page:
    """Reads a page of contacts."""
    given = (f"{name}={quote(str(value), safe='')}" for name, value in parameters.items() if value is not None)
    page = read("/contacts?" + "&".join(given))
    if page is None:
        raise Err(Error_Failed("the CRM returned 404"))
    readable(isinstance(page.get("contacts"), list))
    return Page([Contact.of(each) for each in page["contacts"]], maybe_text(page.get("next_cursor")))


def contact(id: str) -> Contact:
    """Returns the contact with this id."""
    found = read(f"/contacts/{id}")
    if found is None:
        raise Err(Error_NotFound())
    return Contact.of(found)


def read(path: str) -> dict[str, Any] | None:
    """Reads a path; None for status 404."""
    crm = settings.get("crm")
    if crm is None:
        raise Err(Error_Failed("the setting `crm` is missing: the CRM's address"))
    answer = ask(crm.rstrip("/") + path)
    if answer.status == 404:
        return None
    if answer.status != 200:
        refuse(answer)
    value = parse(answer.body)
    readable(isinstance(value, dict))
    return value


def parse(body: bytes) -> Any:
    def not_json(word: str) -> NoReturn:
        raise ValueError(word)

    try:
        # By default, json accepts NaN and Infinity.
        return json.loads(body.decode(), parse_constant=not_json)
    except (ValueError, RecursionError):
        return None


def ask(url: str) -> OutboundResponse:
    headers = [Header("accept", "application/json")]
    try:
        return http_client.send(OutboundRequest("GET", url, headers, b"", PATIENCE_MS))
    except Err as error:
        raise Err(unanswered(error.value)) from None


def refuse(answer: OutboundResponse) -> NoReturn:
    """Distinguishes retryable errors, for the gateway and its operator."""
    match answer.status:
        case 400:
            raise Err(Error_Invalid("the CRM rejected the request (400)"))
        case 401 | 403:
            raise Err(Error_Failed(f"the CRM rejected the token ({answer.status})"))
        case 429:
            times = (field.value for field in answer.headers if field.name.lower() == "retry-after")
            when = "".join(f" (retry-after: {time})" for time in list(times)[:1])
            raise Err(Error_Unavailable(f"too many requests to the CRM{when}"))
        case status:
            error = Error_Unavailable if status >= 500 else Error_Failed
            raise Err(error(f"the CRM returned {status}"))


def unanswered(error: http_client.HttpError) -> Error_Failed | Error_Unavailable:
    match error:
        case HttpError_Timeout():
            return Error_Unavailable("the request to the CRM timed out")
        case HttpError_NotConnected(why):
            return Error_Unavailable(f"failed to reach the CRM: {why}")
        case HttpError_Interrupted(why):
            return Error_Unavailable(f"the CRM's response was interrupted: {why}")
        case HttpError_Forbidden(why):
            return Error_Failed(why)
        case HttpError_TooLarge():
            return Error_Failed("the CRM's response is too large")
