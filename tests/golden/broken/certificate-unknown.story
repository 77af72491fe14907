A name that no certificate in the folder has.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.tls.cert: shopp
---- check --certificates certificates ----
compose.yaml:7: CG171 service web, route default: there is no certificate shopp (the route answers 503 until this is mended)
  did you mean "shop"?
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: did you mean "shop"? ----
-      confgen.tls.cert: shopp
+      confgen.tls.cert: shop
