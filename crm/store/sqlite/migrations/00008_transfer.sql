-- +goose Up

-- Where a link's preset wants it to be since it was edited, in JSON; NULL where
-- it is there.
ALTER TABLE links ADD COLUMN transfer TEXT;
