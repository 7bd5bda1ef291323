"""Who calls whom, and where logs, traces and metrics tell it differently."""
