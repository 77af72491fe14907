Two services share a pool by its name, and one wants it otherwise.
---- compose.yaml ----
services:
  blue:
    image: shop:1
    expose: ["80"]
    labels:
      confgen.host: shop.example.com
      confgen.pool: shop
  green:
    image: shop:2
    expose: ["80"]
    labels:
      confgen.host: shop.example.com
      confgen.pool: shop
      confgen.balance: leastconn
---- check ----
compose.yaml:14: CG005 service green, route default: differs from blue (compose.yaml:6) in: balance, name (this instance gets no traffic)
  give both the same labels, or remove the older one: then this one holds
nginx 1.30.6: 1 problem, 1 route; not tested natively: nginx is not installed here
---- mend: give both the same labels ----
-      confgen.balance: leastconn
