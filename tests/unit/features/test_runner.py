"""The runner on a view of its own: cuts, windows, grain, columns, and what SQL may not do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from catena.declaration import Column, FeatureInput, FeatureView, Table
from catena.features import (
    FutureExposed,
    MissingInput,
    RefusedSql,
    WrongColumns,
    WrongGrain,
    check_sql,
    check_view,
    compute_features,
    lake_columns,
)
from catena.lake import arrow_schema

NOON = datetime(2013, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def column(name: str, type_: str, **more: Any) -> Column:
    return Column.model_validate({"name": name, "type": type_, "description": "d", **more})


def table(name: str, *columns: Column, key: str = "id") -> Table:
    always = (column("partition", "string"), column("id", "string"), column("known_at", "timestamp"))
    return Table(name=name, description="d", owner="o", columns=(*always, *columns), primary_key=("partition", key))


TABLES = {
    "orders": table("orders", column("place", "string"), column("due_at", "timestamp"),
                    column("paid", "bool", known_at="paid_at"), column("paid_at", "timestamp", known_at="paid_at")),
    "sales": table("sales", column("place", "string"), column("amount", "int64"),
                   column("opened_at", "timestamp", known_at="opened_at"),
                   column("guess", "int64", known_at="opened_at")),
    "places": Table(name="places", description="d", owner="o", is_partitioned=False, primary_key=("place",),
                    columns=(column("place", "string"), column("size", "int64"))),
    "features": Table(name="features", description="d", owner="o", primary_key=("partition", "entity"), columns=(
        column("partition", "string"), column("entity", "string"), column("decision_at", "timestamp"),
        column("known_at", "timestamp"), column("total", "float64"), column("seen", "string"))),
}  # fmt: skip


def reading(**changes: Any) -> FeatureInput:
    facts = {"name": "sold", "table": "sales", "cut": "row", "columns": ("id", "place", "amount"), "lookback_days": 1}
    return FeatureInput.model_validate(facts | changes)


def view(*inputs: FeatureInput) -> FeatureView:
    return FeatureView(table="features", spine_table="orders", entity="id", decision_sql="due_at - INTERVAL 1 HOUR",
                       sql="view.sql", inputs=inputs)  # fmt: skip


def order(id_: str, due: datetime, day: str = "2013-01-05", known: datetime | None = None) -> dict[str, Any]:
    return {"partition": day, "id": id_, "known_at": known or NOON - 24 * HOUR, "place": "a", "due_at": due}


def sale(id_: str, known: datetime | None, amount: int = 1, day: str = "2013-01-05", **more: Any) -> dict[str, Any]:
    return {"partition": day, "id": id_, "known_at": known, "place": "a", "amount": amount} | more


def run(of: FeatureView, sql: str, partitions: tuple[str, ...] = ("2013-01-05",), **rows: Any) -> list[dict[str, Any]]:
    tables = {name: pa.Table.from_pylist(rows.get(name, []), schema=arrow_schema(TABLES[name]))
              for name in lake_columns(of, TABLES)}  # fmt: skip
    return compute_features(of, sql=sql, tables=TABLES, rows=tables, partitions=partitions).to_pylist()


PAIRS = """SELECT spine.entity, sum(amount) AS total, string_agg(sold_asof.id, ',' ORDER BY sold_asof.id) AS seen
           FROM spine LEFT JOIN sold_asof ON decision_entity = entity AND sold_asof.place = decision_place
           GROUP BY ALL"""
CUT = """SELECT spine.entity, sum(amount) AS total, string_agg(sold.id, ',' ORDER BY sold.id) AS seen
         FROM spine LEFT JOIN sold ON decision_partition = spine.partition GROUP BY ALL"""
NOTHING = "SELECT entity, NULL AS total, NULL AS seen FROM spine"


def test_a_pair_needs_a_row_known_at_the_decision() -> None:
    """A row known at the very instant of the decision counts; one a microsecond later, or never known, does not."""
    sales = [sale("on time", NOON), sale("late", NOON + timedelta(microseconds=1)), sale("never", None)]
    found = run(view(reading()), PAIRS, orders=[order("o", NOON + HOUR)], sales=sales)
    assert found == [{"partition": "2013-01-05", "entity": "o", "decision_at": NOON, "known_at": NOON, "total": 1.0,
                      "seen": "on time"}]  # fmt: skip


def test_a_partition_is_cut_at_its_earliest_decision() -> None:
    """All decisions of a day see the same rows: those known at the first of them."""
    orders = [order("early", NOON), order("late", NOON + 6 * HOUR)]
    sales = [sale("x", NOON - HOUR), sale("y", NOON)]
    found = run(view(reading(cut="partition")), CUT, orders=orders, sales=sales)
    assert [(row["entity"], row["seen"]) for row in found] == [("early", "x"), ("late", "x")]


@pytest.mark.parametrize(("cut", "sql"), [("row", PAIRS), ("partition", CUT)])
def test_days_together_equal_days_alone(cut: str, sql: str) -> None:
    """A day sees its lookback and no more, whichever other days are run with it."""
    days = [f"2013-01-0{n}" for n in range(1, 8)]
    starts = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in days]
    orders = [order(f"o{day}", start + 12 * HOUR, day, start - HOUR) for day, start in zip(days, starts, strict=True)]
    sales = [sale(f"s{day}", start - HOUR, 1, day) for day, start in zip(days, starts, strict=True)]
    declared = view(reading(cut=cut, lookback_days=2))
    together = run(declared, sql, tuple(days), orders=orders, sales=sales)
    alone = [row for day in days for row in run(declared, sql, (day,), orders=orders, sales=sales)]
    assert together == alone
    assert together[-1]["seen"] == "s2013-01-05,s2013-01-06,s2013-01-07"


def test_reference_data_is_seen_whole() -> None:
    """A static input is the table, without a cut."""
    places = reading(name="places", table="places", cut="static", columns=("place", "size"), lookback_days=0)
    sql = "SELECT entity, size AS total, NULL AS seen FROM spine JOIN places USING (place)"
    found = run(view(places), sql, orders=[order("o", NOON)], places=[{"place": "a", "size": 7}])
    assert found[0]["total"] == 7.0


def test_a_day_without_decisions_has_no_features() -> None:
    """An empty spine gives an empty table in the declared columns."""
    assert run(view(reading()), PAIRS, sales=[sale("x", NOON)]) == []


def test_a_column_known_later_than_the_cut_is_refused() -> None:
    """An input cut at `opened_at` may not show what is known at `known_at`, and the other way round."""
    with pytest.raises(FutureExposed, match="sold is cut at opened_at, but column place of sales is known at known_at"):
        check_view(view(reading(known_at="opened_at")), TABLES)
    with pytest.raises(FutureExposed, match=r"column guess .* Declare a second input with known_at='opened_at'"):
        check_view(view(reading(columns=("id", "guess"))), TABLES)
    check_view(view(reading(known_at="opened_at", columns=("partition", "id", "guess", "opened_at"))), TABLES)


def test_a_table_with_a_history_is_not_static() -> None:
    """Only unpartitioned reference tables have no history."""
    with pytest.raises(FutureExposed, match="sold is static, but sales has a history"):
        check_view(view(reading(cut="static")), TABLES)


def test_the_spine_hides_what_is_known_later() -> None:
    """The spine's columns with another instant are not in the relation."""
    with pytest.raises(duckdb.BinderException, match="paid"):
        run(view(), "SELECT entity, paid AS total, NULL AS seen FROM spine", orders=[order("o", NOON)])


def test_a_decision_before_its_row_is_known_is_refused() -> None:
    """Nobody can decide on an entity that nobody knows of yet."""
    with pytest.raises(FutureExposed, match=r"orders o: the decision .* comes before the row is known"):
        run(view(), NOTHING, orders=[order("o", NOON, known=NOON)])


def test_each_decision_gets_exactly_one_row() -> None:
    """A missing, a repeated and an invented entity are named."""
    orders = [order("o", NOON), order("p", NOON)]
    with pytest.raises(WrongGrain, match="p has 1 rows in the spine and 0 in the features"):
        run(view(), f"{NOTHING} WHERE entity = 'o'", orders=orders)
    with pytest.raises(WrongGrain, match="o has 1 rows in the spine and 2 in the features"):
        run(view(), f"{NOTHING} UNION ALL {NOTHING}", orders=orders)
    with pytest.raises(WrongGrain, match="ghost has 0 rows in the spine and 1"):
        run(view(), f"{NOTHING} UNION ALL SELECT 'ghost', NULL, NULL", orders=orders)


def test_columns_are_those_declared() -> None:
    """A missing and an undeclared column are named."""
    with pytest.raises(WrongColumns, match=r"does not select \['seen'\]"):
        run(view(), "SELECT entity, 1 AS total FROM spine", orders=[order("o", NOON)])
    with pytest.raises(WrongColumns, match=r"selects \['extra'\]"):
        run(view(), "SELECT entity, 1 AS total, '' AS seen, 2 AS extra FROM spine", orders=[order("o", NOON)])


def test_all_rows_must_be_given() -> None:
    """A table that was not read is an error, not an empty table."""
    rows = {"orders": arrow_schema(TABLES["orders"]).empty_table()}
    with pytest.raises(MissingInput, match="sales"):
        compute_features(view(reading()), sql=PAIRS, tables=TABLES, rows=rows, partitions=["2013-01-05"])


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT * FROM lake_sales", "lake_sales"),
        ("SELECT * FROM sold__rows", "sold__rows"),
        ("SELECT (SELECT max(amount) FROM sales) FROM spine", "sales"),
        ("WITH a AS (SELECT * FROM main.sold_asof) SELECT * FROM a", "main.sold_asof"),
        ("SELECT * FROM query_table('sold__rows')", "query_table"),
        ("SELECT * FROM query('SELECT 1')", "query"),
        ("SELECT * FROM read_csv('x.csv')", "read_csv"),
        ("SELECT * FROM 'x.parquet'", "x.parquet"),
        ("SELECT entity, now() FROM spine", "now"),
        ("SELECT entity, current_date FROM spine", "current_date"),
        ("SELECT entity FROM spine ORDER BY random()", "random"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("DROP TABLE spine", "no SELECT"),
        ("SELEKT", "no SELECT"),
    ],
)
def test_sql_beyond_the_inputs_is_refused(sql: str, named: str) -> None:
    """SQL reads the declared relations only, and asks neither clock nor chance."""
    with duckdb.connect(":memory:") as connection, pytest.raises(RefusedSql, match=named):
        check_sql(connection, sql, {"spine", "sold_asof"}, "view.sql")


def test_sql_may_name_its_own_parts() -> None:
    """Common table expressions, aliases such as `now.x` and series are no foreign relations."""
    sql = "WITH now AS (SELECT * FROM sold_asof) SELECT now.id, n FROM now, range(3) AS days(n), spine"
    with duckdb.connect(":memory:") as connection:
        check_sql(connection, sql, {"spine", "sold_asof"}, "view.sql")
