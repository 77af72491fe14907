Swarm's services have them, containers do not.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    deploy:
      labels:
        confgen.host: shop.example.com
---- check ----
compose.yaml:7: CG201 service web, label confgen.host: deploy.labels makes it a label of a Swarm service, which its containers do not have (the label is ignored)
  move it to services.web.labels
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: move it to services.web.labels ----
-        confgen.host: shop.example.com
+    labels:
+      confgen.host: shop.example.com
