A service's name taken for a host's.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: my_shop.example.com
---- check ----
compose.yaml:6: CG101 service web, label confgen.host: host "my_shop.example.com": "_" at position 3 is not allowed in a DNS name (the route is left out)
  use letters, digits, "-" and ".", as in "my-shop.example.com"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: as in "my-shop.example.com" ----
-      confgen.host: my_shop.example.com
+      confgen.host: my-shop.example.com
