"""People, their tokens, second factors and links, in MongoDB."""
