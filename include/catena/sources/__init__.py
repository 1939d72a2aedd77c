"""Sources: files and databases, read as text with the place that each row came from."""

from catena.sources.databases import connection_url, read_query
from catena.sources.delivery import Delivery, Malformed
from catena.sources.fault import MissingDelivery, SourceFault
from catena.sources.files import read_file

__all__ = [
    "Delivery",
    "Malformed",
    "MissingDelivery",
    "SourceFault",
    "connection_url",
    "read_file",
    "read_query",
]
