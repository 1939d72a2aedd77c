"""Model versions in MLflow, what may be loaded from them, and the decision on what serves."""
