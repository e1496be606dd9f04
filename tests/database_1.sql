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

-- What suppressd itself adds, and rows as it writes them.
PRAGMA application_id = 1937076336;
PRAGMA user_version = 1;

INSERT INTO suppression (address, kind, reason, status, since, until, source, event, note) VALUES
  ('bob@example.com', 'hard_bounce', 'userunknown', '5.1.1', '2026-11-01T08:00:00Z', NULL, 'ses', 1, NULL),
  ('carol@example.com', 'complaint', 'abuse', NULL, '2026-11-02T08:00:00Z', NULL, 'arf', 2, NULL),
  ('dave@example.com', 'soft_bounce', 'mailboxfull', '4.2.2', '2026-11-03T08:00:00Z', '2026-11-10T08:00:00Z', 'dsn', 3, NULL),
  ('erin@example.com', 'soft_bounce', 'mailboxfull', '4.2.2', '2026-11-04T08:00:00Z', '2999-01-01T00:00:00Z', 'dsn', 4, NULL),
  ('"o''neil ü"@xn--bcher-kva.example', 'added', 'manual', NULL, '2026-11-05T08:00:00Z', NULL, 'manual', 5, 'says "no"'),
  ('@dead.example', 'added', 'manual', NULL, '2026-11-06T08:00:00Z', NULL, 'manual', NULL, 'domain expired');

INSERT INTO event (number, id, received, at, address, reported, kind, reason, side, status, diagnostic, source, origin,
    reporting_mta, remote_mta, sender, message_id, provider_id, queue_id, channel, headers, rule, action, decision) VALUES
  (1, 'ses:1:bob@example.com', '2026-11-01T08:00:02Z', '2026-11-01T08:00:00Z', 'bob@example.com', 'Bob@example.com',
    'hard_bounce', 'userunknown', 'recipient', '5.1.1', '550 5.1.1 user unknown', 'ses', 'sns-signature',
    'a4-10.smtp-out.eu-west-1.amazonses.com', 'mx.example.com', 'News@example.org', '<1@example.org>', '0102-1', '4Wq1Yx2Zz3',
    'arn:aws:sns:eu-west-1:123456789012:ses-feedback', 'List-Id: <news.example.org>', 'ses:Permanent/General', 'suppressed',
    'hard bounce'),
  (2, 'arf:2', '2026-11-02T08:00:02Z', '2026-11-02T08:00:00Z', 'carol@example.com', 'carol@example.com', 'complaint',
    'abuse', 'recipient', NULL, NULL, 'arf', 'dkim', NULL, NULL, 'news@example.org', NULL, NULL, NULL, NULL, NULL,
    'feedback-type', 'suppressed', 'complaint'),
  (3, 'dsn:3', '2026-11-03T08:00:02Z', '2026-11-03T08:00:00Z', 'dave@example.com', 'dave@example.com', 'soft_bounce',
    'mailboxfull', 'recipient', '4.2.2', '452 4.2.2 full', 'dsn', 'local', NULL, NULL, 'news@example.org', NULL, NULL, NULL,
    NULL, NULL, 'mailbox-full', 'suppressed', 'soft bounce 5 of 5 on 3 days'),
  (4, 'dsn:4', '2026-11-04T08:00:02Z', '2026-11-04T08:00:00Z', 'erin@example.com', 'erin@example.com', 'soft_bounce',
    'mailboxfull', 'recipient', '4.2.2', '452 4.2.2 full', 'dsn', 'local', NULL, NULL, 'news@example.org', NULL, NULL, NULL,
    NULL, NULL, 'mailbox-full', 'suppressed', 'soft bounce 5 of 5 on 3 days'),
  (5, 'operator:5', '2026-11-05T08:00:00Z', '2026-11-05T08:00:00Z', '"o''neil ü"@xn--bcher-kva.example',
    '"o''neil ü"@xn--bcher-kva.example', 'added', 'manual', 'unknown', NULL, 'says "no"', 'manual', 'operator', NULL, NULL,
    'ann', NULL, NULL, NULL, NULL, NULL, NULL, 'added', 'by ann'),
  (8, 'ses:8', '2026-11-07T08:00:02Z', '2026-11-07T08:00:00Z', 'alice@example.com', 'alice@example.com', 'delivery',
    'undefined', 'unknown', NULL, '250 2.0.0 OK', 'ses', 'sns-signature', NULL, NULL, 'news@example.org', NULL, '0102-8', NULL,
    'arn:aws:sns:eu-west-1:123456789012:ses-feedback', NULL, NULL, 'recorded', 'delivery never suppresses'),
  (9, 'mail:9', '2026-11-07T09:00:02Z', '2026-11-07T09:00:00Z', 'frank@example.com', 'frank@example.com', 'hard_bounce',
    'userunknown', 'recipient', '5.1.1', 'forged', 'dsn', 'unproved', NULL, NULL, 'x@evil.example', NULL, NULL, NULL, NULL,
    NULL, 'user-unknown', 'recorded', 'its origin is not proved');

INSERT INTO quarantine (number, id, received, door, why, detail, origin, envelope, content) VALUES
  (1, 'sha256:1', '2026-11-07T09:00:02Z', 'pipe', 'untrusted', 'a report, and nothing proves where it comes from', 'unproved',
    '{"sender":""}', x'46726f6d00ff0a'),
  (4, 'sha256:4', '2026-11-08T09:00:02Z', 'sns', 'not-understood', 'an event of a type that is not known', 'sns-signature',
    NULL, x'7b7d');
DELETE FROM quarantine WHERE number = 4;
INSERT INTO quarantine (number, id, received, door, why, detail, origin, content) VALUES
  (5, 'sha256:5', '2026-11-09T09:00:02Z', 'lmtp', 'malformed', 'no mail', 'unproved', x'00');

INSERT INTO topic (arn, state, since, confirmed, subscribe_url) VALUES
  ('arn:aws:sns:eu-west-1:123456789012:ses-feedback', 'allowed', '2026-11-01T07:00:00Z', '2026-11-01T07:00:01Z', NULL),
  ('arn:aws:sns:eu-west-1:210987654321:who', 'pending', '2026-11-01T07:30:00Z', NULL, 'https://sns.eu-west-1.amazonaws.com/?x'),
  ('arn:aws:sns:eu-west-1:210987654321:no', 'denied', '2026-11-01T07:40:00Z', NULL, NULL);

INSERT INTO refusal (address, day, count, last) VALUES
  ('bob@example.com', '2026-11-07', 3, '2026-11-07T10:00:00Z'),
  ('bob@example.com', '2026-11-08', 1, '2026-11-08T10:00:00Z');
