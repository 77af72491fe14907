HAProxy counts to 256.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.weight: "300"
---- check ----
compose.yaml:7: CG143 service web, label confgen.weight: weight "300" is not a number from 0 to 256 (this instance gets no traffic)
  write it as in "10"; 0 drains, "256" is the most
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: "256" is the most ----
-      confgen.weight: "300"
+      confgen.weight: "256"
