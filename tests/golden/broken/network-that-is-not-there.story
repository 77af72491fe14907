The label names a network that the service is not on.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.network: frontend
---- check ----
compose.yaml:7: CG122 service web, route default: it is not on network "frontend" (this instance gets no traffic)
  it is on: default; name that one, or add frontend to the networks of service web
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: it is on: default; name that one ----
-      confgen.network: frontend
+      confgen.network: default
