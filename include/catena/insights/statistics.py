"""The statistics that SQL lacks, by the names under which a question asks for them.

Each is a pure function of the rows that the question's SQL gives, in their order, and of the question's values; so an
answer comes out the same again. How each is computed belongs in its module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from catena.insights import associations, fulfilment, power, rates, shifts

Statistic = Callable[[pa.Table, Mapping[str, str]], list[dict[str, Any]]]

STATISTICS: dict[str, Statistic] = {
    "associations": associations.strongest_pairs,
    "fulfilment": fulfilment.fulfilment,
    "power": power.single_power,
    "rates_by_day": rates.rates_by_day,
    "rates_by_value": rates.rates_by_value,
    "shifts": shifts.shifts,
    "twins": power.twins,
}
