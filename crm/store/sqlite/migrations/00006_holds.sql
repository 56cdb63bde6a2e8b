-- +goose Up

-- Why an enrollment waits although nobody has replied: the contact has
-- announced to be away, or the mailbox of the user in whose name it is could
-- hold a reply that nobody has read.
ALTER TABLE enrollments ADD COLUMN user_id TEXT NOT NULL DEFAULT ''; -- '': of all users
ALTER TABLE enrollments ADD COLUMN hold_when_stale BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE absences (
    account     TEXT NOT NULL,
    contact     TEXT NOT NULL,
    message     TEXT NOT NULL, -- the notice
    returns_on  TEXT NOT NULL, -- 2026-08-14
    until       BIGINT NOT NULL, -- the end of that day
    received_at BIGINT NOT NULL,
    PRIMARY KEY (account, contact)
) WITHOUT ROWID;

-- A reply whose sender may be somebody else halts nothing.
ALTER TABLE message_contacts ADD COLUMN suspect BOOLEAN NOT NULL DEFAULT FALSE;

-- Statistics, as in the first schema.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('absences', 'absences', '10000 10000 1');
