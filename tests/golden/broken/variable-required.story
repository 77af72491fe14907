compose would not start it either.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: ${SHOP_HOST:?the host of the shop}
---- check ----
compose.yaml:6: CG203 file: variable SHOP_HOST is required: the host of the shop (nothing was looked at)
  set SHOP_HOST in the environment or in .env
---- mend: set SHOP_HOST in the environment or in .env ----
-      confgen.host: ${SHOP_HOST:?the host of the shop}
+      confgen.host: ${SHOP_HOST:-shop.example.com}
