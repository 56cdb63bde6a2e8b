-- +goose Up

-- Since when delivery reports that mailboxes of the account receive are read;
-- NULL where they are not. What came before stays unread.
ALTER TABLE accounts ADD COLUMN reports_since BIGINT;

-- Delivery reports of which the delivery status was read.
ALTER TABLE mailboxes ADD COLUMN reports BIGINT NOT NULL DEFAULT 0;
