"""From features to candidates: training sets, selection, recipes and their search, training and its replay."""
