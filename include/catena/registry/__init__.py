"""Model versions in MLflow, what may be loaded from them, and the decision on what serves."""

from catena.settings import quiet_libraries

# MLflow decides when it is imported whether it reports its use: in a process that no server started, too.
quiet_libraries()
