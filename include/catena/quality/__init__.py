"""Quality: text becomes typed rows (`casts`), rules judge them (`rules`), and the verdict can be read (`page`).

Nothing is re-exported: `rules` loads Great Expectations, which who only reads a quarantine need not pay for.
"""
