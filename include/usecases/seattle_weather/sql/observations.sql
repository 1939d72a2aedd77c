-- A day's measurements are known at the local midnight that ends it.
SELECT
    partition,
    partition AS day_id,
    timezone('America/Los_Angeles', CAST(partition AS TIMESTAMP)) AS event_time,
    timezone('America/Los_Angeles', CAST(partition AS TIMESTAMP) + INTERVAL 1 DAY) AS known_at,
    precipitation AS precipitation_mm,
    temp_max AS temperature_max_c,
    temp_min AS temperature_min_c,
    wind AS wind_m_per_s,
    weather
FROM rows
