-- +goose Up

-- The highest fence under which anybody has worked the mailbox; 0 where one
-- process has the database to itself. Whoever counts the fences and has
-- forgotten where they stood asks for the highest of all.
ALTER TABLE mailboxes ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
CREATE INDEX mailboxes_by_fence ON mailboxes (fence);
