-- One row for each flight of which anything was told, in the columns of the daily file. The newest outcome counts: what
-- arrived has also departed. Clock times are those of the schedule and the delays, as in the file.
WITH
scheduled AS (SELECT partition, key, data FROM events WHERE type = 'flight.scheduled'),
outcomes AS (
    SELECT partition, key, data, type
    FROM events
    WHERE type != 'flight.scheduled'
    QUALIFY row_number() OVER (PARTITION BY partition, key ORDER BY known_at DESC, type, event_id) = 1
),
flights AS (
    SELECT
        coalesce(s.partition, o.partition) AS partition,
        coalesce(o.data, s.data) AS told,
        CAST(s.data ->> 'scheduled_departure_local_min' AS BIGINT) AS departure_min,
        CAST(s.data ->> 'scheduled_arrival_local_min' AS BIGINT) AS arrival_min,
        CAST(s.data ->> 'distance_miles' AS BIGINT) AS distance,
        CAST(o.data ->> 'departure_delay_min' AS BIGINT) AS dep_delay,
        CAST(o.data ->> 'arrival_delay_min' AS BIGINT) AS arr_delay,
        CAST(o.data ->> 'air_time_min' AS BIGINT) AS air_time,
        o.key IS NOT NULL AS has_outcome,
        coalesce(o.type != 'flight.departed', false) AS has_ended
    FROM scheduled AS s
    FULL JOIN outcomes AS o ON o.partition = s.partition AND o.key = s.key
)
SELECT
    partition,
    CAST(left(partition, 4) AS BIGINT) AS year,
    CAST(substr(partition, 6, 2) AS BIGINT) AS month,
    CAST(right(partition, 2) AS BIGINT) AS day,
    ((departure_min + dep_delay + 1440) % 1440) // 60 * 100 + (departure_min + dep_delay + 1440) % 60 AS dep_time,
    departure_min // 60 * 100 + departure_min % 60 AS sched_dep_time,
    dep_delay,
    ((arrival_min + arr_delay + 1440) % 1440) // 60 * 100 + (arrival_min + arr_delay + 1440) % 60 AS arr_time,
    arrival_min // 60 * 100 + arrival_min % 60 AS sched_arr_time,
    arr_delay,
    told ->> 'carrier' AS carrier,
    CAST(told ->> 'flight_number' AS BIGINT) AS flight,
    told ->> 'tailnum' AS tailnum,
    told ->> 'origin' AS origin,
    told ->> 'dest' AS dest,
    air_time,
    distance,
    departure_min // 60 AS hour,
    departure_min % 60 AS minute,
    CAST(told ->> 'scheduled_departure_at' AS TIMESTAMPTZ) - to_minutes(departure_min % 60) AS time_hour,
    has_outcome,
    has_ended
FROM flights
