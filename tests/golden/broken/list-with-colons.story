A list of labels, written as a mapping is.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      - confgen.host: shop.example.com
---- check ----
compose.yaml:6: CG203 file: services.web.labels is neither a mapping nor a list of KEY=VALUE (nothing was looked at)
  write "confgen.host=shop.example.com", or leave the "-" out
---- mend: write "confgen.host=shop.example.com" ----
-      - confgen.host: shop.example.com
+      - confgen.host=shop.example.com
