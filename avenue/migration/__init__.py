"""Files from elsewhere into Avenue and out again."""
