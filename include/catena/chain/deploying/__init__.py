"""What serves on each day: the fold of decisions, trials beside it, changes by hand, and the mirror of it all."""
