A redirect leads to a whole URL.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.redirect: www.example.com
---- check ----
compose.yaml:7: CG184 service web, label confgen.redirect: URL "www.example.com" is not an absolute http or https URL (the route is left out)
  write it as in https://www.example.com
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: write it as in https://www.example.com ----
-      confgen.redirect: www.example.com
+      confgen.redirect: https://www.example.com
