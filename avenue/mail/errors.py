"""Errors of sending email. None of them contains an address: errors reach logs and jobs."""

from avenue.errors import Unavailable, Unprocessable


class MailUnavailable(Unavailable):
    """The mail server is unreachable, busy, not trusted, or refuses us; retrying may help."""

    code = "mail_unavailable"
    message = "The mail server is not accepting emails right now."
    hint = "The server administrator can find the reason in AVENUE_SMTP_URL or on the mail server."


class MailRefused(Unprocessable):
    """The mail server rejected the address for good, or the email is invalid."""

    code = "mail_refused"
    message = "The mail server rejected this email."
    hint = "Check the email address."
