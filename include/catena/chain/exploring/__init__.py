"""What people look at before they train: profiles, leakage, and the selection of features."""
