"""Whether a site works, for everybody: no numbers, no names, nothing of other sites."""
