"""Kinds of errors of requests: how often, since when, where in the code."""
