A key that nobody knows; the container would have no route, in silence.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.hots: shop.example.com
      confgen.port: "8080"
---- check ----
compose.yaml:6: CG001 service web, label confgen.hots: unknown key "hots" (the label is ignored)
  did you mean "confgen.host"?
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: did you mean "confgen.host"? ----
-      confgen.hots: shop.example.com
+      confgen.host: shop.example.com
