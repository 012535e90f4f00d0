"""Retention: removes general uploads at the end of their category's retention time."""
