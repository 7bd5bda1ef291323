"""Jobs: planning, running and committing."""
