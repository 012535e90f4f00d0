"""The traffic of all web processes of the deployment together."""
