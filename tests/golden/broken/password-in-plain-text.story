It would stand in the proxy's file.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.auth.basic: bob:secret
---- check ----
compose.yaml:7: CG161 service web, label confgen.auth.basic: bob: this is no bcrypt, SHA-256, SHA-512 or apr1 hash; plain text is refused (the route answers 503 until this is mended)
  make one with `htpasswd -nB NAME` or `openssl passwd -6`; in a compose file write each $ as $$
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: make one with `htpasswd -nB NAME` ----
-      confgen.auth.basic: bob:secret
+      confgen.auth.basic: bob:$$2y$$05$$abcdefghijklmnopqrstuuN1ZcG5f1jcmr8FqB5ZTmnhI1xvVE8ru
