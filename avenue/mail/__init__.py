"""Email to people, by SMTP."""
