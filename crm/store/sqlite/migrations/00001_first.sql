-- +goose Up

-- Tables whose rows are small and are looked up by their key alone are WITHOUT
-- ROWID: one tree instead of two. Foreign keys stand where people write; the
-- tables that Record fills were checked by it, and pay for no further look.

CREATE TABLE accounts (
    id                 TEXT    NOT NULL PRIMARY KEY,
    name               TEXT    NOT NULL,
    status             TEXT    NOT NULL,
    mail_enabled       BOOLEAN NOT NULL,
    contact_visibility TEXT    NOT NULL,
    created_at         BIGINT  NOT NULL,
    event_seq          BIGINT  NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE account_keys (
    account    TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    hash       BLOB   NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

CREATE TABLE users (
    account    TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         TEXT    NOT NULL,
    email      TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    aliases    TEXT    NOT NULL, -- JSON
    active     BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

CREATE TABLE user_tokens (
    account    TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    hash       BLOB   NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    FOREIGN KEY (account, user_id) REFERENCES users (account, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX user_tokens_of_user ON user_tokens (account, user_id);

-- The addresses of users that are not deleted and of mailboxes with a link
-- that stands. source says whose: user/ID or link/ID.
CREATE TABLE internal_addresses (
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    source  TEXT NOT NULL,
    PRIMARY KEY (account, address, source)
) WITHOUT ROWID;
CREATE INDEX internal_addresses_of_source ON internal_addresses (account, source);

CREATE TABLE contacts (
    account    TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    owner      TEXT   NOT NULL, -- '' where nobody owns it
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

CREATE TABLE contact_addresses (
    account TEXT   NOT NULL,
    address TEXT   NOT NULL,
    contact TEXT   NOT NULL,
    since   BIGINT NOT NULL,
    place   BIGINT NOT NULL, -- in the contact's list, from 0
    PRIMARY KEY (account, address, contact),
    FOREIGN KEY (account, contact) REFERENCES contacts (account, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX contact_addresses_of_contact ON contact_addresses (account, contact);

CREATE TABLE presets (
    account       TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id            TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    imap          TEXT   NOT NULL, -- JSON
    smtp          TEXT,            -- JSON
    auth          TEXT   NOT NULL,
    username_form TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

CREATE TABLE mailboxes (
    account        TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id             TEXT   NOT NULL,
    host           TEXT   NOT NULL, -- lower case
    port           BIGINT NOT NULL,
    username       TEXT   NOT NULL,
    since          BIGINT NOT NULL,
    mode           TEXT   NOT NULL DEFAULT '',
    last_synced_at BIGINT,
    last_error     TEXT   NOT NULL DEFAULT '',
    last_error_at  BIGINT,
    error_count    BIGINT NOT NULL DEFAULT 0,
    missed         BIGINT NOT NULL DEFAULT 0,
    imported       BIGINT NOT NULL DEFAULT 0,
    envelopes      BIGINT NOT NULL DEFAULT 0,
    bodies         BIGINT NOT NULL DEFAULT 0,
    refused_bodies BIGINT NOT NULL DEFAULT 0,
    bytes          BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, id),
    UNIQUE (account, host, port, username)
) WITHOUT ROWID;

CREATE TABLE links (
    account    TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    mailbox    TEXT   NOT NULL,
    preset     TEXT   NOT NULL, -- '' where the user gave the server
    address    TEXT   NOT NULL,
    server     TEXT   NOT NULL, -- JSON
    username   TEXT   NOT NULL,
    auth       TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    told       TEXT   NOT NULL DEFAULT '', -- the trouble that its user was told of and that is not over
    turns      BIGINT NOT NULL DEFAULT 0,  -- events about it so far
    linked_at  BIGINT NOT NULL,
    ended_at   BIGINT,
    ended_by   TEXT   NOT NULL DEFAULT '',
    credential BLOB, -- sealed; NULL once the link has ended
    PRIMARY KEY (account, id),
    FOREIGN KEY (account, mailbox) REFERENCES mailboxes (account, id) ON DELETE CASCADE,
    CHECK (ended_at IS NULL OR credential IS NULL)
);
CREATE UNIQUE INDEX links_one_per_user ON links (account, user_id) WHERE ended_at IS NULL;
CREATE INDEX links_of_mailbox ON links (account, mailbox) WHERE ended_at IS NULL;
CREATE INDEX links_of_user ON links (account, user_id, id);

CREATE TABLE folders (
    account     TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    mailbox     TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    uidvalidity BIGINT NOT NULL,
    anchor      BIGINT NOT NULL,
    anchored    BOOLEAN NOT NULL,
    position    BIGINT NOT NULL,
    gone_at     BIGINT,
    unexplained BIGINT NOT NULL DEFAULT 0,
    checked_at  BIGINT,
    PRIMARY KEY (account, id),
    UNIQUE (account, mailbox, name),
    FOREIGN KEY (account, mailbox) REFERENCES mailboxes (account, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- One outcome for each UID, as runs of neighbours that share one.
CREATE TABLE ledger (
    account     TEXT   NOT NULL,
    folder      TEXT   NOT NULL,
    uidvalidity BIGINT NOT NULL,
    lo          BIGINT NOT NULL,
    hi          BIGINT NOT NULL,
    outcome     TEXT   NOT NULL,
    PRIMARY KEY (account, folder, uidvalidity, lo),
    CHECK (lo <= hi)
) WITHOUT ROWID;

CREATE TABLE problems (
    account     TEXT   NOT NULL,
    mailbox     TEXT   NOT NULL,
    folder      TEXT   NOT NULL,
    uidvalidity BIGINT NOT NULL,
    uid         BIGINT NOT NULL,
    detail      TEXT   NOT NULL,
    tries       BIGINT NOT NULL,
    since       BIGINT NOT NULL,
    retry_at    BIGINT, -- NULL: not to be tried again
    PRIMARY KEY (account, folder, uidvalidity, uid)
) WITHOUT ROWID;
CREATE INDEX problems_due ON problems (account, mailbox, retry_at);

-- The text stands last: reading anything else leaves its pages alone.
CREATE TABLE messages (
    account     TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    identity    BLOB   NOT NULL,
    thread      TEXT   NOT NULL,
    deleted_at  BIGINT, -- what is left then is the identity
    direction   TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    header_key  BLOB,   -- of the Message-ID, found by way of thread_ids; see headerKey
    received_at BIGINT NOT NULL,
    imported_at BIGINT NOT NULL,
    raw         TEXT   NOT NULL,
    size        BIGINT NOT NULL,
    subject     TEXT   NOT NULL,
    snippet     TEXT   NOT NULL,
    people      TEXT   NOT NULL, -- addresses and names, to search in
    details     TEXT   NOT NULL, -- JSON
    text        TEXT   NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, identity)
);
CREATE INDEX messages_by_time ON messages (account, received_at, id) WHERE deleted_at IS NULL;
CREATE INDEX messages_of_thread ON messages (account, thread, received_at, id) WHERE deleted_at IS NULL;
CREATE INDEX messages_by_raw ON messages (account, raw) WHERE deleted_at IS NULL;

CREATE TABLE message_contacts (
    account     TEXT   NOT NULL,
    contact     TEXT   NOT NULL,
    received_at BIGINT NOT NULL,
    message     TEXT   NOT NULL,
    PRIMARY KEY (account, contact, received_at, message)
) WITHOUT ROWID;

CREATE TABLE sightings (
    account     TEXT   NOT NULL,
    folder      TEXT   NOT NULL,
    uidvalidity BIGINT NOT NULL,
    uid         BIGINT NOT NULL,
    mailbox     TEXT   NOT NULL,
    message     TEXT   NOT NULL,
    ended_at    BIGINT,
    PRIMARY KEY (account, folder, uidvalidity, uid)
) WITHOUT ROWID;
CREATE INDEX sightings_of_message ON sightings (account, message);

CREATE TABLE threads (
    account         TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    merged_into     TEXT,
    subject         TEXT   NOT NULL,
    snippet         TEXT   NOT NULL,
    message_count   BIGINT NOT NULL,
    first_message_at BIGINT NOT NULL,
    last_message_at BIGINT NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX threads_by_time ON threads (account, last_message_at, id) WHERE merged_into IS NULL;
CREATE INDEX threads_merged ON threads (account, merged_into) WHERE merged_into IS NOT NULL;

-- The header ids that a thread's messages have or name.
CREATE TABLE thread_ids (
    account TEXT    NOT NULL,
    key     BLOB    NOT NULL, -- see headerKey
    thread  TEXT    NOT NULL,
    named   BOOLEAN NOT NULL, -- by a message's References or In-Reply-To
    PRIMARY KEY (account, key, thread)
) WITHOUT ROWID;
CREATE INDEX thread_ids_of_thread ON thread_ids (account, thread);

CREATE TABLE thread_correspondents (
    account TEXT NOT NULL,
    thread  TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (account, thread, address)
) WITHOUT ROWID;

CREATE TABLE thread_contacts (
    account         TEXT   NOT NULL,
    thread          TEXT   NOT NULL,
    contact         TEXT   NOT NULL,
    last_message_at BIGINT NOT NULL, -- the thread's
    PRIMARY KEY (account, thread, contact)
) WITHOUT ROWID;
CREATE INDEX thread_contacts_by_time ON thread_contacts (account, contact, last_message_at, thread);

CREATE TABLE thread_mailboxes (
    account         TEXT   NOT NULL,
    thread          TEXT   NOT NULL,
    mailbox         TEXT   NOT NULL,
    last_message_at BIGINT NOT NULL, -- the thread's
    PRIMARY KEY (account, thread, mailbox)
) WITHOUT ROWID;
CREATE INDEX thread_mailboxes_by_time ON thread_mailboxes (account, mailbox, last_message_at, thread);

CREATE TABLE events (
    account TEXT   NOT NULL,
    seq     BIGINT NOT NULL,
    id      TEXT   NOT NULL,
    type    TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    data    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (account, seq),
    UNIQUE (account, id)
) WITHOUT ROWID;

CREATE TABLE usage_by_month (
    account  TEXT   NOT NULL,
    month    TEXT   NOT NULL, -- 2026-11
    messages BIGINT NOT NULL,
    bytes    BIGINT NOT NULL,
    PRIMARY KEY (account, month)
) WITHOUT ROWID;

-- What the planner would take for granted without statistics is that an
-- account has ten rows of everything, and that it can read them all. These are
-- those of one account with some use. Nobody runs ANALYZE after this.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('users', 'users', '1000 1000 1'),
    ('internal_addresses', 'internal_addresses', '3000 3000 1 1'),
    ('internal_addresses', 'internal_addresses_of_source', '3000 3000 2'),
    ('contacts', 'contacts', '100000 100000 1'),
    ('contact_addresses', 'contact_addresses', '100000 100000 1 1'),
    ('contact_addresses', 'contact_addresses_of_contact', '100000 100000 2'),
    ('mailboxes', 'mailboxes', '1000 1000 1'),
    ('mailboxes', 'sqlite_autoindex_mailboxes_2', '1000 1000 500 300 1'),
    ('links', 'sqlite_autoindex_links_1', '2000 2000 1'),
    ('links', 'links_one_per_user', '1000 1000 1'),
    ('links', 'links_of_mailbox', '1000 1000 1'),
    ('links', 'links_of_user', '2000 2000 2 1'),
    ('folders', 'folders', '20000 20000 1'),
    ('folders', 'sqlite_autoindex_folders_2', '20000 20000 20 1'),
    ('ledger', 'ledger', '1000000 1000000 500 500 1'),
    ('problems', 'problems', '1000 1000 10 10 1'),
    ('problems', 'problems_due', '1000 1000 10 1'),
    ('messages', 'sqlite_autoindex_messages_1', '1000000 1000000 1'),
    ('messages', 'sqlite_autoindex_messages_2', '1000000 1000000 1'),
    ('messages', 'messages_by_time', '1000000 1000000 2 1'),
    ('messages', 'messages_of_thread', '1000000 1000000 4 1 1'),
    ('messages', 'messages_by_raw', '1000000 1000000 1'),
    ('message_contacts', 'message_contacts', '1000000 1000000 20 1 1'),
    ('sightings', 'sightings', '2000000 2000000 500 500 1'),
    ('sightings', 'sightings_of_message', '2000000 2000000 2'),
    ('threads', 'threads', '300000 300000 1'),
    ('threads', 'threads_by_time', '300000 300000 2 1'),
    ('threads', 'threads_merged', '1000 1000 2'),
    ('thread_ids', 'thread_ids', '2000000 2000000 1 1'),
    ('thread_ids', 'thread_ids_of_thread', '2000000 2000000 6'),
    ('thread_correspondents', 'thread_correspondents', '500000 500000 2 1'),
    ('thread_contacts', 'thread_contacts', '300000 300000 1 1'),
    ('thread_contacts', 'thread_contacts_by_time', '300000 300000 6 1 1'),
    ('thread_mailboxes', 'thread_mailboxes', '400000 400000 2 1'),
    ('thread_mailboxes', 'thread_mailboxes_by_time', '400000 400000 400 1 1'),
    ('events', 'events', '2000000 2000000 1'),
    ('events', 'sqlite_autoindex_events_2', '2000000 2000000 1');
