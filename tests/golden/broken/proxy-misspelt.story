The proxy's own label: it would be left alone, and the file would be checked for another one.
---- compose.yaml ----
services:
  proxy:
    image: nginx:1.30
    labels:
      confgen.proxy: ngnix
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
---- check ----
compose.yaml:5: CG181 service proxy, label confgen.proxy: "ngnix" is no proxy that is known (this proxy is left alone)
  did you mean "nginx"?
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: did you mean "nginx"? ----
-      confgen.proxy: ngnix
+      confgen.proxy: nginx
