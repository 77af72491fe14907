A name where the port to listen on stands.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["3306"]
    labels:
      confgen.tcp.db: "3306"
---- check ----
compose.yaml:6: CG121 service web, label confgen.tcp.db: port "db" is not a number from 1 to 65535 (the route is left out)
  the port to listen on stands in the label: confgen.tcp.3306: "<container port>"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: the port to listen on stands in the label: confgen.tcp.3306 ----
-      confgen.tcp.db: "3306"
+      confgen.tcp.3306: "3306"
