-- +goose Up

-- Why an enrollment waits although nobody has replied: the contact has
-- announced to be away, or the mailbox of the user in whose name it is could
-- hold a reply that nobody has read.
ALTER TABLE enrollments ADD COLUMN user_id TEXT COLLATE "C" NOT NULL DEFAULT ''; -- '': of all users
ALTER TABLE enrollments ADD COLUMN hold_when_stale BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE absences (
    account     TEXT COLLATE "C" NOT NULL,
    contact     TEXT COLLATE "C" NOT NULL,
    message     TEXT COLLATE "C" NOT NULL, -- the notice
    returns_on  TEXT COLLATE "C" NOT NULL, -- 2026-08-14
    until       BIGINT NOT NULL, -- the end of that day
    received_at BIGINT NOT NULL,
    PRIMARY KEY (account, contact)
);

-- A reply whose sender may be somebody else halts nothing.
ALTER TABLE message_contacts ADD COLUMN suspect BOOLEAN NOT NULL DEFAULT FALSE;
