Nobody reaches it.
---- compose.yaml ----
services:
  web:
    image: shop:1
    network_mode: none
    labels:
      confgen.host: shop.example.com
      confgen.port: "8080"
---- check ----
compose.yaml:4: CG122 service web, route default: it shares no network with the proxy (it is on: none; the proxy on: none) (this instance gets no traffic)
  remove network_mode
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: remove network_mode ----
-    network_mode: none
