Neither true nor false: the container is left out.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.enable: "ture"
---- check ----
compose.yaml:7: CG181 service web, label confgen.enable: "ture" is neither "true" nor "false" (this instance gets no traffic)
  did you mean "true"?
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: did you mean "true"? ----
-      confgen.enable: "ture"
+      confgen.enable: "true"
