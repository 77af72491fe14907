On the host's network a container has no address of its own.
---- compose.yaml ----
services:
  web:
    image: shop:1
    network_mode: host
    labels:
      confgen.host: shop.example.com
      confgen.port: "8080"
---- check ----
compose.yaml:4: CG122 service web, route default: the container is on the host's network, where it has no address of its own (this instance gets no traffic)
  remove network_mode
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: remove network_mode ----
-    network_mode: host
