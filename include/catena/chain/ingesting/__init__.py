"""From deliveries to clean tables: landing, judging, cleaning, quarantine, verdicts."""
