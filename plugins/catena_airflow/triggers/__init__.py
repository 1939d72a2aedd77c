"""What waits in the triggerer, and gives hints."""
