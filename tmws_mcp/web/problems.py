"""Errors as problem details (RFC 9457): the tools' own errors and texts, with a status each.

To give an error another status, name it in `STATUSES`; the nearest of its bases counts.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from tmws_mcp import errors
from tmws_mcp.errors import TmwsError, TooOften
from tmws_mcp.model import Value
from tmws_mcp.model.problems import told
from tmws_mcp.server.guard import ERROR_CHARS_MAX

MEDIA_TYPE = "application/problem+json"
UNPROCESSABLE = "422"
RETRY_SECONDS = "1"

STATUSES: Mapping[type[TmwsError], HTTPStatus] = {
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.TooOften: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.FileError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.FederationOff: HTTPStatus.CONFLICT,
    errors.HubNotReached: HTTPStatus.BAD_GATEWAY,
    errors.NothingRan: HTTPStatus.FAILED_DEPENDENCY,
    errors.ActionError: HTTPStatus.FAILED_DEPENDENCY,
    errors.QuotaReached: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RegexesUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EmbedderUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Problem(Value):
    """What went wrong, and what to do about it."""

    type: str
    """`urn:tmws:problem:` and the name of the error."""
    title: str
    status: int
    detail: str
    """In words, for the caller."""


def problem(
    status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the response that tells of a problem."""
    told = Problem(
        type=f"urn:tmws:problem:{_slug(title)}",
        title=title,
        status=status,
        detail=detail[:ERROR_CHARS_MAX],
    )
    return JSONResponse(told.model_dump(), int(status), headers, media_type=MEDIA_TYPE)


def add_problems(app: FastAPI) -> None:
    """Answer each error of the application's routes with a problem."""
    app.add_exception_handler(TmwsError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, of_bug)


class Api(FastAPI):
    """An application whose OpenAPI tells that errors are problem details."""

    def openapi(self) -> dict[str, Any]:
        """Return the description of all routes, made once."""
        if self.openapi_schema is None:
            for item in super().openapi()["paths"].values():
                for route in item.values():
                    _tell_as_problems(route["responses"])
        assert self.openapi_schema is not None
        return self.openapi_schema


def _tell_as_problems(responses: dict[str, Any]) -> None:
    """Give problems their own media type; FastAPI knows one for all that a route says."""
    for status, response in list(responses.items()):
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        if schema.get("$ref", "").endswith(f"/{Problem.__name__}"):
            response["content"] = {MEDIA_TYPE: {"schema": schema}}
        elif "default" in responses and status == UNPROCESSABLE:
            del responses[status]  # FastAPI's own shape of errors, which ours replace


def status_of(error: TmwsError) -> HTTPStatus:
    """Return the status that an error is told with."""
    named = (STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    return next(named, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_of(error: TmwsError) -> Response:
    """Return the response that tells of an error of ours."""
    status = status_of(error)
    return problem(status, _words(type(error).__name__), str(error), _later(error, status))


def _later(error: TmwsError, status: HTTPStatus) -> Mapping[str, str] | None:
    """Say when it may be tried again, where that would help."""
    if isinstance(error, TooOften):
        return {"Retry-After": str(ceil(error.wait_seconds))}
    return {"Retry-After": RETRY_SECONDS} if status is HTTPStatus.SERVICE_UNAVAILABLE else None


async def _of_ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, TmwsError)
    return problem_of(error)


async def _of_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid input", _said(error))


def _said(error: RequestValidationError) -> str:
    """Return the tools' words for what does not fit: body and query are places of HTTP alone."""
    return told([{**one, "loc": tuple(one["loc"])[1:]} for one in error.errors()])


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title, headers = HTTPStatus(error.status_code).phrase, error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (known := _methods(request)):
        headers = {"Allow": ", ".join(known)}
    return problem(error.status_code, title, str(error.detail), headers)


def _methods(request: Request) -> list[str]:
    """Return what the path can be asked by: each method is a route, and knows but its own."""
    paths, path = request.app.openapi()["paths"], request.url.path
    # `/memories/batch` is no memory's id.
    fit = [path] if path in paths else (one for one in paths if compile_path(one)[0].match(path))
    return sorted(method.upper() for one in fit for method in paths[one])


async def of_bug(_: Request, _error: Exception) -> Response:
    """Tell no more than that it was a bug: the traceback is in the log."""
    detail = "An error of the server; its log (stderr) has the details."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", detail)


def _words(name: str) -> str:
    """Return the name of a class in words.

    >>> _words("StoreFull")
    'Store full'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).capitalize()


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")
