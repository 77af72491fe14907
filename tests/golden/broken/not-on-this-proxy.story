What this proxy cannot do.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.slow-start: 30s
---- check --proxy nginx ----
compose.yaml:7: CG004 service web, route default: nginx has no slow start: each step of it would be a reload (the label is ignored)
  remove the label, or use HAProxy
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: remove the label ----
-      confgen.slow-start: 30s
