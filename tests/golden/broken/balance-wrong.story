As it is called elsewhere, nearly.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.balance: least_conn
---- check ----
compose.yaml:7: CG181 service web, label confgen.balance: balance "least_conn" is not known (the label is ignored)
  did you mean "leastconn"?
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: did you mean "leastconn"? ----
-      confgen.balance: least_conn
+      confgen.balance: leastconn
