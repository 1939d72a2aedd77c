"""Use cases, one package each, found by name: a package here that defines `USECASE` is declared."""
