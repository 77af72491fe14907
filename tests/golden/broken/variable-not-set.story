The host would be cut off.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.${SHOP_DOMAIN}.example.com
---- check ----
compose.yaml:6: CG101 service web, label confgen.host: host "shop..example.com" is not a DNS name (the route is left out)
  each part between dots has 1 to 63 letters, digits and inner hyphens
compose.yaml:6: CG202 service web, label confgen.host: nothing stands in the place of $SHOP_DOMAIN, which nobody set (nothing is left out)
  set SHOP_DOMAIN in the environment or in .env; where a dollar sign is meant, write $$
nginx 1.30.6: 2 problems, 0 routes; not tested natively: nginx is not installed here
---- mend: set SHOP_DOMAIN in the environment or in .env ----
-      confgen.host: shop.${SHOP_DOMAIN}.example.com
+      confgen.host: shop.${SHOP_DOMAIN:-eu}.example.com
