"""Whether a candidate serves: the gate's evidence, approval, the decision; and a version's way between environments."""
