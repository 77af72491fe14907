A rule copied from Traefik's labels.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: Host(`shop.example.com`)
---- check ----
compose.yaml:6: CG101 service web, label confgen.host: host "host(`shop.example.com`)": "(" at position 5 is not allowed in a DNS name (the route is left out)
  write the name alone: "shop.example.com"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: write the name alone: "shop.example.com" ----
-      confgen.host: Host(`shop.example.com`)
+      confgen.host: shop.example.com
