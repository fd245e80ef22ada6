"""The refusals that the business knows, each with a text that tells its reader what to do."""


class Refusal(Exception):
    """A request that was understood and is not carried out.

    Parameters
    ----------
    detail
        The problem, and the remedy. It is shown to the caller, so it holds nothing internal, and
        of their input only what has been checked.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidRequest(Refusal):
    """The request has the wrong shape."""


class Unauthenticated(Refusal):
    """The caller did not prove who they are."""


class Forbidden(Refusal):
    """The caller may not do this, or there is nothing to do it with: the caller cannot tell which."""


class NotFound(Refusal):
    """The target does not exist, or belongs to another user; the answer does not reveal which."""


class Unprocessable(Refusal):
    """The request has the right shape and still cannot be carried out."""


class NotYet(Refusal):
    """The request cannot be carried out yet: something of ours that it needs is still under way."""


class PreconditionFailed(Refusal):
    """The target has changed since the caller read it."""


class PreconditionRequired(Refusal):
    """The caller has to say which state of the thing the request is about."""


class TooLarge(Refusal):
    """The request is larger than any that this application has a use for."""


class TooManyRequests(Refusal):
    """The caller asks more often than this application has a use for."""


class Overloaded(Exception):
    """A service behind us did not keep up; the same request can succeed in a moment."""
