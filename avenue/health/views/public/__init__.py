"""The public status of a site: no numbers, no names, nothing of other sites."""
