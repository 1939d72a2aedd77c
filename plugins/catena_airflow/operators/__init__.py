"""One operator for each link, one file for each operator."""
