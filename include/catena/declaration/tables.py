"""What tables are made of: columns, keys, partitions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ColumnType = Literal["string", "int64", "float64", "bool", "timestamp"]
Classification = Literal["public", "internal", "confidential", "personal"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class Declared(BaseModel):
    """An immutable declaration that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Declared):
    """A column of a table; `timestamp` is UTC with microseconds."""

    name: Name
    type: ColumnType
    description: str
    nullable: bool = True
    classification: Classification = "public"
    known_at: str = "known_at"
    """The column that says when this value became known."""
    is_volatile: bool = False
    """True for wall-clock facts, such as the time of landing, that are no part of the content."""


class Table(Declared):
    """A Delta table of the use case."""

    name: Name
    description: str
    owner: str
    columns: tuple[Column, ...]
    primary_key: tuple[Name, ...]
    is_partitioned: bool = True
    """Partitioned by the string column `partition`; reference tables are not."""

    @model_validator(mode="after")
    def _key_is_declared(self) -> Table:
        names = {column.name for column in self.columns}
        if missing := set(self.primary_key) - names:
            raise ValueError(f"table {self.name}: primary key columns {sorted(missing)} are not declared")
        if self.is_partitioned and "partition" not in names:
            raise ValueError(f"table {self.name}: a partitioned table declares the column 'partition'")
        return self

    def column(self, name: str) -> Column:
        """Return the declared column of that name; KeyError names the table where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} declares no column {name!r}")
