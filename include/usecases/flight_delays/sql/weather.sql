-- An hour's observation is known when the hour is over. The UTC hour is the key: the local hour 01:00 exists twice on the
-- night on which daylight saving time ends.
SELECT
    partition,
    origin,
    time_hour AS event_time,
    time_hour + INTERVAL 1 HOUR AS known_at,
    temp AS temperature_f,
    dewp AS dew_point_f,
    humid AS humidity_pct,
    wind_dir AS wind_direction_deg,
    wind_speed AS wind_speed_mph,
    wind_gust AS wind_gust_mph,
    precip AS precipitation_in,
    pressure AS pressure_mbar,
    visib AS visibility_miles
FROM rows
