Nothing says which port: neither the label nor the file.
---- compose.yaml ----
services:
  web:
    image: shop:1
    labels:
      confgen.host: shop.example.com
---- check ----
compose.yaml:5: CG121 service web, route default: no port is given and the image exposes none (this instance gets no traffic)
  add the label confgen.port: "<container port>"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: add the label confgen.port ----
       confgen.host: shop.example.com
+      confgen.port: "8080"
