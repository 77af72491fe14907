There is nothing to strip from /.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.strip-prefix: "true"
---- check ----
compose.yaml:7: CG003 service web, label confgen.strip-prefix: there is no prefix to strip (the label is ignored)
  set path, or remove it
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: set path, or remove it ----
-      confgen.strip-prefix: "true"
+      confgen.strip-prefix: "true"
+      confgen.path: /api
