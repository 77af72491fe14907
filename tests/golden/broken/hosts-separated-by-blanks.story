As in nginx's server_name.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com www.example.com
---- check ----
compose.yaml:6: CG101 service web, label confgen.host: host "shop.example.com www.example.com": " " at position 17 is not allowed in a DNS name (the route is left out)
  separate hosts by commas: "shop.example.com, www.example.com"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: separate hosts by commas: "shop.example.com, www.example.com" ----
-      confgen.host: shop.example.com www.example.com
+      confgen.host: shop.example.com, www.example.com
