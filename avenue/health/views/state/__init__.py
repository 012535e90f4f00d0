"""The present state of the deployment and of a site, by component."""
