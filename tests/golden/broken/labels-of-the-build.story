They become labels of the image, at the next build.
---- compose.yaml ----
services:
  web:
    expose: ["8080"]
    build:
      context: .
      labels:
        confgen.host: shop.example.com
---- check ----
compose.yaml:7: CG201 service web, label confgen.host: build.labels makes it a label of the image at its next build, which is not seen here (the label is ignored)
  move it to services.web.labels
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: move it to services.web.labels ----
-        confgen.host: shop.example.com
+    labels:
+      confgen.host: shop.example.com
