-- +goose Up

-- Deleting a contact takes its enrollments along.
CREATE TABLE enrollments (
    account    TEXT   NOT NULL,
    id         TEXT   NOT NULL, -- the CRM's
    contact    TEXT   NOT NULL,
    sequence   TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    halted_by  TEXT   NOT NULL, -- '' where no message did
    halted_at  BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, id),
    FOREIGN KEY (account, contact) REFERENCES contacts (account, id) ON DELETE CASCADE,
    CHECK ((status = 'halted') = (halted_at IS NOT NULL))
) WITHOUT ROWID;
CREATE INDEX enrollments_of_contact ON enrollments (account, contact, id);

-- Whether the contact wrote the message, or was only written to. Of messages
-- that are here already nobody has noted it: they count as the contact's, which
-- can hold a sequence back and never let one go on by mistake.
ALTER TABLE message_contacts ADD COLUMN sender BOOLEAN NOT NULL DEFAULT TRUE;

-- Statistics, as in the first schema: a reply is looked up by the contact, and
-- must not go through all that the account has enrolled.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('enrollments', 'enrollments', '100000 100000 1'),
    ('enrollments', 'enrollments_of_contact', '100000 100000 2 1');
