compose takes what follows a $ for a variable; a hash of a password is full of them.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
      confgen.auth.basic: bob:$2y$05$abcdefghijklmnopqrstuuN1ZcG5f1jcmr8FqB5ZTmnhI1xvVE8ru
---- check ----
compose.yaml:7: CG203 file: "$2" begins no variable that compose knows (nothing was looked at)
  write $$ for a dollar sign
---- mend: write $$ for a dollar sign ----
-      confgen.auth.basic: bob:$2y$05$abcdefghijklmnopqrstuuN1ZcG5f1jcmr8FqB5ZTmnhI1xvVE8ru
+      confgen.auth.basic: bob:$$2y$$05$$abcdefghijklmnopqrstuuN1ZcG5f1jcmr8FqB5ZTmnhI1xvVE8ru
