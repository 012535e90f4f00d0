"""Fetching from the Internet what somebody named by its URL, and from nowhere else."""
