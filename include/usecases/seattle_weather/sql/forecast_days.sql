-- A calendar day is known long before; its row carries nothing that was measured.
SELECT
    partition,
    partition AS day_id,
    timezone('America/Los_Angeles', CAST(partition AS TIMESTAMP)) AS event_time,
    timezone('America/Los_Angeles', CAST(partition AS TIMESTAMP)) - INTERVAL 365 DAY AS known_at,
    month(CAST(partition AS DATE)) AS month,
    dayofyear(CAST(partition AS DATE)) AS year_day
FROM rows
