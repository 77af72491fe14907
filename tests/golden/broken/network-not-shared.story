The container is on its database's network alone.
---- compose.yaml ----
services:
  proxy:
    image: nginx:1.30
    labels:
      confgen.proxy: nginx
    networks: [edge]
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: shop.example.com
    networks: [back]
networks:
  edge:
  back:
---- check ----
compose.yaml:12: CG122 service web, route default: it shares no network with the proxy (it is on: shop_back; the proxy on: shop_edge) (this instance gets no traffic)
  add edge to the networks of service web
nginx 1.30: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: add edge to the networks of service web ----
-    networks: [back]
+    networks: [back, edge]
