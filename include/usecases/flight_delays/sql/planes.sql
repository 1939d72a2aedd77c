SELECT tailnum, year AS built_year, type, manufacturer, model, engines, seats, engine
FROM rows
