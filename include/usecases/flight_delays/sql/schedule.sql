-- The schedule is known at noon UTC of the day before; nothing here is learnt after that.
SELECT
    partition,
    concat_ws('-', partition, carrier, flight, origin) AS flight_id,
    time_hour + to_minutes(minute) AS event_time,
    timezone('UTC', CAST(partition AS TIMESTAMP) - INTERVAL 12 HOUR) AS known_at,
    carrier,
    flight AS flight_number,
    tailnum,
    origin,
    dest,
    time_hour + to_minutes(minute) AS scheduled_departure_at,
    hour * 60 + minute AS scheduled_departure_local_min,
    (sched_arr_time // 100) * 60 + sched_arr_time % 100 AS scheduled_arrival_local_min,
    distance AS distance_miles
FROM rows
