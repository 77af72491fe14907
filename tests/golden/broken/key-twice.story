Two hosts as two labels: YAML keeps one.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.host: www.example.com
---- check ----
compose.yaml:7: CG203 file: is not YAML: the key "confgen.host" stands twice (nothing was looked at)
  remove one of the two; several hosts stand in one label, separated by commas
---- mend: remove one of the two ----
-      confgen.host: www.example.com
