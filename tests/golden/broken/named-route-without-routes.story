As Traefik's routers are named, the word before forgotten.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.api.host: shop.example.com
---- check ----
compose.yaml:6: CG001 service web, label confgen.api.host: unknown key "api.host" (the label is ignored)
  did you mean "confgen.routes.api.host"?
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: did you mean "confgen.routes.api.host"? ----
-      confgen.api.host: shop.example.com
+      confgen.routes.api.host: shop.example.com
