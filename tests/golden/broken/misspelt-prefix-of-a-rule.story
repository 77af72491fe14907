The same under a misspelt prefix.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgn.allow: 10.0.0.0/8
---- check ----
compose.yaml:7: CG001 service web, label confgn.allow: "confgn.allow" does not begin with confgen. (the route answers 503 until this is mended)
  did you mean "confgen.allow"?
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: did you mean "confgen.allow"? ----
-      confgn.allow: 10.0.0.0/8
+      confgen.allow: 10.0.0.0/8
