"""Backup: records and files in a repository outside the database, checked, and brought back."""
