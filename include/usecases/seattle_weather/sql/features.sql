-- One row per day, from the observations known at six in the morning: those up to the day before.
WITH recent AS (
    SELECT
        decision_partition,
        max(partition) AS last_day,
        avg(temperature_max_c) FILTER (WHERE partition >= CAST(CAST(decision_partition AS DATE) - 7 AS VARCHAR)) AS max_7d,
        avg(temperature_max_c) AS max_28d
    FROM history
    WHERE partition < decision_partition
    GROUP BY decision_partition
)
SELECT
    spine.partition,
    spine.entity,
    spine.decision_at,
    spine.decision_at AS known_at,
    spine.month,
    sin(2 * pi() * spine.year_day / 365.25) AS season_sine,
    cos(2 * pi() * spine.year_day / 365.25) AS season_cosine,
    yesterday.temperature_max_c AS temperature_max_1d_c,
    yesterday.temperature_min_c AS temperature_min_1d_c,
    recent.max_7d AS temperature_max_mean_7d_c,
    recent.max_28d AS temperature_max_mean_28d_c,
    yesterday.precipitation_mm AS precipitation_1d_mm,
    yesterday.wind_m_per_s AS wind_1d_m_per_s,
    yesterday.weather AS weather_1d
FROM spine
LEFT JOIN recent ON recent.decision_partition = spine.partition
LEFT JOIN history AS yesterday
    ON yesterday.decision_partition = spine.partition
    AND yesterday.partition = CAST(CAST(spine.partition AS DATE) - 1 AS VARCHAR)
