Seconds to nginx, milliseconds to HAProxy.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.timeout.read: "30"
---- check ----
compose.yaml:7: CG141 service web, label confgen.timeout.read: duration "30" has no unit (the label is ignored)
  write "30s" or "30ms"
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: write "30s" ----
-      confgen.timeout.read: "30"
+      confgen.timeout.read: 30s
