Two ports are exposed, and nothing says which.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080", "9090"]
    labels:
      confgen.host: shop.example.com
---- check ----
compose.yaml:6: CG121 service web, route default: no port is given and the image exposes several: 8080, 9090 (this instance gets no traffic)
  add the label confgen.port: "8080"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: add the label confgen.port: "8080" ----
       confgen.host: shop.example.com
+      confgen.port: "8080"
