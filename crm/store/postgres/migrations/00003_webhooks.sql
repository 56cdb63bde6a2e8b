-- +goose Up

CREATE TABLE webhooks (
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         TEXT COLLATE "C" NOT NULL,
    url        TEXT             NOT NULL,
    types      TEXT             NOT NULL, -- JSON; []: all
    include    TEXT             NOT NULL, -- JSON
    status     TEXT COLLATE "C" NOT NULL,
    detail     TEXT             NOT NULL DEFAULT '',
    secret     BYTEA            NOT NULL, -- sealed
    old_secret BYTEA,                     -- sealed; signs too until old_until
    old_until  BIGINT,
    position   BIGINT           NOT NULL,           -- every event up to here is dealt with
    failing_at BIGINT,                              -- since when; NULL: well
    next_at    BIGINT           NOT NULL DEFAULT 0, -- not before
    lease      BIGINT           NOT NULL DEFAULT 0, -- somebody posts to it until then
    created_at BIGINT           NOT NULL,
    updated_at BIGINT           NOT NULL,
    PRIMARY KEY (account, id)
) WITH (fillfactor = 50);

CREATE TABLE deliveries (
    account     TEXT COLLATE "C" NOT NULL,
    webhook     TEXT COLLATE "C" NOT NULL,
    seq         BIGINT           NOT NULL, -- the event's
    id          TEXT COLLATE "C" NOT NULL,
    event       TEXT COLLATE "C" NOT NULL,
    type        TEXT COLLATE "C" NOT NULL,
    status      TEXT COLLATE "C" NOT NULL,
    attempts    BIGINT           NOT NULL,
    next_at     BIGINT,
    at          BIGINT           NOT NULL, -- of the latest attempt, as is all that follows
    took        BIGINT           NOT NULL, -- milliseconds
    http_status BIGINT           NOT NULL, -- 0: no answer
    answer      TEXT             NOT NULL,
    fault       TEXT             NOT NULL,
    PRIMARY KEY (account, webhook, seq),
    FOREIGN KEY (account, webhook) REFERENCES webhooks (account, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX deliveries_by_id ON deliveries (account, id);
