-- +goose Up

-- Somebody has the grant of the link to themselves until then, to refresh it.
ALTER TABLE links ADD COLUMN refreshing_until BIGINT NOT NULL DEFAULT 0;

-- What users have begun and are to agree to at a provider: one at a time.
CREATE TABLE authorizations (
    account    TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    state      BLOB   NOT NULL, -- hash
    link       TEXT   NOT NULL, -- '' where a new one is to be made
    preset     TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    server     TEXT   NOT NULL, -- JSON
    username   TEXT   NOT NULL,
    provider   TEXT   NOT NULL,
    verifier   BLOB   NOT NULL, -- sealed
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (account, user_id),
    FOREIGN KEY (account, user_id) REFERENCES users (account, id) ON DELETE CASCADE
) WITHOUT ROWID;
