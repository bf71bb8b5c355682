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

-- The hours that are not over yet, one row per container and second. Whole numbers of the units in stored-metrics.ts, in
-- its order. Forecasts are for `at_ms` plus the horizon of the program that wrote them.
CREATE TABLE samples (
  at_ms BIGINT NOT NULL,
  container INTEGER NOT NULL,
  "cpuCores" INTEGER,
  "throttledShare" INTEGER,
  "memoryUsageBytes" INTEGER,
  "workingSetBytes" INTEGER,
  "unreclaimableBytes" INTEGER,
  "anonBytes" INTEGER,
  "fileBytes" INTEGER,
  "kernelBytes" INTEGER,
  "swapBytes" INTEGER,
  "oomKills" INTEGER,
  "memoryLimitBytes" INTEGER,
  "pids" INTEGER,
  "pidsLimit" INTEGER,
  "networkReceiveBytesPerSecond" INTEGER,
  "networkTransmitBytesPerSecond" INTEGER,
  "blockReadBytesPerSecond" INTEGER,
  "blockWriteBytesPerSecond" INTEGER,
  "cpuPressureSomeShare" INTEGER,
  "cpuPressureFullShare" INTEGER,
  "memoryPressureSomeShare" INTEGER,
  "memoryPressureFullShare" INTEGER,
  "ioPressureSomeShare" INTEGER,
  "ioPressureFullShare" INTEGER,
  "probability" INTEGER,
  "cpuCoresForecast" INTEGER,
  "cpuCoresLower" INTEGER,
  "cpuCoresUpper" INTEGER,
  "memoryBytesForecast" INTEGER,
  "memoryBytesLower" INTEGER,
  "memoryBytesUpper" INTEGER
);

-- The hours that are over: which files of the archive count, by tier and period. A file that changed on the disk is known
-- by its checksum; one that was removed stays a while for running queries.
CREATE TABLE pieces (
  file VARCHAR NOT NULL,
  tier VARCHAR NOT NULL,
  from_ms BIGINT NOT NULL,
  to_ms BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  size_bytes BIGINT NOT NULL,
  crc32 BIGINT,
  removed BOOLEAN NOT NULL
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
