"""What all web processes of the deployment have answered together."""
