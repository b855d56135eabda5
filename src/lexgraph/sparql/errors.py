"""What can go wrong with a stranger's query, each with a stable code."""

from __future__ import annotations


class SparqlError(Exception):
    """A query that has no result. `code` is stable and becomes the last part of the problem type."""

    code = "query-failed"

    def __init__(self, message: str) -> None:
        """Keep the message, which is fit for showing to the client."""
        super().__init__(message)
        self.message = message


class QueryRefused(SparqlError):
    """The query is understood and not allowed here. `code` says why; line and column count from 1."""

    def __init__(self, reason_code: str, message: str, *, line: int | None = None, column: int | None = None) -> None:
        """Refuse for the reason named by `reason_code`."""
        super().__init__(message)
        self.code = reason_code
        self.line = line
        self.column = column


class QuerySyntaxError(SparqlError):
    """The text is not a SPARQL 1.1 query. Line and column count from 1, where known."""

    code = "query-syntax"

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        """Keep the place besides the message."""
        super().__init__(message)
        self.line = line
        self.column = column


class UnknownGraph(SparqlError):
    """The dataset asked for by the protocol names a graph that is not here."""

    code = "unknown-graph"


class NotAcceptable(SparqlError):
    """No format the client accepts can carry this form of query. `offers` lists what could."""

    code = "not-acceptable"

    def __init__(self, message: str, offers: tuple[str, ...]) -> None:
        """Keep the media types on offer."""
        super().__init__(message)
        self.offers = offers


class QueryTimeout(SparqlError):
    """The query ran into the time limit and was killed."""

    code = "time-limit"


class QueryMemory(SparqlError):
    """The query ran into the memory limit and was killed."""

    code = "memory-limit"


class QueryTooLarge(SparqlError):
    """The result is over the size limit. It is never cut in silence."""

    code = "result-too-large"


class QueryBusy(SparqlError):
    """All workers are taken and the wait is over, or the queue is full."""

    code = "busy"


class QueryFailed(SparqlError):
    """The query is valid and cannot be evaluated, as when it calls a function that is not there."""

    code = "query-failed"


class EngineFailed(QueryFailed):
    """The engine came to grief over the query, which may not be at fault."""

    code = "engine-failed"


class HostUnavailable(SparqlError):
    """The host process did not start, or went away under the query. Asking again may work."""

    code = "unavailable"


class HostClosed(HostUnavailable):
    """The host was closed on purpose, as when a new snapshot takes over."""
