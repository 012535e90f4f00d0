"""How the deployment and a site are now, component by component."""
