"""What can go wrong with a letter. Nothing here names an address: errors reach logs and jobs."""

from avenue.errors import Unavailable, Unprocessable


class MailUnavailable(Unavailable):
    """The mail server is away, busy, not to be trusted, or does not want us; later may help."""

    code = "mail_unavailable"
    message = "The mail server is not accepting emails right now."
    hint = "The server administrator can find the reason in AVENUE_SMTP_URL or on the mail server."


class MailRefused(Unprocessable):
    """The mail server will never take this letter, or its address is none."""

    code = "mail_refused"
    message = "The mail server rejected this email."
    hint = "Check the email address."
