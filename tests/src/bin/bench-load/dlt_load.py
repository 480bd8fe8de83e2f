"""One table into PostgreSQL: whole, or what is stamped since the last run."""

import sys

import dlt
from dlt.sources.sql_database import sql_table

backend, home, source, table, url, schema, target, key, mode = sys.argv[1:]
# The cursor is kept from the first run on, so that the next one can go on from it.
stamp = dlt.sources.incremental("DateUpdated")


def through_odbc(stamp=stamp):
    """Arrow batches of what is due."""
    from arrow_odbc import read_arrow_batches_from_odbc

    since = f" WHERE DateUpdated >= {{d '{stamp.last_value}'}}" if stamp.last_value else ""
    query = f"SELECT * FROM {table}{since}"
    yield from read_arrow_batches_from_odbc(query, connection_string=source, batch_size=5_000)


if backend == "arrow-odbc":
    rows = dlt.resource(through_odbc, name=table)
else:
    rows = sql_table(source, table, backend=backend, chunk_size=50_000, incremental=stamp)
rows.apply_hints(primary_key=key.split(","), write_disposition="replace" if mode == "full" else "merge")
pipeline = dlt.pipeline(
    f"{schema}_{target}",
    destination=dlt.destinations.postgres(url),
    dataset_name=schema,
    pipelines_dir=f"{home}/dlt",
)
pipeline.run(rows, table_name=target, refresh="drop_resources" if mode == "full" else None)
