"""Where files are brought in from: each place lists what it has and opens one of them."""
