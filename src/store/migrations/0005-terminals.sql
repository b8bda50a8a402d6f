-- Records get what jobs have now: those from before had no terminal and ended with their server.
UPDATE jobs SET record = json_set(record, '$.survive', json('false'), '$.tty', NULL)
  WHERE json_type(record, '$.survive') IS NULL;
