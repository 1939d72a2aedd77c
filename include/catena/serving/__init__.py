"""Scores for a frame of features, and their publication for applications."""
