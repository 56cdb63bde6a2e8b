-- +goose Up

-- Who changed what. Lines are added and go with their account: nobody changes
-- one, by mistake or otherwise.
CREATE TABLE audit (
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    seq        BIGINT           NOT NULL, -- 1, 2, 3 …
    at         BIGINT           NOT NULL,
    actor_kind TEXT COLLATE "C" NOT NULL,
    actor_id   TEXT COLLATE "C" NOT NULL, -- '' of the operator and of the daemon
    action     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    detail     TEXT             NOT NULL, -- JSON
    PRIMARY KEY (account, seq)
);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only added to';
END $$;
-- +goose StatementEnd

CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
