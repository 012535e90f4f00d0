"""Telling the edges what to forget: the addresses of public files that are not so any more."""
