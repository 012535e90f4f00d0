"""Backup: records and files in a repository outside the database, verified and restored."""
