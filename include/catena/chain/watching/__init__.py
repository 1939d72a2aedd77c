"""What became of the scores: measures by day, the guard, alarms, costs, and the report."""
