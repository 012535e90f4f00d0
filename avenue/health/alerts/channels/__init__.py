"""Who is told of alerts: which levels by which channel, of the installation and of each site."""
