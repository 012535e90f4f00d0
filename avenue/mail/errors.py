"""What can go wrong with a letter. Nothing here names an address: errors reach logs and jobs."""

from avenue.errors import Unavailable, Unprocessable


class MailUnavailable(Unavailable):
    """The mail server is away, busy, not to be trusted, or does not want us; later may help."""

    code = "mail_unavailable"
    message = "The mail server does not take letters just now."
    hint = "Whoever runs the house finds the reason in AVENUE_SMTP_URL or at the mail server."


class MailRefused(Unprocessable):
    """The mail server will never take this letter, or its address is none."""

    code = "mail_refused"
    message = "The mail server refused this letter."
    hint = "Check the e-mail address."
