To YAML a text that begins with * is the name of an anchor.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: *.example.com
---- check ----
compose.yaml:6: CG203 file: is not YAML: expected alphabetic or numeric character, but found '.' (nothing was looked at)
  put it in quotes: "*.example.com"
---- mend: put it in quotes: "*.example.com" ----
-      confgen.host: *.example.com
+      confgen.host: "*.example.com"
