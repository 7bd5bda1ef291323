"""The mesh as configuration describes it: an immutable, indexed model, and resolvers over it."""
