-- What became of decisions, one row each as JSON, and what an operator set, by name.
CREATE TABLE judgements (
  action_id VARCHAR NOT NULL,
  at_ms BIGINT NOT NULL,
  document VARCHAR NOT NULL
);
CREATE TABLE operator_settings (
  name VARCHAR NOT NULL,
  document VARCHAR NOT NULL
);
