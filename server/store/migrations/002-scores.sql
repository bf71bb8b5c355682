-- What became of the program's own predictions, a tally a day as JSON, read and written whole.
CREATE TABLE scores (
  day_ms BIGINT NOT NULL,
  document VARCHAR NOT NULL
);
