"""Measurements beside other ways to do the same work, ratios taken in one run."""
