-- +goose Up

-- The same tables as SQLite's, column by column (a test compares them). Every
-- key begins with the account, so that a table can be partitioned or spread by
-- it as it stands; what is looked up without one has an index of its own.
-- Foreign keys stand where people write; the tables that Record fills were
-- checked by it, and pay for no further look.
--
-- COLLATE "C" is the order of bytes, SQLite's order, whatever the database's
-- own is: ids are compared and sorted by it, and cursors rely on it. What
-- people read has the database's order and case, which LIKE looks at.
--
-- A fillfactor leaves room beside rows that are counted up all the time, so
-- that no index has to hear of it (heap-only tuples).

CREATE TABLE accounts (
    id                 TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name               TEXT             NOT NULL,
    status             TEXT COLLATE "C" NOT NULL,
    mail_enabled       BOOLEAN          NOT NULL,
    contact_visibility TEXT COLLATE "C" NOT NULL,
    created_at         BIGINT           NOT NULL,
    event_seq          BIGINT           NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE account_keys (
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         TEXT COLLATE "C" NOT NULL,
    name       TEXT             NOT NULL,
    hash       BYTEA            NOT NULL,
    created_at BIGINT           NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, hash)
);
CREATE INDEX account_keys_by_hash ON account_keys (hash);

CREATE TABLE users (
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         TEXT COLLATE "C" NOT NULL,
    email      TEXT COLLATE "C" NOT NULL,
    name       TEXT             NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    aliases    TEXT             NOT NULL, -- JSON
    active     BOOLEAN          NOT NULL,
    created_at BIGINT           NOT NULL,
    updated_at BIGINT           NOT NULL,
    PRIMARY KEY (account, id)
);

CREATE TABLE user_tokens (
    account    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    hash       BYTEA            NOT NULL,
    expires_at BIGINT           NOT NULL,
    PRIMARY KEY (account, hash),
    FOREIGN KEY (account, user_id) REFERENCES users (account, id) ON DELETE CASCADE
);
CREATE INDEX user_tokens_by_hash ON user_tokens (hash);
CREATE INDEX user_tokens_of_user ON user_tokens (account, user_id);

-- The addresses of users that are not deleted and of mailboxes with a link
-- that stands. source says whose: user/ID or link/ID.
CREATE TABLE internal_addresses (
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    address TEXT COLLATE "C" NOT NULL,
    source  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, address, source)
);
CREATE INDEX internal_addresses_of_source ON internal_addresses (account, source);

CREATE TABLE contacts (
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         TEXT COLLATE "C" NOT NULL,
    name       TEXT             NOT NULL,
    owner      TEXT COLLATE "C" NOT NULL, -- '' where nobody owns it
    created_at BIGINT           NOT NULL,
    updated_at BIGINT           NOT NULL,
    PRIMARY KEY (account, id)
);

CREATE TABLE contact_addresses (
    account TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    contact TEXT COLLATE "C" NOT NULL,
    since   BIGINT           NOT NULL,
    place   BIGINT           NOT NULL, -- in the contact's list, from 0
    PRIMARY KEY (account, address, contact),
    FOREIGN KEY (account, contact) REFERENCES contacts (account, id) ON DELETE CASCADE
);
CREATE INDEX contact_addresses_of_contact ON contact_addresses (account, contact);

CREATE TABLE presets (
    account       TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id            TEXT COLLATE "C" NOT NULL,
    name          TEXT             NOT NULL,
    imap          TEXT             NOT NULL, -- JSON
    smtp          TEXT, -- JSON
    auth          TEXT COLLATE "C" NOT NULL,
    username_form TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT           NOT NULL,
    updated_at    BIGINT           NOT NULL,
    PRIMARY KEY (account, id)
);

CREATE TABLE mailboxes (
    account        TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id             TEXT COLLATE "C" NOT NULL,
    host           TEXT COLLATE "C" NOT NULL, -- lower case
    port           BIGINT           NOT NULL,
    username       TEXT COLLATE "C" NOT NULL,
    since          BIGINT           NOT NULL,
    mode           TEXT COLLATE "C" NOT NULL DEFAULT '',
    last_synced_at BIGINT,
    last_error     TEXT             NOT NULL DEFAULT '',
    last_error_at  BIGINT,
    error_count    BIGINT           NOT NULL DEFAULT 0,
    missed         BIGINT           NOT NULL DEFAULT 0,
    imported       BIGINT           NOT NULL DEFAULT 0,
    envelopes      BIGINT           NOT NULL DEFAULT 0,
    bodies         BIGINT           NOT NULL DEFAULT 0,
    refused_bodies BIGINT           NOT NULL DEFAULT 0,
    bytes          BIGINT           NOT NULL DEFAULT 0,
    PRIMARY KEY (account, id),
    UNIQUE (account, host, port, username)
) WITH (fillfactor = 50);

CREATE TABLE links (
    account    TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    mailbox    TEXT COLLATE "C" NOT NULL,
    preset     TEXT COLLATE "C" NOT NULL, -- '' where the user gave the server
    address    TEXT COLLATE "C" NOT NULL,
    server     TEXT             NOT NULL, -- JSON
    username   TEXT COLLATE "C" NOT NULL,
    auth       TEXT COLLATE "C" NOT NULL,
    status     TEXT COLLATE "C" NOT NULL,
    detail     TEXT             NOT NULL,
    told       TEXT COLLATE "C" NOT NULL DEFAULT '', -- the trouble that its user was told of and that is not over
    turns      BIGINT           NOT NULL DEFAULT 0, -- events about it so far
    linked_at  BIGINT           NOT NULL,
    ended_at   BIGINT,
    ended_by   TEXT COLLATE "C" NOT NULL DEFAULT '',
    credential BYTEA, -- sealed; NULL once the link has ended
    PRIMARY KEY (account, id),
    FOREIGN KEY (account, mailbox) REFERENCES mailboxes (account, id) ON DELETE CASCADE,
    CHECK (ended_at IS NULL OR credential IS NULL)
);
CREATE UNIQUE INDEX links_one_per_user ON links (account, user_id) WHERE ended_at IS NULL;
CREATE INDEX links_of_mailbox ON links (account, mailbox) WHERE ended_at IS NULL;
CREATE INDEX links_of_user ON links (account, user_id, id);

CREATE TABLE folders (
    account     TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    mailbox     TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    role        TEXT COLLATE "C" NOT NULL,
    uidvalidity BIGINT           NOT NULL,
    anchor      BIGINT           NOT NULL,
    anchored    BOOLEAN          NOT NULL,
    position    BIGINT           NOT NULL,
    gone_at     BIGINT,
    unexplained BIGINT           NOT NULL DEFAULT 0,
    checked_at  BIGINT,
    PRIMARY KEY (account, id),
    UNIQUE (account, mailbox, name),
    FOREIGN KEY (account, mailbox) REFERENCES mailboxes (account, id) ON DELETE CASCADE
) WITH (fillfactor = 70);

-- One outcome for each UID, as runs of neighbours that share one.
CREATE TABLE ledger (
    account     TEXT COLLATE "C" NOT NULL,
    folder      TEXT COLLATE "C" NOT NULL,
    uidvalidity BIGINT           NOT NULL,
    lo          BIGINT           NOT NULL,
    hi          BIGINT           NOT NULL,
    outcome     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, folder, uidvalidity, lo),
    CHECK (lo <= hi)
) WITH (fillfactor = 70);

CREATE TABLE problems (
    account     TEXT COLLATE "C" NOT NULL,
    mailbox     TEXT COLLATE "C" NOT NULL,
    folder      TEXT COLLATE "C" NOT NULL,
    uidvalidity BIGINT           NOT NULL,
    uid         BIGINT           NOT NULL,
    detail      TEXT             NOT NULL,
    tries       BIGINT           NOT NULL,
    since       BIGINT           NOT NULL,
    retry_at    BIGINT, -- NULL: not to be tried again
    PRIMARY KEY (account, folder, uidvalidity, uid)
);
CREATE INDEX problems_due ON problems (account, mailbox, retry_at);

-- The text stands last: reading anything else leaves its pages alone.
CREATE TABLE messages (
    account     TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    identity    BYTEA            NOT NULL,
    thread      TEXT COLLATE "C" NOT NULL,
    deleted_at  BIGINT, -- what is left then is the identity
    direction   TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    header_key  BYTEA, -- of the Message-ID, found by way of thread_ids; see headerKey
    received_at BIGINT           NOT NULL,
    imported_at BIGINT           NOT NULL,
    raw         TEXT COLLATE "C" NOT NULL,
    size        BIGINT           NOT NULL,
    subject     TEXT             NOT NULL,
    snippet     TEXT             NOT NULL,
    people      TEXT             NOT NULL, -- addresses and names, to search in
    details     TEXT             NOT NULL, -- JSON
    text        TEXT             NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, identity)
);
CREATE INDEX messages_by_time ON messages (account, received_at, id) WHERE deleted_at IS NULL;
CREATE INDEX messages_of_thread ON messages (account, thread, received_at, id) WHERE deleted_at IS NULL;
CREATE INDEX messages_by_raw ON messages (account, raw) WHERE deleted_at IS NULL;

CREATE TABLE message_contacts (
    account     TEXT COLLATE "C" NOT NULL,
    contact     TEXT COLLATE "C" NOT NULL,
    received_at BIGINT           NOT NULL,
    message     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, contact, received_at, message)
);

CREATE TABLE sightings (
    account     TEXT COLLATE "C" NOT NULL,
    folder      TEXT COLLATE "C" NOT NULL,
    uidvalidity BIGINT           NOT NULL,
    uid         BIGINT           NOT NULL,
    mailbox     TEXT COLLATE "C" NOT NULL,
    message     TEXT COLLATE "C" NOT NULL,
    ended_at    BIGINT,
    PRIMARY KEY (account, folder, uidvalidity, uid)
);
CREATE INDEX sightings_of_message ON sightings (account, message);

CREATE TABLE threads (
    account          TEXT COLLATE "C" NOT NULL,
    id               TEXT COLLATE "C" NOT NULL,
    merged_into      TEXT COLLATE "C",
    subject          TEXT             NOT NULL,
    snippet          TEXT             NOT NULL,
    message_count    BIGINT           NOT NULL,
    first_message_at BIGINT           NOT NULL,
    last_message_at  BIGINT           NOT NULL,
    PRIMARY KEY (account, id)
) WITH (fillfactor = 80);
CREATE INDEX threads_by_time ON threads (account, last_message_at, id) WHERE merged_into IS NULL;
CREATE INDEX threads_merged ON threads (account, merged_into) WHERE merged_into IS NOT NULL;

-- The header ids that a thread's messages have or name.
CREATE TABLE thread_ids (
    account TEXT COLLATE "C" NOT NULL,
    key     BYTEA            NOT NULL, -- see headerKey
    thread  TEXT COLLATE "C" NOT NULL,
    named   BOOLEAN          NOT NULL, -- by a message's References or In-Reply-To
    PRIMARY KEY (account, key, thread)
);
CREATE INDEX thread_ids_of_thread ON thread_ids (account, thread);

CREATE TABLE thread_correspondents (
    account TEXT COLLATE "C" NOT NULL,
    thread  TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, thread, address)
);

CREATE TABLE thread_contacts (
    account         TEXT COLLATE "C" NOT NULL,
    thread          TEXT COLLATE "C" NOT NULL,
    contact         TEXT COLLATE "C" NOT NULL,
    last_message_at BIGINT           NOT NULL, -- the thread's
    PRIMARY KEY (account, thread, contact)
);
CREATE INDEX thread_contacts_by_time ON thread_contacts (account, contact, last_message_at, thread);

CREATE TABLE thread_mailboxes (
    account         TEXT COLLATE "C" NOT NULL,
    thread          TEXT COLLATE "C" NOT NULL,
    mailbox         TEXT COLLATE "C" NOT NULL,
    last_message_at BIGINT           NOT NULL, -- the thread's
    PRIMARY KEY (account, thread, mailbox)
);
CREATE INDEX thread_mailboxes_by_time ON thread_mailboxes (account, mailbox, last_message_at, thread);

CREATE TABLE events (
    account TEXT COLLATE "C" NOT NULL,
    seq     BIGINT           NOT NULL,
    id      TEXT COLLATE "C" NOT NULL,
    type    TEXT COLLATE "C" NOT NULL,
    at      BIGINT           NOT NULL,
    data    TEXT             NOT NULL, -- JSON
    PRIMARY KEY (account, seq),
    UNIQUE (account, id)
);

CREATE TABLE usage_by_month (
    account  TEXT COLLATE "C" NOT NULL,
    month    TEXT COLLATE "C" NOT NULL, -- 2026-11
    messages BIGINT           NOT NULL,
    bytes    BIGINT           NOT NULL,
    PRIMARY KEY (account, month)
);

-- What the planner would take for granted of an account that is new or has
-- grown since the last ANALYZE is that it has few rows of everything, and that
-- it can read them all. So it is told that all rows are of one account: then
-- any other condition is the better one to begin with. It learns that from
-- tables with one row, and ANALYZE never asks again (STATISTICS 0). A database
-- restored from a dump lacks it, and has the planner's default instead, a
-- 200th of all rows, which is as good once the tables are big.
-- +goose StatementBegin
DO $$
DECLARE
    t TEXT;
BEGIN
    INSERT INTO accounts VALUES ('', '', '', false, '', 0);
    INSERT INTO internal_addresses VALUES ('', '', '');
    INSERT INTO contacts VALUES ('', '', '', '', 0, 0);
    INSERT INTO contact_addresses VALUES ('', '', '', 0, 0);
    INSERT INTO ledger VALUES ('', '', 0, 0, 0, '');
    INSERT INTO messages VALUES ('', '', '', '', NULL, '', '', '', 0, 0, '', 0, '', '', '', '', '');
    INSERT INTO message_contacts VALUES ('', '', 0, '');
    INSERT INTO sightings VALUES ('', '', 0, 0, '', '');
    INSERT INTO threads VALUES ('', '', NULL, '', '', 0, 0, 0);
    INSERT INTO thread_ids VALUES ('', '', '', false);
    INSERT INTO thread_correspondents VALUES ('', '', '');
    INSERT INTO thread_contacts VALUES ('', '', '', 0);
    INSERT INTO thread_mailboxes VALUES ('', '', '', 0);
    INSERT INTO events VALUES ('', 0, '', '', 0, '');
    FOREACH t IN ARRAY ARRAY['internal_addresses', 'contacts', 'contact_addresses', 'ledger', 'messages', 'message_contacts',
        'sightings', 'threads', 'thread_ids', 'thread_correspondents', 'thread_contacts', 'thread_mailboxes', 'events']
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN account SET (n_distinct = 1)', t);
        EXECUTE format('ANALYZE %I', t);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN account SET STATISTICS 0', t);
    END LOOP;
    TRUNCATE accounts, internal_addresses, contacts, contact_addresses, ledger, messages, message_contacts, sightings,
        threads, thread_ids, thread_correspondents, thread_contacts, thread_mailboxes, events CASCADE;
END
$$;
-- +goose StatementEnd
