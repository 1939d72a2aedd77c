-- One row for each hour and airport, in the columns of the daily file.
SELECT
    partition,
    data ->> 'origin' AS origin,
    CAST(left(partition, 4) AS BIGINT) AS year,
    CAST(substr(partition, 6, 2) AS BIGINT) AS month,
    CAST(right(partition, 2) AS BIGINT) AS day,
    CAST(date_part('hour', timezone('America/New_York', event_time)) AS BIGINT) AS hour,
    CAST(data ->> 'temperature_f' AS DOUBLE) AS temp,
    CAST(data ->> 'dew_point_f' AS DOUBLE) AS dewp,
    CAST(data ->> 'humidity_pct' AS DOUBLE) AS humid,
    CAST(data ->> 'wind_direction_deg' AS DOUBLE) AS wind_dir,
    CAST(data ->> 'wind_speed_mph' AS DOUBLE) AS wind_speed,
    CAST(data ->> 'wind_gust_mph' AS DOUBLE) AS wind_gust,
    CAST(data ->> 'precipitation_in' AS DOUBLE) AS precip,
    CAST(data ->> 'pressure_mbar' AS DOUBLE) AS pressure,
    CAST(data ->> 'visibility_miles' AS DOUBLE) AS visib,
    event_time AS time_hour
FROM events
