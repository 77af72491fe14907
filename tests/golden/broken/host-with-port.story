The port of the proxy behind the name.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com:8080
---- check ----
compose.yaml:6: CG101 service web, label confgen.host: host "shop.example.com:8080": ":" at position 17 is not allowed in a DNS name (the route is left out)
  leave out the port, since every port of the listener is matched: "shop.example.com"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: leave out the port, since every port of the listener is matched: "shop.example.com" ----
-      confgen.host: shop.example.com:8080
+      confgen.host: shop.example.com
