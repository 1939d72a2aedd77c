"""What is shown of a version: its proof, its card, and how models age."""
