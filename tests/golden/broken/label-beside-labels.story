A label one step too far to the left.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    confgen.host: shop.example.com
---- check ----
compose.yaml:5: CG203 file: "confgen.host" stands beside labels, not below it (nothing was looked at)
  move it to services.web.labels
---- mend: move it to services.web.labels ----
-    confgen.host: shop.example.com
+    labels:
+      confgen.host: shop.example.com
