"""What people look at before they train: profiles of tables, and signs of leakage."""
