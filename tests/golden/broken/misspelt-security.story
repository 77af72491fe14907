A rule that shuts a door: the route stays shut until it is mended.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.alow: 10.0.0.0/8
---- check ----
compose.yaml:7: CG001 service web, label confgen.alow: "alow" looks like the security label 'allow' that this version cannot obey (the route answers 503 until this is mended)
  did you mean "confgen.allow"? remove it if the route may be open; docs/labels.md lists every key
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: did you mean "confgen.allow"? ----
-      confgen.alow: 10.0.0.0/8
+      confgen.allow: 10.0.0.0/8
