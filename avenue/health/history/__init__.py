"""What was: snapshots once an hour, and the traffic between them."""
