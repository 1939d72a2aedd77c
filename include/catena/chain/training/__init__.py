"""From features to candidates: training sets, recipes and their search, training, and the replay of a training."""
