-- Counters, made anew from the rows that they count. What days tell of events that are deleted by now stays as it is.

UPDATE quarantine_total SET entries = (SELECT count(*) FROM quarantine),
                            bytes = (SELECT coalesce(sum(length(content)), 0) FROM quarantine);

DELETE FROM suppression_total;
INSERT INTO suppression_total SELECT kind, count(*) FROM suppression GROUP BY kind;

INSERT INTO daily
  SELECT substr(at, 1, 10), kind, reason, side, source, origin, stream,
         CASE WHEN sender IS NULL OR origin IN ('operator', 'unproved') THEN ''
              ELSE lower(CASE WHEN sender GLOB '*@*@*' THEN substr(sender, length(rtrim(sender, replace(sender, '@', ''))) + 1)
                              ELSE substr(sender, instr(sender, '@') + 1) END) END,
         count(*)
  FROM event WHERE true GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
  ON CONFLICT DO UPDATE SET events = max(events, excluded.events);
INSERT INTO daily_domain
  SELECT substr(at, 1, 10), domain, kind, count(*)
  FROM event WHERE origin NOT IN ('operator', 'unproved') GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET events = max(events, excluded.events);
