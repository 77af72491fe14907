The port of all sites.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["3306"]
    labels:
      confgen.tcp.80: "3306"
---- check ----
compose.yaml:6: CG006 service web, route tcp-80: port 80 is the proxy's own, for HTTP (the route is left out)
  listen on another port
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: listen on another port ----
-      confgen.tcp.80: "3306"
+      confgen.tcp.3306: "3306"
