A digit too many.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.port: "80800"
---- check ----
compose.yaml:7: CG121 service web, label confgen.port: 80800 is none of the ports that the service exposes (nothing is left out)
  write "8080", or add 80800 to expose
compose.yaml:7: CG121 service web, label confgen.port: port "80800" is not a number from 1 to 65535 (the route is left out)
  write the container's port, as in "8080"
nginx 1.30.6: 2 problems, 0 routes; not tested natively: nginx is not installed here
---- mend: write the container's port, as in "8080" ----
-      confgen.port: "80800"
+      confgen.port: "8080"
