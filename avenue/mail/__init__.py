"""Letters to people, by SMTP."""
