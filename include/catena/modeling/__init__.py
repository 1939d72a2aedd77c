"""Training sets, fitting, the declared baseline and metrics; functions of frames that know no lake and no registry."""
