"""What the serving versions say of each day, and whether they read what training reads."""
