"""Views of the same findings for different readers; they do not judge."""
