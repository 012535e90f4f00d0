"""General uploads go when their category keeps them no longer."""
