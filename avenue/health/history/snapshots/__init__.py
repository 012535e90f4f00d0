"""What the deployment looked like, once an hour."""
