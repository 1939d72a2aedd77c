"""What became of the scores: measures by day, alarms, costs, and the report."""
