-- No keys or indexes on tables that take samples: DuckDB grows them a hundredfold.
CREATE TABLE containers (
  number INTEGER NOT NULL,
  id VARCHAR NOT NULL,
  key VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  first_seen_ms BIGINT NOT NULL
);

CREATE TABLE batches (
  batch BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  samples INTEGER NOT NULL
);

-- One row per container and second. Forecasts are for `at_ms` plus the horizon of the program that wrote them.
CREATE TABLE samples (
  at_ms BIGINT NOT NULL,
  container INTEGER NOT NULL,
  cpu_cores FLOAT,
  throttled_share FLOAT,
  working_set_bytes DOUBLE,
  unreclaimable_bytes DOUBLE,
  memory_limit_bytes DOUBLE,
  pids FLOAT,
  network_receive_bytes_per_second FLOAT,
  network_transmit_bytes_per_second FLOAT,
  block_read_bytes_per_second FLOAT,
  block_write_bytes_per_second FLOAT,
  probability FLOAT,
  cpu_cores_forecast FLOAT,
  cpu_cores_lower FLOAT,
  cpu_cores_upper FLOAT,
  memory_bytes_forecast DOUBLE,
  memory_bytes_lower DOUBLE,
  memory_bytes_upper DOUBLE
);

-- The incident as JSON, for it is read and written whole; the columns beside it are what is searched by.
CREATE TABLE incidents (
  id VARCHAR NOT NULL,
  container_key VARCHAR NOT NULL,
  opened_at_ms BIGINT NOT NULL,
  closed_at_ms BIGINT,
  document VARCHAR NOT NULL
);

CREATE TABLE actions (
  id VARCHAR NOT NULL,
  incident_id VARCHAR NOT NULL,
  container_key VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  state VARCHAR NOT NULL,
  forced BOOLEAN NOT NULL,
  at_ms BIGINT NOT NULL
);
