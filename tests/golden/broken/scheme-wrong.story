What the container speaks.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.scheme: htps
---- check ----
compose.yaml:7: CG181 service web, label confgen.scheme: "htps" is not known here (the route is left out)
  did you mean "https"?
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: did you mean "https"? ----
-      confgen.scheme: htps
+      confgen.scheme: https
