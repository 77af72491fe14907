The app listens elsewhere than the label says.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.port: "8081"
---- check ----
compose.yaml:7: CG121 service web, label confgen.port: 8081 is none of the ports that the service exposes (nothing is left out)
  write "8080", or add 8081 to expose
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: write "8080" ----
-      confgen.port: "8081"
+      confgen.port: "8080"
