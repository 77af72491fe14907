YAML knows no tabs.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
	  confgen.host: shop.example.com
---- check ----
compose.yaml:6: CG203 file: is not YAML: found character '\t' that cannot start any token (nothing was looked at)
  indent with blanks, not with tabs
---- mend: indent with blanks, not with tabs ----
-	  confgen.host: shop.example.com
+      confgen.host: shop.example.com
