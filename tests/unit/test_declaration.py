from __future__ import annotations

import pytest
from pydantic import ValidationError

from catena.declaration import Between, Column, Dataset, EventType, FileSource, Proof, SqlSource, Stream, Table, UseCase
from catena.declared import UnknownUseCase, declared_usecase, declared_usecases
from catena.lake import lake_tables

KEY = Column(name="k", type="string", nullable=False, description="Key.")


def table(**changes: object) -> Table:
    fields = {"name": "t", "description": "d", "owner": "o", "columns": (KEY,), "primary_key": ("k",)}
    return Table.model_validate(fields | {"is_partitioned": False} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"primary_key": ("other",)}, r"table t: primary key columns \['other'\] are not declared"),
        ({"is_partitioned": True}, "table t: a partitioned table declares the column 'partition'"),
        ({"name": "Not A Name"}, "String should match pattern"),
        ({"surprise": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_table_that_cannot_be_is_refused(changes, message):
    """A declaration that contradicts itself fails where it is written, with the name of what is wrong."""
    with pytest.raises(ValidationError, match=message):
        table(**changes)


def test_a_declaration_does_not_change():
    """Nothing that runs can alter what was declared."""
    with pytest.raises(ValidationError, match="frozen"):
        table().name = "other"


def test_an_unknown_name_is_an_error_that_says_where_it_was_looked_for():
    """A misspelt column, table, dataset or use case is found by its message."""
    usecase = declared_usecases()[0]
    with pytest.raises(KeyError, match="table t declares no column 'x'"):
        table().column("x")
    with pytest.raises(KeyError, match=f"use case {usecase.name} declares no table 'x'"):
        usecase.table("x")
    with pytest.raises(KeyError, match=f"use case {usecase.name} declares no dataset 'x'"):
        usecase.dataset("x")
    with pytest.raises(UnknownUseCase, match=f"no use case 'x'; declared are .*{usecase.name}"):
        declared_usecase("x")


def test_sources_and_rules_are_told_apart_by_their_kind():
    """A declaration survives JSON: the kind says which rule or source it was."""
    dataset = Dataset(
        name="d",
        source=SqlSource(connection="c", query="SELECT 1"),
        columns=(KEY,),
        rules=(Between(severity="warn", reason="r", column="k", minimum=0, maximum=1),),
        clean=(),
    )
    again = Dataset.model_validate_json(dataset.model_dump_json())
    assert again == dataset
    assert isinstance(again.source, SqlSource)
    assert not isinstance(again.source, FileSource)


@pytest.mark.parametrize("usecase", declared_usecases(), ids=lambda usecase: usecase.name)
def test_declared_use_cases_hold_together(usecase):
    """Each use case declares its tables once, finds its SQL, and describes every column."""
    tables = lake_tables(usecase)
    names = [item.name for item in tables]
    assert len(names) == len(set(names))
    assert {"quarantine", "predictions", "health"} < set(names)
    assert all(column.description for item in tables for column in item.columns)
    for dataset in usecase.datasets:
        for clean in dataset.clean:
            assert "SELECT" in usecase.sql(clean.sql).upper()
    assert "SELECT" in usecase.sql(usecase.features.sql).upper()
    columns = {column.name for column in usecase.table(usecase.features.table).columns}
    assert set(usecase.model.features) <= columns
    assert set(usecase.model.slices) <= columns
    assert set(usecase.report.dimensions) <= columns


def test_both_use_cases_are_declared():
    """The list is not empty: a broken search would make every other test of use cases pass on nothing."""
    assert [usecase.name for usecase in declared_usecases()] == ["flight_delays", "seattle_weather"]


def test_streams_that_cannot_be_are_refused():
    """An event has one name form, one place, and each of its versions once; partitions are counted from one."""
    departed = EventType(name="flight.departed", version=1, description="d")
    assert departed.schema_file == "flight.departed.v1.json"
    with pytest.raises(ValidationError, match="declares no event, or one twice"):
        Stream(name="flights", description="d", feeds=(), events=(departed, departed))
    with pytest.raises(ValidationError, match="declares no event"):
        Stream(name="flights", description="d", feeds=(), events=())
    with pytest.raises(ValidationError, match="should match pattern"):
        EventType(name="departed", version=1, description="d")
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Stream(name="flights", description="d", feeds=(), events=(departed,), partitions=0)
    usecase = declared_usecase("flight_delays")
    twice = [*usecase.streams, Stream(name="more", description="d", feeds=(), events=(departed,))]
    with pytest.raises(ValidationError, match=r"flight\.departed is declared in the streams flights and more"):
        UseCase(**{**dict(usecase), "streams": tuple(twice)})
    with pytest.raises(KeyError, match="declares no stream 'trains'"):
        usecase.stream("trains")


def test_a_proof_of_columns_that_the_model_does_not_take_is_refused():
    """A misspelt column would make a behaviour test that asks nothing."""
    usecase = declared_usecase("seattle_weather")
    fields = {name: getattr(usecase, name) for name in type(usecase).model_fields}
    wrong = Proof(sources={"sky": ("cloud_cover",)})
    with pytest.raises(ValidationError, match=r"seattle_weather: its proof names \['cloud_cover'\]"):
        UseCase(**fields | {"proof": wrong})
