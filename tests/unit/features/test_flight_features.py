"""The features of `flight_delays` against a slow, obvious computation from their meaning, and against poison."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from catena.features import compute_features
from catena.lake import arrow_schema
from catena.partitions import day_key, parse_day, shift_day, start_of
from usecases.flight_delays import USECASE
from usecases.flight_delays.features import FEATURES

DAY = "2013-03-10"  # the night on which daylight saving time begins in New York
NEW_YORK = ZoneInfo("America/New_York")
TABLES = {table.name: table for table in USECASE.tables}
SQL = USECASE.sql(FEATURES.sql)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Rows = dict[str, list[dict[str, Any]]]
PLANES = [
    {"tailnum": "N1", "built_year": 2001, "type": "Fixed wing", "engines": 2, "seats": 140, "engine": "Turbo-fan"},
    {"tailnum": "N2", "built_year": None, "type": "Fixed wing", "engines": None, "seats": None, "engine": None},
]


def flight(day: str, number: int, minute: int, *, carrier: str = "UA", origin: str = "EWR", dest: str = "LAX",
           tailnum: str | None = "N1", delay: int | None = 0, air: int = 100,
           arrival: int | None = 0) -> Rows:  # fmt: skip
    """Return the rows of one flight; `delay=None` is cancelled, `arrival=None` diverted."""
    local = datetime.combine(parse_day(day), datetime.min.time()) + timedelta(minutes=minute)
    scheduled = local.replace(tzinfo=NEW_YORK).astimezone(UTC)
    departed = None if delay is None else scheduled + delay * MINUTE
    if departed is None:
        known, arrival = scheduled + HOUR, None
    else:
        known = departed + (12 * HOUR if arrival is None else (air + 30) * MINUTE)
    facts = {
        "partition": day, "flight_id": f"{day}-{carrier}-{number}-{origin}", "event_time": scheduled,
        "carrier": carrier, "flight_number": number, "tailnum": tailnum, "origin": origin, "dest": dest,
        "scheduled_departure_at": scheduled,
    }  # fmt: skip
    plan = {"known_at": start_of(day) - 12 * HOUR, "scheduled_departure_local_min": minute, "distance_miles": 2000,
            "scheduled_arrival_local_min": (minute + 200) % 1440}  # fmt: skip
    outcome = {"known_at": known, "departed_at": departed, "departure_delay_min": delay, "arrival_delay_min": arrival,
               "air_time_min": air, "is_cancelled": delay is None,
               "is_diverted": delay is not None and arrival is None}  # fmt: skip
    return {"schedule": [facts | plan], "outcomes": [facts | outcome]}


def observation(at: datetime, origin: str, value: float) -> dict[str, Any]:
    columns = [column.name for column in TABLES["weather"].columns if column.type == "float64"]
    values = {name: value + index for index, name in enumerate(columns)} | {"precipitation_in": round(value / 100, 2)}
    return {"partition": day_key(at.astimezone(NEW_YORK).date()), "origin": origin, "event_time": at,
            "known_at": at + HOUR, **values}  # fmt: skip


def compute(rows: Rows, partitions: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Run the view and return the features by entity."""
    tables = {}
    for name in ("schedule", "outcomes", "weather", "planes"):
        schema = arrow_schema(TABLES[name])
        tables[name] = pa.Table.from_pylist(rows.get(name, []), schema=schema)
    table = compute_features(FEATURES, sql=SQL, tables=TABLES, rows=tables, partitions=list(partitions))
    return {row["entity"]: row for row in table.to_pylist()}


# -- the slow, obvious computation ------------------------------------------------------------------------------------


def share(of: list[bool]) -> float | None:
    return sum(of) / len(of) if of else None


def mean(of: list[int]) -> float | None:
    return sum(of) / len(of) if of else None


def minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def within(rows: list[dict[str, Any]], column: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the rows whose column lies after `start` and at or before `end`."""
    return [row for row in rows if row[column] is not None and start < row[column] <= end]


def by_hand(rows: Rows, item: dict[str, Any], earliest: datetime) -> dict[str, Any]:
    """Return the features of one scheduled flight, from nothing but what was known an hour before it."""
    at, day = item["scheduled_departure_at"] - HOUR, item["partition"]
    recent = (day, shift_day(day, -1))
    timetable = [r for r in rows["schedule"] if r["partition"] in recent and r["origin"] == item["origin"]]
    gone = [r for r in rows["outcomes"] if r["partition"] in recent and r["departed_at"] and r["departed_at"] <= at]
    ended = [r for r in rows["outcomes"] if r["partition"] in recent and r["known_at"] <= at]
    found: dict[str, Any] = {
        "partition": day, "entity": item["flight_id"], "decision_at": at, "known_at": at, "carrier": item["carrier"],
        "origin": item["origin"], "dest": item["dest"], "departure_weekday": parse_day(day).isoweekday(),
        "departure_local_min": item["scheduled_departure_local_min"], "distance_miles": item["distance_miles"],
        "departure_local_hour": item["scheduled_departure_local_min"] // 60, "scheduled_duration_min": 200,
        "origin_scheduled_1h_count": sum(
            abs(r["scheduled_departure_at"] - item["scheduled_departure_at"]) <= 30 * MINUTE for r in timetable),
    }  # fmt: skip
    plane = next((plane for plane in PLANES if plane["tailnum"] == item["tailnum"]), {})
    found["is_aircraft_known"] = bool(plane)
    found["aircraft_age_years"] = 2013 - plane["built_year"] if plane.get("built_year") else None
    found |= {f"aircraft_{name}": plane.get(name) for name in ("seats", "engines", "type", "engine")}
    found |= weather_by_hand(rows["weather"], item["origin"], recent, at)
    found |= trailing_by_hand(rows["outcomes"], item, earliest)

    from_origin = [r for r in gone if r["origin"] == item["origin"]]
    for hours in (1, 2, 3):
        some = within(from_origin, "departed_at", at - hours * HOUR, at)
        found[f"origin_departures_{hours}h_count"] = len(some)
        found[f"origin_late_departures_{hours}h_share"] = share([r["departure_delay_min"] > 15 for r in some])
        found[f"origin_departure_delay_mean_{hours}h_min"] = mean([r["departure_delay_min"] for r in some])
    own = [r for r in within(from_origin, "departed_at", at - 3 * HOUR, at) if r["carrier"] == item["carrier"]]
    found["carrier_origin_departures_3h_count"] = len(own)
    found["carrier_origin_late_departures_3h_share"] = share([r["departure_delay_min"] > 15 for r in own])
    found["carrier_origin_departure_delay_mean_3h_min"] = mean([r["departure_delay_min"] for r in own])
    settled = {r["flight_id"] for r in gone} | {r["flight_id"] for r in ended if r["is_cancelled"]}
    cancelled = {r["flight_id"] for r in ended if r["is_cancelled"]}
    open_ = [r for r in within(timetable, "scheduled_departure_at", at - 3 * HOUR, at) if r["flight_id"] not in settled]
    found["origin_backlog_3h_count"] = len(open_)
    found["origin_backlog_overdue_mean_min"] = mean([minutes(at - r["scheduled_departure_at"]) for r in open_])
    due = within(timetable, "scheduled_departure_at", at - 6 * HOUR, at)
    found["origin_cancelled_6h_share"] = share([r["flight_id"] in cancelled for r in due])
    arrived = [r for r in within(ended, "known_at", at - 6 * HOUR, at) if r["arrival_delay_min"] is not None]
    found["origin_arrived_late_6h_share"] = share(
        [r["arrival_delay_min"] > 15 for r in arrived if r["origin"] == item["origin"]])  # fmt: skip
    return found | previous_by_hand(rows, item, at, recent, gone, ended, settled)


def previous_by_hand(rows: Rows, item: dict[str, Any], at: datetime, recent: tuple[str, str],
                     gone: list[dict[str, Any]], ended: list[dict[str, Any]],
                     settled: set[str]) -> dict[str, Any]:  # fmt: skip
    same = [] if item["tailnum"] is None else [r for r in gone if r["tailnum"] == item["tailnum"]]
    last = max(same, key=lambda r: (r["departed_at"], r["flight_id"]), default=None)
    came = [r for r in ended if item["tailnum"] and r["tailnum"] == item["tailnum"]]
    came = [r for r in came if r["arrival_delay_min"] is not None]
    arrival = max(came, key=lambda r: (r["known_at"], r["flight_id"]), default=None)
    legs = [r for r in rows["schedule"] if r["partition"] in recent and item["tailnum"]]
    legs = [r for r in legs if r["tailnum"] == item["tailnum"] and r["flight_id"] not in settled]
    overdue = [minutes(at - r["scheduled_departure_at"])
               for r in within(legs, "scheduled_departure_at", at - 12 * HOUR, at)]  # fmt: skip
    return {
        "previous_departure_delay_min": last and last["departure_delay_min"],
        "previous_departure_age_min": last and minutes(at - last["departed_at"]),
        "previous_arrival_delay_min": arrival and arrival["arrival_delay_min"],
        "previous_due_overdue_min": max(overdue, default=None),
    }


def weather_by_hand(rows: list[dict[str, Any]], origin: str, recent: tuple[str, str], at: datetime) -> dict[str, Any]:
    names = [column.name for column in TABLES["weather"].columns if column.type == "float64"]
    known = {r["event_time"]: r for r in rows
             if r["origin"] == origin and r["partition"] in recent and r["known_at"] <= at}  # fmt: skip
    newest = max(known, default=None)
    if newest is None or newest <= at - 6 * HOUR:
        changes = ["temperature_change_3h_f", "pressure_change_3h_mbar", "visibility_change_3h_miles"]
        return dict.fromkeys([*names, *changes, "weather_age_min", "precipitation_6h_in"])
    now, before = known[newest], known.get(newest - 3 * HOUR)
    found = {name: now[name] for name in names} | {"weather_age_min": minutes(at - newest)}
    for name, change in (("temperature_f", "temperature_change_3h_f"), ("pressure_mbar", "pressure_change_3h_mbar"),
                         ("visibility_miles", "visibility_change_3h_miles")):  # fmt: skip
        found[change] = now[name] - before[name] if before else None
    rain = [r["precipitation_in"] for time, r in known.items() if time > at - 6 * HOUR]
    return found | {"precipitation_6h_in": sum(rain)}


def trailing_by_hand(rows: list[dict[str, Any]], item: dict[str, Any], earliest: datetime) -> dict[str, Any]:
    """Return the late rates of the days before, from what was known at the day's earliest decision."""
    day, found = item["partition"], {}
    groups: dict[str, Callable[[dict[str, Any]], Any]] = {
        "carrier": lambda r: r["carrier"],
        "route": lambda r: (r["origin"], r["dest"]),
        "origin": lambda r: r["origin"],
        "hour": lambda r: (r["origin"], r["scheduled_departure_at"].astimezone(NEW_YORK).hour),
        "flight": lambda r: (r["carrier"], r["flight_number"], r["origin"]),
    }
    for name, key in groups.items():
        for days in (7, 28):
            some = [r for r in rows if shift_day(day, -days) <= r["partition"] < day and r["known_at"] <= earliest
                    and r["arrival_delay_min"] is not None and key(r) == key(item)]  # fmt: skip
            found[f"{name}_late_{days}d_share"] = share([r["arrival_delay_min"] > 15 for r in some])
        found[f"{name}_arrivals_28d_count"] = len(some)
    return found


# -- worlds -----------------------------------------------------------------------------------------------------------

MINUTE_OF_DAY = st.integers(180, 1439).map(lambda minute: minute - minute % 5)
FLIGHTS = st.lists(
    st.fixed_dictionaries(
        {
            "back": st.sampled_from([0, 0, 1, 1, 1, 2, 7, 8, 28, 29]),
            "minute": MINUTE_OF_DAY,
            "carrier": st.sampled_from(["UA", "DL"]),
            "origin": st.sampled_from(["EWR", "JFK"]),
            "dest": st.sampled_from(["LAX", "BOS"]),
            "tailnum": st.sampled_from(["N1", "N2", "N3", None]),
            "delay": st.one_of(st.none(), st.integers(-20, 300)),
            "air": st.integers(20, 400),
            "arrival": st.one_of(st.none(), st.integers(-30, 300)),
        }
    ),
    min_size=16, max_size=40,
)  # fmt: skip
WEATHER = st.lists(
    st.tuples(st.integers(-24, 47), st.sampled_from(["EWR", "JFK"]), st.integers(0, 60)),
    max_size=60, unique_by=lambda item: item[:2],
)  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> Rows:
    """Return two months of a small airport system; the flights lie on a few days that matter around `DAY`."""
    planes = [plane | {"manufacturer": None, "model": None} for plane in PLANES]
    rows: Rows = {"schedule": [], "outcomes": [], "weather": [], "planes": planes}
    for number, facts in enumerate(draw(FLIGHTS)):
        made = flight(shift_day(DAY, -facts.pop("back")), number // 2, **facts)
        if made["schedule"][0]["flight_id"] not in {row["flight_id"] for row in rows["schedule"]}:
            rows["schedule"] += made["schedule"]
            rows["outcomes"] += made["outcomes"]
    midnight = start_of(DAY) + 5 * HOUR
    rows["weather"] = [observation(midnight + hour * HOUR, origin, value) for hour, origin, value in draw(WEATHER)]
    return rows


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()}


@settings(max_examples=20)
@given(worlds())
def test_features_equal_the_obvious_computation(rows: Rows) -> None:
    """Each feature of each flight is what its description says, computed row by row; also for two days in one pass."""
    wanted = [DAY, shift_day(DAY, -1)]
    found = compute(rows, wanted)
    decided = [item for item in rows["schedule"] if item["partition"] in wanted]
    assert set(found) == {item["flight_id"] for item in decided}
    for item in decided:
        day = [row["scheduled_departure_at"] for row in decided if row["partition"] == item["partition"]]
        assert rounded(found[item["flight_id"]]) == rounded(by_hand(rows, item, min(day) - HOUR))


@settings(max_examples=20)
@given(worlds(), st.integers(0, 10**6))
def test_nothing_from_after_the_decision_changes_a_feature(rows: Rows, pick: int) -> None:
    """Whatever becomes known after a decision may be absurd, be there twice or be missing: its features stay."""
    decided = [item for item in rows["schedule"] if item["partition"] == DAY]
    if not decided:
        return
    chosen = decided[pick % len(decided)]
    at = chosen["scheduled_departure_at"] - HOUR
    poisoned = rows | {"outcomes": [poison(row, at) for row in rows["outcomes"]], "weather": [
        row if row["known_at"] <= at else row | {"temperature_f": 9e9, "precipitation_in": 9e9}
        for row in rows["weather"]
    ]}  # fmt: skip
    ghost = flight(DAY, 99999, 1435, tailnum=chosen["tailnum"], origin=chosen["origin"], carrier=chosen["carrier"])
    poisoned["outcomes"] += [row | {"known_at": at + MINUTE, "departed_at": at + MINUTE} for row in ghost["outcomes"]]
    before, after = compute(rows, [DAY]), compute(poisoned, [DAY])
    assert after[chosen["flight_id"]] == before[chosen["flight_id"]]


def poison(row: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Return an outcome whose facts that are unknown at an instant are absurd, those of the departure apart."""
    if row["known_at"] > at:
        row = row | {"arrival_delay_min": 99_999, "air_time_min": -1, "is_cancelled": True, "is_diverted": True,
                     "carrier": "UA", "origin": "EWR", "dest": "LAX", "tailnum": "N1", "event_time": at,
                     "scheduled_departure_at": at, "known_at": row["known_at"] + 7 * MINUTE}  # fmt: skip
        if row["departed_at"] is None or row["departed_at"] > at:
            row = row | {"departure_delay_min": 99_999, "departed_at": at + MINUTE}
    return row
