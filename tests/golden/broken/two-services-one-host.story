Both want all of one host.
---- compose.yaml ----
services:
  api:
    image: api:1
    expose: ["80"]
    labels:
      confgen.host: shop.example.com
  web:
    image: web:1
    expose: ["80"]
    labels:
      confgen.host: www.shop.example.com, shop.example.com
---- check ----
compose.yaml:11: CG006 service web, route default: shop.example.com/ is held by api (compose.yaml:6) (the route is left out)
  choose another host or path; if both are replicas of one thing, give both the same label pool
nginx 1.30.6: 1 problem, 2 routes; not tested natively: nginx is not installed here
---- mend: choose another host or path ----
-      confgen.host: www.shop.example.com, shop.example.com
+      confgen.host: www.shop.example.com
