A path alone is nobody's.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.routes.api.path: /api
---- check ----
compose.yaml:6: CG002 service web, label confgen.routes.api.path: the route has no host (the route is left out)
  add the label confgen.routes.api.host: shop.example.com
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: add the label confgen.routes.api.host: shop.example.com ----
-      confgen.routes.api.path: /api
+      confgen.routes.api.path: /api
+      confgen.routes.api.host: shop.example.com
