nginx would take it for a plain name that nobody asks for.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: "www.*.example.com"
---- check ----
compose.yaml:6: CG102 service web, label confgen.host: host "www.*.example.com": "*" may stand only as the whole first label, in front of at least two more (the route is left out)
  write it as "*.example.com"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: write it as "*.example.com" ----
-      confgen.host: "www.*.example.com"
+      confgen.host: "*.example.com"
