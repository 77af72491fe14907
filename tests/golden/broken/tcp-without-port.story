The port to listen on is part of the label.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["3306"]
    labels:
      confgen.tcp: "3306"
---- check ----
compose.yaml:6: CG001 service web, label confgen.tcp: unknown key "tcp" (the label is ignored)
  the port to listen on stands in the label: confgen.tcp.3306: "3306"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: confgen.tcp.3306: "3306" ----
-      confgen.tcp: "3306"
+      confgen.tcp.3306: "3306"
