-- +goose Up

-- No connection to the endpoint could be made: one that can be ends the wait.
ALTER TABLE webhooks ADD COLUMN unreachable BOOLEAN NOT NULL DEFAULT FALSE;

-- The few that wait after a failure, or that somebody posts to.
CREATE INDEX webhooks_waiting ON webhooks (account, id) WHERE next_at > 0 OR lease > 0;
