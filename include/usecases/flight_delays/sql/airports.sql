SELECT faa, name, lat AS latitude_deg, lon AS longitude_deg, alt AS altitude_ft, tzone AS timezone
FROM rows
