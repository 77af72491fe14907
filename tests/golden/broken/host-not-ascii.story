The name as people write it, not as browsers send it.
---- compose.yaml ----
services:
  web:
    image: shop:1
    expose: ["8080"]
    labels:
      confgen.host: münchen.example.com
---- check ----
compose.yaml:6: CG185 service web, label confgen.host: "m\xc3\xbcnchen.example.com": the character at position 2 is not ASCII (the route is left out)
  for a host name, write its ASCII form: "xn--mnchen-3ya.example.com"
nginx 1.30.6: 1 problem, 0 routes; not tested natively: nginx is not installed here
---- mend: write its ASCII form: "xn--mnchen-3ya.example.com" ----
-      confgen.host: münchen.example.com
+      confgen.host: xn--mnchen-3ya.example.com
