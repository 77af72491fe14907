A scheme in front.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: https://shop.example.com/
---- check ----
compose.yaml:6: CG101 service web, label confgen.host: host "https://shop.example.com/": ":" at position 6 is not allowed in a DNS name (the route is left out)
  leave out the scheme: "shop.example.com"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: leave out the scheme: "shop.example.com" ----
-      confgen.host: https://shop.example.com/
+      confgen.host: shop.example.com
