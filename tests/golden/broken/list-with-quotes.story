Quotes behind the = are part of the value.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      - confgen.host="shop.example.com"
---- check ----
compose.yaml:6: CG101 service web, label confgen.host: host "\"shop.example.com\"": "\"" at position 1 is not allowed in a DNS name (the route is left out)
  leave out the quotes: "shop.example.com"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: leave out the quotes: "shop.example.com" ----
-      - confgen.host="shop.example.com"
+      - confgen.host=shop.example.com
