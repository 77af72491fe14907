As in HAProxy's and Traefik's documentation.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.limit.rate: 10/s
---- check ----
compose.yaml:7: CG183 service web, label confgen.limit.rate: rate "10/s" is not a number of requests in a time (the route answers 503 until this is mended)
  write "10r/s"
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: write "10r/s" ----
-      confgen.limit.rate: 10/s
+      confgen.limit.rate: 10r/s
