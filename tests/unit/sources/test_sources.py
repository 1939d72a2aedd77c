"""Deliveries are read whole or refused, and rows know their lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from catena.declaration import Column, FileSource, SqlSource
from catena.sources import SourceFault, connection_url, read_file, read_query

DATA = Path(__file__).parents[2] / "data" / "flight_delays"
COLUMNS = (Column(name="a", type="int64", description="a"), Column(name="b", type="string", description="b"))


def test_a_truncated_archive_is_refused():
    """Half a compressed file is no shorter file."""
    with pytest.raises(SourceFault, match="truncated"):
        read_file(FileSource(path="truncated.csv.gz"), COLUMNS, str(DATA), "whole")


def test_lines_are_counted_through_quoted_line_breaks(tmp_path):
    """A line number leads to the place in the file, also after a value of two lines."""
    (tmp_path / "x.csv").write_text('a,b\n1,"x\ny"\n2,z\n')
    delivery = read_file(FileSource(path="x.csv"), COLUMNS, str(tmp_path), "whole")
    assert delivery.line_numbers.to_pylist() == [2, 4]


@pytest.mark.parametrize(
    "value",
    [
        "postgres://me:pw@db:5432/ops",
        '{"conn_type": "postgres", "login": "me", "password": "pw", "host": "db", "port": 5432, "schema": "ops"}',
    ],
)
def test_connections_come_as_uri_or_json(monkeypatch, value):
    """Both forms of an Airflow connection mean the same database."""
    monkeypatch.setenv("AIRFLOW_CONN_OPS", value)
    assert connection_url("ops") == make_url("postgresql+psycopg://me:pw@db:5432/ops")


def test_a_database_that_drops_amid_the_rows_delivers_nothing(postgres_url):
    """An error after the first rows refuses the delivery, it does not shorten it."""
    source = SqlSource(
        connection="ops",
        chunk_rows=10,
        query="SELECT 100 / (500 - n) AS a, 'x' AS b FROM generate_series(1, 1000) AS n",
    )
    with pytest.raises(SourceFault, match=r"source_dropped: The database failed after [1-9]\d* rows"):
        read_query(source, COLUMNS, make_url(postgres_url), "whole")


def test_the_order_of_a_query_does_not_matter(postgres_url):
    """The same rows in another order are the same delivery."""
    found = [
        read_query(
            SqlSource(connection="ops", query=f"SELECT n AS a, 'x' AS b FROM generate_series(1, 9) n ORDER BY n {way}"),
            COLUMNS,
            make_url(postgres_url),
            "whole",
        ).checksum
        for way in ("ASC", "DESC")
    ]
    assert found[0] == found[1]
