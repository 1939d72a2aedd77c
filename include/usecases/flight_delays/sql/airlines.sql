SELECT carrier, name
FROM rows
