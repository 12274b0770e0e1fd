-- What the receiver keeps. "received" numbers the writes, so the oldest of everything is what has
-- the smallest number. A trace is summed up as its spans come, in whatever order they do.

CREATE TABLE origins (
  key TEXT PRIMARY KEY,
  received INTEGER NOT NULL, -- the last write that used it
  body TEXT NOT NULL
);

CREATE TABLE spans (
  trace_id TEXT NOT NULL,
  span_id TEXT NOT NULL,
  received INTEGER NOT NULL,
  origin TEXT NOT NULL,
  service TEXT NOT NULL,
  parent_span_id TEXT,
  name TEXT NOT NULL,
  start_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (trace_id, span_id)
);

CREATE TABLE links (
  trace_id TEXT NOT NULL,
  span_id TEXT NOT NULL,
  linked_trace_id TEXT NOT NULL,
  linked_span_id TEXT NOT NULL,
  PRIMARY KEY (trace_id, span_id, linked_trace_id, linked_span_id)
) WITHOUT ROWID;
CREATE INDEX links_by_target ON links (linked_trace_id);

CREATE TABLE traces (
  trace_id TEXT PRIMARY KEY,
  received INTEGER NOT NULL, -- the write that brought its first span
  start_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  spans INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  root_start_ns INTEGER,     -- of its earliest span without a parent, once there is one
  root_name TEXT
);
CREATE INDEX traces_by_age ON traces (received);
CREATE INDEX traces_by_start ON traces (start_ns);

CREATE TABLE trace_services (
  service TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  PRIMARY KEY (service, trace_id)
) WITHOUT ROWID;
CREATE INDEX trace_services_by_trace ON trace_services (trace_id);

CREATE TABLE points (
  series TEXT PRIMARY KEY,
  received INTEGER NOT NULL,
  origin TEXT NOT NULL,
  service TEXT NOT NULL,
  name TEXT NOT NULL,
  time_ns INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX points_by_age ON points (received);

CREATE TABLE logs (
  received INTEGER NOT NULL,
  origin TEXT NOT NULL,
  trace_id TEXT,
  time_ns INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX logs_by_age ON logs (received);
CREATE INDEX logs_by_trace ON logs (trace_id) WHERE trace_id IS NOT NULL;

CREATE TRIGGER span_into_trace AFTER INSERT ON spans BEGIN
  INSERT INTO traces VALUES (
    NEW.trace_id, NEW.received, NEW.start_ns, NEW.end_ns, 1, NEW.failed,
    CASE WHEN NEW.parent_span_id IS NULL THEN NEW.start_ns END,
    CASE WHEN NEW.parent_span_id IS NULL THEN NEW.name END
  )
  ON CONFLICT (trace_id) DO UPDATE SET
    start_ns = min(start_ns, excluded.start_ns),
    end_ns = max(end_ns, excluded.end_ns),
    spans = spans + 1,
    errors = errors + excluded.errors,
    root_name = CASE
      WHEN excluded.root_start_ns < ifnull(root_start_ns, excluded.root_start_ns + 1)
      THEN excluded.root_name ELSE root_name END,
    root_start_ns = CASE
      WHEN excluded.root_start_ns < ifnull(root_start_ns, excluded.root_start_ns + 1)
      THEN excluded.root_start_ns ELSE root_start_ns END;
  INSERT INTO trace_services VALUES (NEW.service, NEW.trace_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER trace_with_all_of_it AFTER DELETE ON traces BEGIN
  DELETE FROM spans WHERE trace_id = OLD.trace_id;
  DELETE FROM links WHERE trace_id = OLD.trace_id;
  DELETE FROM trace_services WHERE trace_id = OLD.trace_id;
END;
