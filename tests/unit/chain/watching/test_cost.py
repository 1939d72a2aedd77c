"""What links cost, from commits and the ledger."""

from __future__ import annotations

from time import process_time

from catena.chain.watching.cost import costs, enter_costs, record_cost
from catena.chain.watching.monitor import monitor_partition
from catena.run import Outcome, Run


def test_commits_and_entries_add_up_by_month_and_link(world):
    """A run counts once with what it had spent at its last commit; a link without tables by its entry in the ledger."""
    run = Run("parcels", "monitor", "m1", code_version="test")
    began = process_time()
    monitor_partition(world.workspace, world.usecase, "2013-02", run)
    spent = process_time() - began
    for number in range(2):
        training = Run("parcels", "train", f"t{number}", code_version="test")
        record_cost(world.workspace, training, "2013-01", Outcome("published", "trained"))
        record_cost(world.workspace, training, "2013-01", Outcome("skipped", "nothing to do"))
    record_cost(world.workspace, run, "2013-02", Outcome("published", "its commit says so already"))
    found = {(cost.month, cost.link): cost for cost in costs(world.workspace, world.usecase)}
    assert found["2013-01", "train"].runs == 2
    # Of the month, beside the one before, one entry: the report cites it, and other costs are another one.
    assert enter_costs(world.workspace, world.usecase, "2013-02", run)
    assert not enter_costs(world.workspace, world.usecase, "2013-02", run)
    (entry,) = world.workspace.ledger.entries("parcels", kind="cost")
    links = {each["link"]: each for each in entry.payload["links"]}
    assert (links["train"]["cpu_s"], links["train"]["before_cpu_s"]) == (0.0, found["2013-01", "train"].cpu_s)
    assert links["monitor"]["cpu_s"] == found["2013-02", "monitor"].cpu_s
    monitored = found["2013-02", "monitor"]
    assert monitored.runs == 1
    assert 0 < monitored.cpu_s <= spent + 0.1
