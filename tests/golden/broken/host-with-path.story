Host and path in one.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com/api
---- check ----
compose.yaml:6: CG101 service web, label confgen.host: host "shop.example.com/api": "/" at position 17 is not allowed in a DNS name (the route is left out)
  write "shop.example.com", and the path in a label of its own: path: /api
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: write "shop.example.com", and the path in a label of its own: path: /api ----
-      confgen.host: shop.example.com/api
+      confgen.host: shop.example.com
+      confgen.path: /api
