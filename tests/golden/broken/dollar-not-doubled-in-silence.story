Here every one of them reads like a variable, which is not set: compose warns, and takes nothing.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.auth.basic: bob:$y$abc
---- check ----
compose.yaml:7: CG161 service web, label confgen.auth.basic: bob: this is no bcrypt, SHA-256, SHA-512 or apr1 hash; plain text is refused (the route answers 503 until this is mended)
  make one with `htpasswd -nB NAME` or `openssl passwd -6`; in a compose file write each $ as $$
compose.yaml:7: CG202 service web, label confgen.auth.basic: what follows a dollar sign is taken for a variable, and that is not set (nothing is left out)
  write $$ for each dollar sign
nginx 1.30.6: 2 problems, 1 route; not tested natively: nginx is not installed here
---- mend: write $$ for each dollar sign ----
-      confgen.auth.basic: bob:$y$abc
+      confgen.auth.basic: bob:$$2y$$05$$abcdefghijklmnopqrstuuN1ZcG5f1jcmr8FqB5ZTmnhI1xvVE8ru
