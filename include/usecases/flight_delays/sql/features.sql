-- One row per flight, from what was known one hour before its scheduled departure.
-- Relations: spine, timetable, departures_asof, landings_asof, history, observations_asof, planes (see features.py).
-- Means and shares are quotients of whole numbers, so that no order of rows changes them.
WITH
arrivals AS (
    SELECT
        decision_partition, carrier, flight_number, origin, dest,
        hour(timezone('America/New_York', scheduled_departure_at)) AS local_hour,
        CAST(arrival_delay_min > 15 AS INTEGER) AS is_late,
        partition >= CAST(CAST(decision_partition AS DATE) - 7 AS VARCHAR) AS in_7d
    FROM history
    WHERE arrival_delay_min IS NOT NULL AND partition < decision_partition
),
by_carrier AS (
    SELECT
        decision_partition, carrier, count(*) AS n, sum(is_late) / count(*) AS late_28d,
        sum(is_late) FILTER (WHERE in_7d) / count(*) FILTER (WHERE in_7d) AS late_7d
    FROM arrivals GROUP BY ALL
),
by_route AS (
    SELECT
        decision_partition, origin, dest, count(*) AS n, sum(is_late) / count(*) AS late_28d,
        sum(is_late) FILTER (WHERE in_7d) / count(*) FILTER (WHERE in_7d) AS late_7d
    FROM arrivals GROUP BY ALL
),
by_origin AS (
    SELECT
        decision_partition, origin, count(*) AS n, sum(is_late) / count(*) AS late_28d,
        sum(is_late) FILTER (WHERE in_7d) / count(*) FILTER (WHERE in_7d) AS late_7d
    FROM arrivals GROUP BY ALL
),
by_hour AS (
    SELECT
        decision_partition, origin, local_hour, count(*) AS n, sum(is_late) / count(*) AS late_28d,
        sum(is_late) FILTER (WHERE in_7d) / count(*) FILTER (WHERE in_7d) AS late_7d
    FROM arrivals GROUP BY ALL
),
by_flight AS (
    SELECT
        decision_partition, carrier, flight_number, origin, count(*) AS n, sum(is_late) / count(*) AS late_28d,
        sum(is_late) FILTER (WHERE in_7d) / count(*) FILTER (WHERE in_7d) AS late_7d
    FROM arrivals GROUP BY ALL
),
-- Weather: the latest observation at the origin that is at most six hours old, and the one three hours before it.
observed AS (
    SELECT
        decision_entity AS entity, decision_at, event_time, temperature_f, dew_point_f, humidity_pct, wind_direction_deg,
        wind_speed_mph, wind_gust_mph, precipitation_in, pressure_mbar, visibility_miles
    FROM observations_asof
    WHERE origin = decision_origin AND event_time > decision_at - INTERVAL 12 HOUR
),
latest AS (
    SELECT
        entity,
        max(event_time) AS observed_at,
        sum(CAST(round(precipitation_in * 100) AS BIGINT)) FILTER (WHERE event_time > decision_at - INTERVAL 6 HOUR)
            / 100 AS precipitation_6h_in
    FROM observed
    GROUP BY entity, decision_at
    HAVING max(event_time) > decision_at - INTERVAL 6 HOUR
),
weather AS (
    SELECT
        last.*,
        latest.precipitation_6h_in,
        date_diff('minute', last.event_time, last.decision_at) AS weather_age_min,
        last.temperature_f - earlier.temperature_f AS temperature_change_3h_f,
        last.pressure_mbar - earlier.pressure_mbar AS pressure_change_3h_mbar,
        last.visibility_miles - earlier.visibility_miles AS visibility_change_3h_miles
    FROM latest
    JOIN observed AS last ON last.entity = latest.entity AND last.event_time = latest.observed_at
    LEFT JOIN observed AS earlier
        ON earlier.entity = latest.entity AND earlier.event_time = latest.observed_at - INTERVAL 3 HOUR
),
-- The timetable around each decision. Times in whole minutes, as the sources give them: a window of 180 minutes that
-- ends now and is open at its far end begins 179 minutes ago.
clock AS (
    SELECT partition AS decision_partition, origin, entity, epoch_ms(decision_at) // 60000 AS at_min, 0 AS flight
    FROM spine
    UNION ALL
    SELECT decision_partition, origin, NULL, epoch_ms(scheduled_departure_at) // 60000, 1
    FROM timetable
),
due AS (
    SELECT
        entity,
        sum(flight) OVER (at_origin RANGE BETWEEN 30 FOLLOWING AND 90 FOLLOWING) AS around_count,
        sum(flight) OVER (at_origin RANGE BETWEEN 359 PRECEDING AND CURRENT ROW) AS due_6h,
        sum(flight) OVER (at_origin RANGE BETWEEN 179 PRECEDING AND CURRENT ROW) AS due_3h,
        at_min * due_3h - sum(flight * at_min) OVER (at_origin RANGE BETWEEN 179 PRECEDING AND CURRENT ROW)
            AS overdue_3h_min
    FROM clock
    WINDOW at_origin AS (PARTITION BY decision_partition, origin ORDER BY at_min)
    QUALIFY entity IS NOT NULL
),
-- The same day's state at the origin, once for each instant at which someone asks.
moments AS (
    SELECT min(entity) AS entity, partition, origin, decision_at FROM spine GROUP BY ALL
),
departures_by_age AS (
    SELECT
        known.decision_partition, known.decision_origin, known.decision_at,
        least(date_diff('minute', known.departed_at, known.decision_at) // 60, 3) AS age_h,
        flights.scheduled_departure_at > known.decision_at - INTERVAL 3 HOUR
            AND flights.scheduled_departure_at <= known.decision_at AS was_due_3h,
        count(*) AS n,
        count_if(known.departure_delay_min > 15) AS late,
        sum(known.departure_delay_min) AS delay_min,
        sum(date_diff('minute', flights.scheduled_departure_at, known.decision_at)) AS overdue_min
    FROM departures_asof AS known
    JOIN timetable AS flights USING (decision_partition, partition, flight_id)
    WHERE known.decision_entity IN (SELECT entity FROM moments)
        AND flights.origin = known.decision_origin
        AND (known.departed_at > known.decision_at - INTERVAL 3 HOUR
            OR flights.scheduled_departure_at > known.decision_at - INTERVAL 3 HOUR)
    GROUP BY ALL
),
departed AS (
    SELECT
        decision_partition AS partition, decision_origin AS origin, decision_at,
        sum(n) FILTER (WHERE age_h < 1) AS n_1h,
        sum(n) FILTER (WHERE age_h < 2) AS n_2h,
        sum(n) FILTER (WHERE age_h < 3) AS n_3h,
        sum(late) FILTER (WHERE age_h < 1) AS late_1h,
        sum(late) FILTER (WHERE age_h < 2) AS late_2h,
        sum(late) FILTER (WHERE age_h < 3) AS late_3h,
        sum(delay_min) FILTER (WHERE age_h < 1) AS sum_1h,
        sum(delay_min) FILTER (WHERE age_h < 2) AS sum_2h,
        sum(delay_min) FILTER (WHERE age_h < 3) AS sum_3h,
        sum(n) FILTER (WHERE was_due_3h) AS gone_3h,
        sum(overdue_min) FILTER (WHERE was_due_3h) AS gone_overdue_min
    FROM departures_by_age
    GROUP BY ALL
),
departed_own AS (
    SELECT
        known.decision_entity AS entity,
        count(*) AS n,
        count_if(known.departure_delay_min > 15) AS late,
        sum(known.departure_delay_min) AS delay_min
    FROM departures_asof AS known
    JOIN timetable AS flights USING (decision_partition, partition, flight_id)
    WHERE flights.origin = known.decision_origin
        AND flights.carrier = known.decision_carrier
        AND known.departed_at > known.decision_at - INTERVAL 3 HOUR
    GROUP BY ALL
),
landed AS (
    SELECT
        decision_partition AS partition, decision_origin AS origin, decision_at,
        count_if(is_recent AND arrival_delay_min IS NOT NULL) AS arrived_6h,
        count_if(is_recent AND arrival_delay_min > 15) AS arrived_late_6h,
        count_if(is_cancelled AND was_due_6h) AS cancelled_6h,
        count_if(is_cancelled AND was_due_3h) AS cancelled_3h,
        sum(date_diff('minute', scheduled_departure_at, decision_at)) FILTER (WHERE is_cancelled AND was_due_3h)
            AS cancelled_overdue_min
    FROM (
        SELECT
            *,
            known_at > decision_at - INTERVAL 6 HOUR AS is_recent,
            scheduled_departure_at > decision_at - INTERVAL 6 HOUR AND scheduled_departure_at <= decision_at
                AS was_due_6h,
            scheduled_departure_at > decision_at - INTERVAL 3 HOUR AND scheduled_departure_at <= decision_at
                AS was_due_3h
        FROM landings_asof
        WHERE decision_entity IN (SELECT entity FROM moments)
            AND origin = decision_origin
            AND (known_at > decision_at - INTERVAL 6 HOUR
                OR (is_cancelled AND scheduled_departure_at > decision_at - INTERVAL 6 HOUR))
    )
    GROUP BY ALL
),
-- The previous legs of the same aircraft.
previous_departure AS (
    SELECT
        known.decision_entity AS entity,
        arg_max(known.departure_delay_min, (known.departed_at, known.flight_id)) AS delay_min,
        min(date_diff('minute', known.departed_at, known.decision_at)) AS age_min
    FROM departures_asof AS known
    JOIN timetable AS flights USING (decision_partition, partition, flight_id)
    WHERE flights.tailnum = known.decision_tailnum
    GROUP BY ALL
),
previous_arrival AS (
    SELECT
        decision_entity AS entity,
        arg_max(arrival_delay_min, (known_at, flight_id)) AS delay_min
    FROM landings_asof
    WHERE tailnum = decision_tailnum AND arrival_delay_min IS NOT NULL
    GROUP BY ALL
),
own_due AS (
    SELECT spine.entity, flights.flight_id, date_diff('minute', flights.scheduled_departure_at, decision_at) AS overdue_min
    FROM spine
    JOIN timetable AS flights ON flights.decision_partition = spine.partition AND flights.tailnum = spine.tailnum
    WHERE flights.scheduled_departure_at > decision_at - INTERVAL 12 HOUR
        AND flights.scheduled_departure_at <= decision_at
),
own_gone AS (
    SELECT known.decision_entity AS entity, known.flight_id
    FROM departures_asof AS known
    JOIN timetable AS flights USING (decision_partition, partition, flight_id)
    WHERE flights.tailnum = known.decision_tailnum
    UNION ALL
    SELECT decision_entity, flight_id
    FROM landings_asof
    WHERE tailnum = decision_tailnum AND is_cancelled
),
previous_due AS (
    SELECT entity, max(overdue_min) AS overdue_min
    FROM own_due
    ANTI JOIN own_gone USING (entity, flight_id)
    GROUP BY ALL
)
SELECT
    spine.entity,
    spine.carrier,
    spine.origin,
    spine.dest,
    spine.scheduled_departure_local_min // 60 AS departure_local_hour,
    spine.scheduled_departure_local_min AS departure_local_min,
    isodow(CAST(spine.partition AS DATE)) AS departure_weekday,
    spine.distance_miles,
    (spine.scheduled_arrival_local_min - spine.scheduled_departure_local_min + 1440) % 1440 AS scheduled_duration_min,
    due.around_count AS origin_scheduled_1h_count,
    planes.tailnum IS NOT NULL AS is_aircraft_known,
    year(CAST(spine.partition AS DATE)) - planes.built_year AS aircraft_age_years,
    planes.seats AS aircraft_seats,
    planes.engines AS aircraft_engines,
    planes.type AS aircraft_type,
    planes.engine AS aircraft_engine,
    weather.* EXCLUDE (entity, decision_at, event_time),
    by_carrier.late_7d AS carrier_late_7d_share,
    by_carrier.late_28d AS carrier_late_28d_share,
    coalesce(by_carrier.n, 0) AS carrier_arrivals_28d_count,
    by_route.late_7d AS route_late_7d_share,
    by_route.late_28d AS route_late_28d_share,
    coalesce(by_route.n, 0) AS route_arrivals_28d_count,
    by_origin.late_7d AS origin_late_7d_share,
    by_origin.late_28d AS origin_late_28d_share,
    coalesce(by_origin.n, 0) AS origin_arrivals_28d_count,
    by_hour.late_7d AS hour_late_7d_share,
    by_hour.late_28d AS hour_late_28d_share,
    coalesce(by_hour.n, 0) AS hour_arrivals_28d_count,
    by_flight.late_7d AS flight_late_7d_share,
    by_flight.late_28d AS flight_late_28d_share,
    coalesce(by_flight.n, 0) AS flight_arrivals_28d_count,
    coalesce(departed.n_1h, 0) AS origin_departures_1h_count,
    departed.late_1h / nullif(departed.n_1h, 0) AS origin_late_departures_1h_share,
    departed.sum_1h / nullif(departed.n_1h, 0) AS origin_departure_delay_mean_1h_min,
    coalesce(departed.n_2h, 0) AS origin_departures_2h_count,
    departed.late_2h / nullif(departed.n_2h, 0) AS origin_late_departures_2h_share,
    departed.sum_2h / nullif(departed.n_2h, 0) AS origin_departure_delay_mean_2h_min,
    coalesce(departed.n_3h, 0) AS origin_departures_3h_count,
    departed.late_3h / nullif(departed.n_3h, 0) AS origin_late_departures_3h_share,
    departed.sum_3h / nullif(departed.n_3h, 0) AS origin_departure_delay_mean_3h_min,
    coalesce(departed_own.n, 0) AS carrier_origin_departures_3h_count,
    departed_own.late / nullif(departed_own.n, 0) AS carrier_origin_late_departures_3h_share,
    departed_own.delay_min / nullif(departed_own.n, 0) AS carrier_origin_departure_delay_mean_3h_min,
    coalesce(due.due_3h, 0) - coalesce(departed.gone_3h, 0) - coalesce(landed.cancelled_3h, 0)
        AS origin_backlog_3h_count,
    (due.overdue_3h_min - coalesce(departed.gone_overdue_min, 0) - coalesce(landed.cancelled_overdue_min, 0))
        / nullif(due.due_3h - coalesce(departed.gone_3h, 0) - coalesce(landed.cancelled_3h, 0), 0)
        AS origin_backlog_overdue_mean_min,
    coalesce(landed.cancelled_6h, 0) / nullif(due.due_6h, 0) AS origin_cancelled_6h_share,
    landed.arrived_late_6h / nullif(landed.arrived_6h, 0) AS origin_arrived_late_6h_share,
    previous_departure.delay_min AS previous_departure_delay_min,
    previous_departure.age_min AS previous_departure_age_min,
    previous_arrival.delay_min AS previous_arrival_delay_min,
    previous_due.overdue_min AS previous_due_overdue_min
FROM spine
LEFT JOIN due ON due.entity = spine.entity
LEFT JOIN departed ON departed.partition = spine.partition AND departed.origin = spine.origin
    AND departed.decision_at = spine.decision_at
LEFT JOIN departed_own ON departed_own.entity = spine.entity
LEFT JOIN landed ON landed.partition = spine.partition AND landed.origin = spine.origin
    AND landed.decision_at = spine.decision_at
LEFT JOIN weather ON weather.entity = spine.entity
LEFT JOIN previous_departure ON previous_departure.entity = spine.entity
LEFT JOIN previous_arrival ON previous_arrival.entity = spine.entity
LEFT JOIN previous_due ON previous_due.entity = spine.entity
LEFT JOIN planes ON planes.tailnum = spine.tailnum
LEFT JOIN by_carrier ON by_carrier.decision_partition = spine.partition AND by_carrier.carrier = spine.carrier
LEFT JOIN by_route ON by_route.decision_partition = spine.partition AND by_route.origin = spine.origin
    AND by_route.dest = spine.dest
LEFT JOIN by_origin ON by_origin.decision_partition = spine.partition AND by_origin.origin = spine.origin
LEFT JOIN by_hour ON by_hour.decision_partition = spine.partition AND by_hour.origin = spine.origin
    AND by_hour.local_hour = spine.scheduled_departure_local_min // 60
LEFT JOIN by_flight ON by_flight.decision_partition = spine.partition AND by_flight.carrier = spine.carrier
    AND by_flight.flight_number = spine.flight_number AND by_flight.origin = spine.origin
