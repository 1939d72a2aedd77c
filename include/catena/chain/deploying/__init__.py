"""What serves on each day: the fold of decisions, trials beside it, changes by hand, and their mirror in the registry."""
