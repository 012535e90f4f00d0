"""The past: hourly snapshots, and the traffic between them."""
