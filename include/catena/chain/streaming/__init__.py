"""From logs to the same clean tables: landing records, merging days, lag, gaps, and reconciling with the files."""
