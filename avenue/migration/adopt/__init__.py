"""Import of an earlier application's database into a site of Avenue."""
