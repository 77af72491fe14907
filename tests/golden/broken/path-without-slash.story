A path begins with a slash.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.path: api
---- check ----
compose.yaml:7: CG111 service web, label confgen.path: path "api" does not start with "/" (the route is left out)
  write /api
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: write /api ----
-      confgen.path: api
+      confgen.path: /api
