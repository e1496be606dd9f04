-- The first schema. Times are UTC text to the second. See suppressd.db(5).

CREATE TABLE suppression (
  address TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
  kind    TEXT NOT NULL DEFAULT 'added',
  reason  TEXT NOT NULL DEFAULT 'manual',
  status  TEXT,
  since   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  until   TEXT,
  source  TEXT NOT NULL DEFAULT 'manual',
  event   INTEGER,
  note    TEXT,
  CONSTRAINT "address must be user@domain, or @domain for a whole domain"
    CHECK (address GLOB '*@?*' AND length(address) <= 254),
  CONSTRAINT "address must not have spaces around it or control characters in it"
    CHECK (trim(address) = address AND address NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || ']*'),
  CONSTRAINT "domain must be in its ASCII form (xn--...), without a dot at the end"
    -- what follows the last @: rtrim() takes off everything but @ from the end
    CHECK (substr(address, length(rtrim(address, replace(address, '@', '')))) NOT GLOB '*[^!-~]*' AND address NOT GLOB '*.'),
  CONSTRAINT "kind must be hard_bounce, soft_bounce, complaint, unsubscribe or added"
    CHECK (kind IN ('hard_bounce', 'soft_bounce', 'complaint', 'unsubscribe', 'added')),
  CONSTRAINT "status must be like 5.1.1"
    CHECK (status GLOB '[245].[0-9]*.[0-9]*' AND length(status) <= 9),
  CONSTRAINT "since must be like 2026-11-21T08:46:25Z"
    CHECK (since = strftime('%Y-%m-%dT%H:%M:%SZ', since) IS TRUE),
  CONSTRAINT "until must be like 2026-11-21T08:46:25Z, or NULL for until released"
    CHECK (until IS NULL OR until = strftime('%Y-%m-%dT%H:%M:%SZ', until) IS TRUE)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  number        INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  received      TEXT NOT NULL,
  at            TEXT NOT NULL,
  address       TEXT NOT NULL COLLATE NOCASE,
  reported      TEXT NOT NULL,
  kind          TEXT NOT NULL,
  reason        TEXT NOT NULL,
  side          TEXT NOT NULL,
  status        TEXT,
  diagnostic    TEXT,
  source        TEXT NOT NULL,
  origin        TEXT NOT NULL,
  reporting_mta TEXT,
  remote_mta    TEXT,
  sender        TEXT,
  message_id    TEXT,
  provider_id   TEXT,
  queue_id      TEXT,
  channel       TEXT,
  headers       TEXT,
  rule          TEXT,
  action        TEXT NOT NULL,
  decision      TEXT NOT NULL
) STRICT;

CREATE INDEX event_address ON event (address, at);
CREATE INDEX event_at ON event (at);

CREATE TABLE quarantine (
  number   INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  received TEXT NOT NULL,
  door     TEXT NOT NULL,
  why      TEXT NOT NULL CHECK (why IN ('malformed', 'untrusted', 'not-understood')),
  detail   TEXT NOT NULL,
  origin   TEXT NOT NULL,
  -- what Postfix said of a mail, or SNS of a message, as JSON: to replay it
  envelope TEXT,
  content  BLOB NOT NULL
) STRICT;

-- One row, kept by the triggers: what the quarantine holds, so that its bounds cost nothing to check.
CREATE TABLE quarantine_total (
  one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  entries INTEGER NOT NULL,
  bytes   INTEGER NOT NULL
) STRICT;
INSERT INTO quarantine_total VALUES (1, 0, 0);
CREATE TRIGGER quarantine_kept AFTER INSERT ON quarantine BEGIN
  UPDATE quarantine_total SET entries = entries + 1, bytes = bytes + length(new.content);
END;
CREATE TRIGGER quarantine_dropped AFTER DELETE ON quarantine BEGIN
  UPDATE quarantine_total SET entries = entries - 1, bytes = bytes - length(old.content);
END;

CREATE TABLE topic (
  arn           TEXT NOT NULL PRIMARY KEY,
  state         TEXT NOT NULL CHECK (state IN ('allowed', 'pending', 'denied')),
  since         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  confirmed     TEXT,
  subscribe_url TEXT
) STRICT;

CREATE TABLE refusal (
  address TEXT NOT NULL COLLATE NOCASE,
  day     TEXT NOT NULL,
  count   INTEGER NOT NULL,
  last    TEXT NOT NULL,
  PRIMARY KEY (address, day)
) STRICT, WITHOUT ROWID;

CREATE VIEW suppressed AS
  SELECT address, replace(kind, '_', ' ') AS why, reason, status, since, coalesce(until, 'released') AS until, source, note
  FROM suppression
  WHERE until IS NULL OR until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
  ORDER BY since DESC;

CREATE VIEW recent_events AS
  SELECT number, at, address, kind, reason, status, side, source, origin, action, decision, diagnostic
  FROM event
  ORDER BY number DESC;

CREATE VIEW bounce_rates AS
  SELECT substr(at, 1, 10) AS day,
         lower(substr(sender, instr(sender, '@') + 1)) AS sender_domain,
         count(*) FILTER (WHERE kind = 'delivery') AS delivered,
         count(*) FILTER (WHERE kind = 'hard_bounce') AS hard_bounced,
         count(*) FILTER (WHERE kind = 'complaint') AS complained,
         round(100.0 * count(*) FILTER (WHERE kind = 'hard_bounce')
               / max(1, count(*) FILTER (WHERE kind IN ('delivery', 'hard_bounce'))), 2) AS bounce_percent,
         round(100.0 * count(*) FILTER (WHERE kind = 'complaint')
               / max(1, count(*) FILTER (WHERE kind = 'delivery')), 3) AS complaint_percent
  FROM event
  WHERE sender IS NOT NULL AND origin NOT IN ('operator', 'unproved')
  GROUP BY day, sender_domain
  ORDER BY day DESC, sender_domain;
