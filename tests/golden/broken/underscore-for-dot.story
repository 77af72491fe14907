As the environment variables of other proxies are written.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen_host: shop.example.com
---- check ----
compose.yaml:6: CG001 service web, label confgen_host: "confgen_host" does not begin with confgen. (the label is ignored)
  did you mean "confgen.host"?
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: did you mean "confgen.host"? ----
-      confgen_host: shop.example.com
+      confgen.host: shop.example.com
