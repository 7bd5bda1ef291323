-- purpose: How far each input was read. A file is known by name and by the hash of its head, so that the file that
--          was rotated away and the new one of its name are two; of each, the row that read furthest.
-- kind: query
-- reads: sources
-- grain: one source, head_hash and head_length
-- params: none
SELECT *
FROM sources
QUALIFY row_number() OVER (PARTITION BY source, head_hash, head_length ORDER BY position DESC, recorded_at DESC) = 1
ORDER BY source ASC, recorded_at ASC
