"""One table of a SQLite file into PostgreSQL: whole, or what is stamped since the last run."""

import sys

import dlt
from dlt.sources.sql_database import sql_table

backend, home, source, table, url, schema, target, key, mode = sys.argv[1:]
rows = sql_table(
    source,
    table,
    backend=backend,
    chunk_size=50_000,
    # The cursor is kept from the first run on, so that the next one can go on from it.
    incremental=dlt.sources.incremental("DateUpdated"),
    primary_key=key.split(","),
)
rows.apply_hints(write_disposition="replace" if mode == "full" else "merge")
pipeline = dlt.pipeline(
    f"{schema}_{target}",
    destination=dlt.destinations.postgres(url),
    dataset_name=schema,
    pipelines_dir=f"{home}/dlt",
)
pipeline.run(rows, table_name=target, refresh="drop_resources" if mode == "full" else None)
