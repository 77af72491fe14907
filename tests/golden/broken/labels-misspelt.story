The section itself.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    lables:
      confgen.host: shop.example.com
---- check ----
compose.yaml:5: CG203 file: services.web has no key "lables" (nothing was looked at)
  did you mean "labels"?
---- mend: did you mean "labels"? ----
-    lables:
+    labels:
