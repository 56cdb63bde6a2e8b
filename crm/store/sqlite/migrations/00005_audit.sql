-- +goose Up

-- Who changed what. Lines are added and go with their account: nobody changes
-- one, by mistake or otherwise.
CREATE TABLE audit (
    account    TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    seq        BIGINT NOT NULL, -- 1, 2, 3 …
    at         BIGINT NOT NULL,
    actor_kind TEXT   NOT NULL,
    actor_id   TEXT   NOT NULL, -- '' of the operator and of the daemon
    action     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    detail     TEXT   NOT NULL, -- JSON
    PRIMARY KEY (account, seq)
) WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END;
-- +goose StatementEnd

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('audit', 'audit', '20000 20000 1');
