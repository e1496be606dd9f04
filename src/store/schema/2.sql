-- The second schema: streams, allow entries, incidents, forgotten addresses, releases by hand. See suppressd.db(5).

DROP VIEW suppressed;
DROP VIEW recent_events;
DROP VIEW bounce_rates;

ALTER TABLE suppression RENAME TO suppression_1;

CREATE TABLE suppression (
  address TEXT NOT NULL COLLATE NOCASE,
  -- the stream of mail that is refused; '' is all mail
  stream  TEXT NOT NULL DEFAULT '',
  kind    TEXT NOT NULL DEFAULT 'added',
  reason  TEXT NOT NULL DEFAULT 'manual',
  status  TEXT,
  since   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  until   TEXT,
  source  TEXT NOT NULL DEFAULT 'manual',
  event   INTEGER,
  -- how often it has come to this: 1 is the first time
  step    INTEGER NOT NULL DEFAULT 1,
  note    TEXT,
  PRIMARY KEY (address, stream),
  CONSTRAINT "address must be user@domain, @domain for a whole domain, or @.domain for all its subdomains"
    CHECK (address GLOB '*@?*' AND address NOT GLOB '?*@.*' AND address NOT GLOB '@..*' AND length(address) <= 254),
  CONSTRAINT "address must not have spaces around it or control characters in it"
    CHECK (trim(address) = address AND address NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || ']*'),
  CONSTRAINT "domain must be in its ASCII form (xn--...), without a dot at the end"
    -- what follows the last @: rtrim() takes off everything but @ from the end
    CHECK (substr(address, length(rtrim(address, replace(address, '@', '')))) NOT GLOB '*[^!-~]*' AND address NOT GLOB '*.'),
  CONSTRAINT "stream must be small letters, digits, - and _"
    CHECK (stream NOT GLOB '*[^a-z0-9_-]*' AND length(stream) <= 64),
  CONSTRAINT "kind must be hard_bounce, soft_bounce, complaint, unsubscribe or added"
    CHECK (kind IN ('hard_bounce', 'soft_bounce', 'complaint', 'unsubscribe', 'added')),
  CONSTRAINT "status must be like 5.1.1"
    CHECK (status GLOB '[245].[0-9]*.[0-9]*' AND length(status) <= 9),
  CONSTRAINT "since must be like 2026-11-21T08:46:25Z"
    CHECK (since = strftime('%Y-%m-%dT%H:%M:%SZ', since) IS TRUE),
  CONSTRAINT "until must be like 2026-11-21T08:46:25Z, or NULL for until released"
    CHECK (until IS NULL OR until = strftime('%Y-%m-%dT%H:%M:%SZ', until) IS TRUE),
  CONSTRAINT "step must be 1 or more"
    CHECK (step >= 1)
) STRICT, WITHOUT ROWID;

INSERT INTO suppression (address, kind, reason, status, since, until, source, event, note)
  SELECT address, kind, reason, status, since, until, source, event, note FROM suppression_1;
DROP TABLE suppression_1;

-- Whom the list does not hold for, for a time.
CREATE TABLE allow (
  address TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
  since   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  until   TEXT NOT NULL,
  note    TEXT,
  CONSTRAINT "address must be user@domain, @domain for a whole domain, or @.domain for all its subdomains"
    CHECK (address GLOB '*@?*' AND address NOT GLOB '?*@.*' AND address NOT GLOB '@..*' AND length(address) <= 254),
  CONSTRAINT "address must not have spaces around it or control characters in it"
    CHECK (trim(address) = address AND address NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || ']*'),
  CONSTRAINT "domain must be in its ASCII form (xn--...), without a dot at the end"
    CHECK (substr(address, length(rtrim(address, replace(address, '@', '')))) NOT GLOB '*[^!-~]*' AND address NOT GLOB '*.'),
  CONSTRAINT "since must be like 2026-11-21T08:46:25Z"
    CHECK (since = strftime('%Y-%m-%dT%H:%M:%SZ', since) IS TRUE),
  CONSTRAINT "until must be like 2026-11-21T08:46:25Z"
    CHECK (until = strftime('%Y-%m-%dT%H:%M:%SZ', until) IS TRUE)
) STRICT, WITHOUT ROWID;

ALTER TABLE event ADD COLUMN stream TEXT NOT NULL DEFAULT '';
-- of a bounce that suppressed: the wording of its diagnostic, with what varies from recipient to recipient masked
ALTER TABLE event ADD COLUMN fingerprint TEXT;
ALTER TABLE event ADD COLUMN incident INTEGER;
ALTER TABLE event ADD COLUMN domain TEXT
  AS (lower(substr(address, length(rtrim(address, replace(address, '@', ''))) + 1))) VIRTUAL;

-- What the rules look at. Deliveries and the like are most of all events and are not in it.
CREATE INDEX event_counted ON event (address, at)
  WHERE kind IN ('hard_bounce', 'soft_bounce', 'complaint', 'unsubscribe', 'removed');
CREATE INDEX event_burst_domain ON event (fingerprint, domain, at) WHERE fingerprint IS NOT NULL;
CREATE INDEX event_burst_mta ON event (fingerprint, remote_mta, at) WHERE fingerprint IS NOT NULL;
CREATE INDEX event_relay ON event (reason, received)
  WHERE side = 'sender' AND reason IN ('notverified', 'relayrefused', 'throttled');
CREATE INDEX event_incident ON event (incident) WHERE incident IS NOT NULL;

CREATE INDEX refusal_day ON refusal (day);

-- One diagnostic for many recipients of one receiving system: their suppressions are held back.
CREATE TABLE incident (
  number      INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  -- the receiving domain, or the host that refused
  place       TEXT NOT NULL,
  first       TEXT NOT NULL,
  last        TEXT NOT NULL,
  state       TEXT NOT NULL DEFAULT 'open',
  settled     TEXT,
  settled_by  TEXT,
  note        TEXT,
  CONSTRAINT "state must be open, confirmed or released" CHECK (state IN ('open', 'confirmed', 'released'))
) STRICT;
CREATE INDEX incident_fingerprint ON incident (fingerprint, place);

-- Addresses that are blocked and no longer known: HMAC-SHA256 with the key in table setting.
CREATE TABLE forgotten (
  hash  BLOB NOT NULL PRIMARY KEY,
  since TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT, WITHOUT ROWID;

-- What the program itself keeps: the key of forgotten, and horizon, before which events are deleted.
CREATE TABLE setting (
  name  TEXT NOT NULL PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- A DELETE by hand is a release: reports from before it no longer count. suppressd itself ends an entry before it deletes
-- it, and then nothing more is to be said.
CREATE TRIGGER released_by_hand AFTER DELETE ON suppression
  WHEN old.until IS NULL OR old.until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
BEGIN
  INSERT INTO event (id, received, at, address, reported, kind, reason, side, source, origin, stream, action, decision)
  VALUES ('operator:' || hex(randomblob(16)), strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
          old.address, old.address, 'removed', 'manual', 'unknown', 'manual', 'operator', old.stream, 'removed', 'by SQL');
END;

CREATE VIEW suppressed AS
  SELECT address, stream, replace(kind, '_', ' ') AS why, reason, status, since, coalesce(until, 'released') AS until, source, note
  FROM suppression
  WHERE (until IS NULL OR until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
    AND address NOT IN (SELECT address FROM allow WHERE until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
  ORDER BY since DESC;

CREATE VIEW recent_events AS
  SELECT number, at, address, kind, reason, status, side, source, origin, stream, action, decision, diagnostic
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
