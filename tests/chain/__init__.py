"""A package, so that its installation lives as long as its tests."""
