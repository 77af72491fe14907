A word that is nearly one.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.tls: requires
---- check --certificates certificates ----
compose.yaml:7: CG181 service web, label confgen.tls: "requires" is not known here (the route answers 503 until this is mended)
  did you mean "require"?
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: did you mean "require"? ----
-      confgen.tls: requires
+      confgen.tls: require
