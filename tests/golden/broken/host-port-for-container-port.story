The port that is published on the host, not the one that the app listens on.
---- compose.yaml ----
services:
  web:
    image: shop:1
    ports: ["8000:80"]
    labels:
      confgen.host: shop.example.com
      confgen.port: "8000"
---- check ----
compose.yaml:7: CG121 service web, label confgen.port: 8000 is the port of the host, and the container's is 80 (nothing is left out)
  write "80"
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: write "80" ----
-      confgen.port: "8000"
+      confgen.port: "80"
