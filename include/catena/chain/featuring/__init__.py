"""From clean tables to features known at each decision, and what each of them costs."""
