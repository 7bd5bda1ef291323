"""How every edge, service, workload and namespace is doing, and why."""
