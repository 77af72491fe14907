Which of the two was meant nobody can know.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.allow: 10.0.0.1/8
---- check ----
compose.yaml:7: CG151 service web, label confgen.allow: "10.0.0.1/8" has host bits (the route answers 503 until this is mended)
  did you mean 10.0.0.0/8 or 10.0.0.1/32?
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: did you mean 10.0.0.0/8 ----
-      confgen.allow: 10.0.0.1/8
+      confgen.allow: 10.0.0.0/8
