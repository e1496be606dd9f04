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
  -- how often it has come to this: 1 is the first time, and 0 what a delivery makes of it
  step    INTEGER NOT NULL DEFAULT 1,
  note    TEXT,
  PRIMARY KEY (address, stream),
  CONSTRAINT "address must be user@domain, @domain for a whole domain, or @.domain for all its subdomains"
    CHECK (address GLOB '*@?*' AND (address NOT GLOB '?*@.*' OR address GLOB '?*@?*@[^.]*') AND address NOT GLOB '@..*'
           AND length(address) <= 254),
  CONSTRAINT "address must not have spaces around it or control characters in it"
    CHECK (trim(address) = address AND address NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || ']*'),
  CONSTRAINT "domain must be in its ASCII form (xn--...), without a dot at the end"
    -- what follows the last @; where there are several, rtrim() takes off everything but @ from the end
    CHECK (CASE WHEN address GLOB '*@*@*' THEN substr(address, length(rtrim(address, replace(address, '@', ''))))
                ELSE substr(address, instr(address, '@')) END NOT GLOB '*[^!-~]*' AND address NOT GLOB '*.'),
  CONSTRAINT "stream must be small letters, digits, - and _"
    CHECK (stream NOT GLOB '*[^a-z0-9_-]*' AND length(stream) <= 64),
  CONSTRAINT "kind must be hard_bounce, soft_bounce, complaint, unsubscribe or added"
    CHECK (kind = 'hard_bounce' OR kind = 'soft_bounce' OR kind = 'complaint' OR kind = 'unsubscribe' OR kind = 'added'),
  CONSTRAINT "status must be like 5.1.1"
    CHECK (status GLOB '[245].[0-9]*.[0-9]*' AND length(status) <= 9),
  CONSTRAINT "since must be like 2026-11-21T08:46:25Z"
    CHECK (since = strftime('%Y-%m-%dT%H:%M:%SZ', since) IS TRUE),
  CONSTRAINT "until must be like 2026-11-21T08:46:25Z, or NULL for until released"
    CHECK (until IS NULL OR until = strftime('%Y-%m-%dT%H:%M:%SZ', until) IS TRUE),
  CONSTRAINT "step must be 0 or more"
    CHECK (step >= 0)
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
    CHECK (address GLOB '*@?*' AND (address NOT GLOB '?*@.*' OR address GLOB '?*@?*@[^.]*') AND address NOT GLOB '@..*'
           AND length(address) <= 254),
  CONSTRAINT "address must not have spaces around it or control characters in it"
    CHECK (trim(address) = address AND address NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || ']*'),
  CONSTRAINT "domain must be in its ASCII form (xn--...), without a dot at the end"
    CHECK (CASE WHEN address GLOB '*@*@*' THEN substr(address, length(rtrim(address, replace(address, '@', ''))))
                ELSE substr(address, instr(address, '@')) END NOT GLOB '*[^!-~]*' AND address NOT GLOB '*.'),
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
  AS (lower(CASE WHEN address GLOB '*@*@*' THEN substr(address, length(rtrim(address, replace(address, '@', ''))) + 1)
                 ELSE substr(address, instr(address, '@') + 1) END)) VIRTUAL;

-- The rules look at the bounces of an address; of deliveries it may have thousands.
DROP INDEX event_address;
CREATE INDEX event_address ON event (address, kind, at);
CREATE INDEX event_burst_domain ON event (fingerprint, domain, at) WHERE fingerprint IS NOT NULL;
CREATE INDEX event_burst_mta ON event (fingerprint, remote_mta, at) WHERE fingerprint IS NOT NULL;
CREATE INDEX event_relay ON event (reason, received)
  WHERE side = 'sender' AND (reason = 'notverified' OR reason = 'relayrefused' OR reason = 'throttled');
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
  hash   BLOB NOT NULL,
  stream TEXT NOT NULL DEFAULT '',
  since  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  until  TEXT,
  PRIMARY KEY (hash, stream)
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

-- What is looked for in a table of millions of rows.
CREATE INDEX event_kind ON event (kind, at) WHERE kind <> 'delivery' AND kind <> 'send' AND kind <> 'open' AND kind <> 'click';
CREATE INDEX suppression_until ON suppression (until, kind) WHERE until IS NOT NULL;

-- Kept by the triggers below, so that nobody has to count all rows of a large table. No address is in them, so they stay
-- when events are deleted or an address is forgotten.
CREATE TABLE suppression_total (
  kind    TEXT NOT NULL PRIMARY KEY,
  entries INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE daily (
  day           TEXT NOT NULL,
  kind          TEXT NOT NULL,
  reason        TEXT NOT NULL,
  side          TEXT NOT NULL,
  source        TEXT NOT NULL,
  origin        TEXT NOT NULL,
  stream        TEXT NOT NULL,
  -- '' where the report does not tell, and where it is not proved
  sender_domain TEXT NOT NULL,
  events        INTEGER NOT NULL,
  PRIMARY KEY (day, kind, reason, side, source, origin, stream, sender_domain)
) STRICT, WITHOUT ROWID;

-- Receiving domains; unproved reports and an operator's changes are not counted.
CREATE TABLE daily_domain (
  day    TEXT NOT NULL,
  domain TEXT NOT NULL,
  kind   TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (day, domain, kind)
) STRICT, WITHOUT ROWID;

INSERT INTO suppression_total SELECT kind, count(*) FROM suppression GROUP BY kind;
INSERT INTO daily
  SELECT substr(at, 1, 10), kind, reason, side, source, origin, stream,
         CASE WHEN sender IS NULL OR origin IN ('operator', 'unproved') THEN ''
              ELSE lower(CASE WHEN sender GLOB '*@*@*' THEN substr(sender, length(rtrim(sender, replace(sender, '@', ''))) + 1)
                              ELSE substr(sender, instr(sender, '@') + 1) END) END,
         count(*)
  FROM event GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
INSERT INTO daily_domain
  SELECT substr(at, 1, 10), domain, kind, count(*)
  FROM event WHERE origin NOT IN ('operator', 'unproved') GROUP BY 1, 2, 3;

-- What came onto the list last, so that a process which has the list in memory need not read all of it after each change.
CREATE TABLE listed (
  number  INTEGER PRIMARY KEY,
  address TEXT NOT NULL
) STRICT;

CREATE TRIGGER suppression_kept AFTER INSERT ON suppression BEGIN
  INSERT INTO suppression_total VALUES (new.kind, 1) ON CONFLICT (kind) DO UPDATE SET entries = entries + 1;
  INSERT INTO listed (address) VALUES (new.address);
  DELETE FROM listed WHERE number <= last_insert_rowid() - 1000;
END;
CREATE TRIGGER suppression_moved AFTER UPDATE OF address ON suppression BEGIN
  INSERT INTO listed (address) VALUES (new.address);
END;
CREATE TRIGGER forgotten_kept AFTER INSERT ON forgotten BEGIN
  INSERT INTO listed (address) VALUES (hex(new.hash));
  DELETE FROM listed WHERE number <= last_insert_rowid() - 1000;
END;
CREATE TRIGGER suppression_dropped AFTER DELETE ON suppression BEGIN
  UPDATE suppression_total SET entries = entries - 1 WHERE kind = old.kind;
END;
CREATE TRIGGER suppression_changed AFTER UPDATE OF kind ON suppression WHEN new.kind <> old.kind BEGIN
  UPDATE suppression_total SET entries = entries - 1 WHERE kind = old.kind;
  INSERT INTO suppression_total VALUES (new.kind, 1) ON CONFLICT (kind) DO UPDATE SET entries = entries + 1;
END;
CREATE TRIGGER event_kept AFTER INSERT ON event BEGIN
  INSERT INTO daily VALUES (
      substr(new.at, 1, 10), new.kind, new.reason, new.side, new.source, new.origin, new.stream,
      CASE WHEN new.sender IS NULL OR new.origin IN ('operator', 'unproved') THEN ''
           ELSE lower(CASE WHEN new.sender GLOB '*@*@*' THEN substr(new.sender, length(rtrim(new.sender, replace(new.sender, '@', ''))) + 1)
                           ELSE substr(new.sender, instr(new.sender, '@') + 1) END) END,
      1)
    ON CONFLICT DO UPDATE SET events = events + 1;
END;
CREATE TRIGGER event_kept_domain AFTER INSERT ON event WHEN new.origin NOT IN ('operator', 'unproved') BEGIN
  INSERT INTO daily_domain VALUES (substr(new.at, 1, 10), new.domain, new.kind, 1)
    ON CONFLICT DO UPDATE SET events = events + 1;
END;

CREATE VIEW suppressed AS
  SELECT address, stream, replace(kind, '_', ' ') AS why, reason, status, since, coalesce(until, 'released') AS until, source, note
  FROM suppression AS s
  WHERE (until IS NULL OR until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
    AND NOT EXISTS (
      -- an allow entry of the address itself, of its domain, or of a domain above that one
      SELECT 1 FROM allow AS a
      WHERE a.until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
        AND (a.address = s.address
             OR a.address GLOB '@[^.]*' AND substr(s.address, -length(a.address)) = a.address COLLATE NOCASE
             OR a.address GLOB '@.*' AND substr(s.address, 1 - length(a.address)) = substr(a.address, 2) COLLATE NOCASE))
  ORDER BY since DESC;

CREATE VIEW recent_events AS
  SELECT number, at, address, kind, reason, status, side, source, origin, stream, action, decision, incident, diagnostic
  FROM event
  ORDER BY number DESC;

CREATE VIEW bounce_rates AS
  SELECT day, sender_domain, delivered, hard_bounced, complained,
         round(100.0 * hard_bounced / max(1, delivered + hard_bounced), 2) AS bounce_percent,
         round(100.0 * complained / max(1, delivered), 3) AS complaint_percent
  FROM (SELECT day, sender_domain,
               sum(events * (kind = 'delivery')) AS delivered,
               sum(events * (kind = 'hard_bounce')) AS hard_bounced,
               sum(events * (kind = 'complaint')) AS complained
        FROM daily
        WHERE sender_domain <> ''
        GROUP BY day, sender_domain)
  ORDER BY day DESC, sender_domain;

CREATE VIEW open_incidents AS
  SELECT number, place, first, last,
         (SELECT count(DISTINCT address) FROM event WHERE event.incident = incident.number) AS recipients,
         (SELECT diagnostic FROM event WHERE event.incident = incident.number ORDER BY number LIMIT 1) AS diagnostic
  FROM incident
  WHERE state = 'open'
  ORDER BY number;
