"""The doctor: problems of this deployment, their places and remedies."""
